package selection

import (
	"math"
	"math/rand/v2"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
	"github.com/hessoscope/hessoscope/trainer"
)

// KendallTau returns Kendall's τ-b of two sequences of numbers,
//
//	τ_b = (C − D) / √((n₀ − t_x)·(n₀ − t_y))
//
// where n₀ = n(n−1)/2 is the number of pairs, C and D are the numbers of concordant
// and discordant pairs, and t_x and t_y are the numbers of pairs that are tied in x
// and in y. It is in [−1, 1]. If all pairs of a sequence are tied, it is undefined,
// and the second result is false. The sequences must have the same length. NaN is
// tied with every number.
func KendallTau(x, y []float64) (float64, bool) {
	s := stratum{n: len(x), x: signs(exact(x), Interval.compare), y: signs(exact(y), Interval.compare)}
	return s.pairs(all(len(x))).tau()
}

func exact(x []float64) []Interval {
	values := make([]Interval, len(x))
	for i, v := range x {
		values[i] = Interval{v, v}
	}
	return values
}

// all returns the indices 0, …, n−1.
func all(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// stratum is a set of n runs that may be compared with each other. For each pair
// of runs it has the signs of their differences in x and in y.
type stratum struct {
	n    int
	x, y []int8 // n × n, row by row
}

// signs returns the result of compare for each pair of values, row by row.
func signs(values []Interval, compare func(a, b Interval) int) []int8 {
	s := make([]int8, 0, len(values)*len(values))
	for _, a := range values {
		for _, b := range values {
			s = append(s, int8(compare(a, b)))
		}
	}
	return s
}

// pairs has the counts of pairs of runs from which τ-b is computed.
type pairs struct {
	total            int
	surplus          int // concordant minus discordant pairs, C − D
	untiedX, untiedY int
}

// pairs counts the pairs in a sample of the runs. A run that was drawn twice is
// tied with itself in x and in y, so that this pair does not affect τ-b.
func (s stratum) pairs(drawn []int) pairs {
	p := pairs{total: len(drawn) * (len(drawn) - 1) / 2}
	for k, i := range drawn {
		x, y := s.x[i*s.n:(i+1)*s.n], s.y[i*s.n:(i+1)*s.n]
		for _, j := range drawn[:k] {
			sx, sy := int(x[j]), int(y[j])
			p.surplus += sx * sy
			p.untiedX += sx * sx
			p.untiedY += sy * sy
		}
	}
	return p
}

func (p pairs) plus(q pairs) pairs {
	return pairs{p.total + q.total, p.surplus + q.surplus, p.untiedX + q.untiedX, p.untiedY + q.untiedY}
}

func (p pairs) tau() (float64, bool) {
	if p.untiedX == 0 || p.untiedY == 0 {
		return 0, false
	}
	return float64(p.surplus) / math.Sqrt(float64(p.untiedX)*float64(p.untiedY)), true
}

// counted adds up the pairs within each stratum.
func counted(strata []stratum, drawn func(n int) []int) pairs {
	var p pairs
	for _, s := range strata {
		p = p.plus(s.pairs(drawn(s.n)))
	}
	return p
}

// bootstrap returns the percentiles 2.5 and 97.5 of τ-b over resamples. A resample
// draws from each stratum as many runs as it has, with replacement. Resamples in
// which τ-b is undefined are left out; if these are more than half, ok is false.
func bootstrap(strata []stratum, resamples int, seed uint64) (low, high float64, ok bool) {
	taus := make([]float64, 0, resamples)
	var drawn []int
	for k := range resamples {
		rng := trainer.Stream(seed, "select/bootstrap", k)
		p := counted(strata, func(n int) []int {
			drawn = draw(rng, n, drawn[:0])
			return drawn
		})
		if tau, ok := p.tau(); ok {
			taus = append(taus, tau)
		}
	}
	if 2*len(taus) <= resamples {
		return 0, 0, false
	}
	return quantile.Of(taus, 0.025), quantile.Of(taus, 0.975), true
}

func draw(rng *rand.Rand, n int, drawn []int) []int {
	for range n {
		drawn = append(drawn, rng.IntN(n))
	}
	return drawn
}
