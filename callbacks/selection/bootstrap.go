package selection

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
	"github.com/hessoscope/hessoscope/trainer"
)

// MinBootstrap is the smallest number of clusters for which an interval is given.
// With fewer, the interval of the bootstrap is much too narrow.
const MinBootstrap = 8

// resampling is the counts of pairs within and between clusters.
type resampling struct {
	clusters int
	within   []tally
	between  [][]tally // between[a][b] for b < a
}

// newResampling sorts pairs by the clusters of their runs.
func newResampling(pairs []pair, cluster []int) *resampling {
	numbers := make(map[int]int)
	number := func(run int) int {
		n, known := numbers[cluster[run]]
		if !known {
			n = len(numbers)
			numbers[cluster[run]] = n
		}
		return n
	}
	for _, p := range pairs {
		number(p.i)
		number(p.j)
	}
	r := &resampling{clusters: len(numbers), within: make([]tally, len(numbers)), between: make([][]tally, len(numbers))}
	for a := range r.between {
		r.between[a] = make([]tally, a)
	}
	for _, p := range pairs {
		switch a, b := number(p.i), number(p.j); {
		case a == b:
			r.within[a].add(p)
		default:
			r.between[max(a, b)][min(a, b)].add(p)
		}
	}
	return r
}

// drawn returns the counts in a resample that has each cluster a number of times.
// Copies of a cluster are different clusters of the resample. Runs of two copies of
// the same cluster are not compared, since they are not independent.
func (r *resampling) drawn(times []int) tally {
	var t tally
	for a, n := range times {
		if n == 0 {
			continue
		}
		t = t.plus(n, r.within[a])
		for b, u := range r.between[a] {
			if times[b] > 0 {
				t = t.plus(n*times[b], u)
			}
		}
	}
	return t
}

// interval returns the 95 % interval of τ-b by its percentiles over resamples, each
// of which draws as many clusters as there are, with replacement. Resamples in which
// τ-b is undefined are left out. If these are more than half, or there are fewer
// than MinBootstrap clusters, both ends are nil.
func (r *resampling) interval(resamples int, seed uint64) (low, high *float64) {
	if r.clusters < MinBootstrap {
		return nil, nil
	}
	taus := make([]float64, 0, resamples)
	times := make([]int, r.clusters)
	for k := range resamples {
		rng := trainer.Stream(seed, "select/bootstrap", k)
		clear(times)
		for range times {
			times[rng.IntN(r.clusters)]++
		}
		if tau, ok := r.drawn(times).tau(); ok {
			taus = append(taus, tau)
		}
	}
	if 2*len(taus) <= resamples {
		return nil, nil
	}
	tail := tail(r.clusters)
	return new(quantile.Of(taus, tail)), new(quantile.Of(taus, 1-tail))
}

// tail returns the share of resamples below a 95 % interval from n clusters. With
// the 2.5 % of large n, the interval is too narrow, as one of normal quantiles with
// the biased standard deviation would be in place of Student's
// (Hesterberg 2015, "What teachers should know about the bootstrap", section 5.1):
//
//	Φ(−√(n/(n−1))·t₀.₉₇₅),   t of n − 1 degrees of freedom
func tail(n int) float64 {
	t := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.Quantile(0.975)
	return distuv.UnitNormal.CDF(-math.Sqrt(float64(n)/float64(n-1)) * t)
}
