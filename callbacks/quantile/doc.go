// Package quantile defines the order statistics that the whole module uses:
// quantiles with linear interpolation, as numpy's default, medians, and quantiles
// of weighted values.
package quantile
