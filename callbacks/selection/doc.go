// Package selection chooses among finished runs by what was measured of them
// on the training and validation data, and tells afterwards, on the test data,
// how well such measures would have chosen.
//
// A boundary that is simple and wide is expected to generalize: low complexity,
// large margin (arXiv:2306.07104). No exchange rate between the two is known,
// so runs are sorted into Pareto fronts:
//
//	margin ▲   1                   front 1: no run is both simpler and wider
//	       │        1    2         front 2: only runs of front 1 are
//	       │   2       3
//	       └──────────────▶ complexity
//
// Candidates ─▶ comparable ones, each at one epoch ─▶ fronts ─▶ order in a front
// by a score. What was trained on other data, or with another loss, is ranked
// apart; what is not comparable otherwise is ranked with a Warning.
//
// Metrics of the test split cannot rank. They are read when the order is
// final, for Association: Kendall's τ-b of a measure and the generalization gap.
package selection
