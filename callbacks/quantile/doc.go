// Package quantile has order statistics, each by one definition for the whole
// module: quantiles that interpolate linearly, as numpy's default does, and
// medians of values that are counted once each, and quantiles of values that
// have weights.
package quantile
