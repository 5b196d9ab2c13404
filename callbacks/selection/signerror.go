package selection

import (
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// leastWeight is the least sum of the weights of an environment's pairs with which
// it counts: that of one pair whose order is sure.
const leastWeight = 1

// signErrors returns the sign error in each environment (Dziugaite et al. 2020, "In
// search of robust measures of generalization"), in ascending order:
//
//	½·E[1 − sgn(Δμ)·sgn(Δgap)]
//
// It is the share of pairs that the measure orders wrongly, where a tie counts ½. An
// environment is the pairs that differ in one axis alone, with the same values of
// all others but the seed, which is the same in both runs of a pair and varies
// between pairs. The weight of a pair is how sure the sign of Δgap is. Environments
// with less than leastWeight are left out, since noise decides there.
func (c *cohort) signErrors(pairs []pair) []float64 {
	var errs []float64
	for k, a := range c.axes {
		type sum struct{ wrong, weight float64 }
		sums := make(map[int]*sum)
		for _, p := range pairsAlong(pairs, k) {
			s := sums[a.setting[p.i]]
			if s == nil {
				s = new(sum)
				sums[a.setting[p.i]] = s
			}
			s.wrong += p.sure * float64(1-p.x*p.y) / 2
			s.weight += p.sure
		}
		for _, s := range sums {
			if s.weight >= leastWeight {
				errs = append(errs, s.wrong/s.weight)
			}
		}
	}
	slices.Sort(errs)
	return errs
}

// robust adds the 90th percentile and the maximum of the sign errors. The mean
// would hide the environments in which a measure fails.
func (a *Association) robust(errs []float64) {
	a.Environments = len(errs)
	if len(errs) > 0 {
		a.SignError90, a.SignErrorMax = new(quantile.Of(errs, 0.9)), new(errs[len(errs)-1])
	}
}
