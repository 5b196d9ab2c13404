package selection

import "math"

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
	var t tally
	for i := range x {
		for j := range i {
			t.add(pair{x: Interval{x[i], x[i]}.compare(Interval{x[j], x[j]}), y: Interval{y[i], y[i]}.compare(Interval{y[j], y[j]})})
		}
	}
	return t.tau()
}

// tally has the counts of pairs of runs from which τ-b is computed.
type tally struct {
	total, leftOut   int // pairs that count, and pairs that are left out
	surplus          int // concordant minus discordant pairs, C − D
	untiedX, untiedY int
}

func (t *tally) add(p pair) {
	if p.leftOut {
		t.leftOut++
		return
	}
	t.total++
	t.surplus += p.x * p.y
	t.untiedX += p.x * p.x
	t.untiedY += p.y * p.y
}

// plus returns t + weight·u, without the numbers of pairs.
func (t tally) plus(weight int, u tally) tally {
	return tally{surplus: t.surplus + weight*u.surplus, untiedX: t.untiedX + weight*u.untiedX, untiedY: t.untiedY + weight*u.untiedY}
}

func (t tally) tau() (float64, bool) {
	if t.untiedX == 0 || t.untiedY == 0 {
		return 0, false
	}
	return float64(t.surplus) / math.Sqrt(float64(t.untiedX)*float64(t.untiedY)), true
}

// tallyOf counts pairs.
func tallyOf(pairs []pair) tally {
	var t tally
	for _, p := range pairs {
		t.add(p)
	}
	return t
}
