// Package selection ranks finished runs by measures on the training and
// validation data. Afterwards it reports, on the test data, how well these
// measures predict generalization.
//
// A boundary of low complexity and large margin is expected to generalize
// (arXiv:2306.07104). It is not known how to weigh the two against each other, so
// runs are sorted into Pareto fronts:
//
//	margin ▲   1                   front 1: no run is both simpler and wider
//	       │        1    2         front 2: only runs of front 1 are
//	       │   2       3
//	       └──────────────▶ complexity
//
// The steps are: candidates ─▶ groups of comparable runs, each run at one epoch ─▶
// fronts ─▶ order within a front by a score. Runs that were trained on different
// data or with different losses are in different groups. If runs of a group differ
// in other ways that affect the measures, the group has a Warning.
//
// Metrics of the test split cannot rank. They are read only after the order is
// final, for an Association: how well a measure tells the generalization gap. A
// correlation over all runs may come from a setting on which both depend, from runs
// that are not independent, or from noise. Hence pairs of runs whose gaps differ by
// less than twice the standard error are left out, intervals resample clusters of
// runs that depend on each other, and besides Kendall's τ-b there are
//
//	Ψ            mean τ along each setting, all others fixed      (Jiang et al. 2020)
//	information  what the measure tells beyond any two settings   (Jiang et al. 2020)
//	sign error   in the worst environments, not on average        (Dziugaite et al. 2020)
//	strata       τ over runs that differ in one setting alone, as in the seed
package selection
