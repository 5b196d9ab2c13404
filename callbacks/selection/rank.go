package selection

import (
	"cmp"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/trainer"
)

// fronts returns the Pareto front of each run, by its values of the measures. Runs
// that no other run dominates are in front 1, runs that only runs of front 1
// dominate are in front 2, and so on. One run dominates another if it is certainly
// better in some measure and certainly not worse in any. Where intervals overlap,
// neither is certainly better.
func fronts(by []Measure, values [][]Interval) []int {
	dominated := make([][]int, len(values)) // for each run, the runs that it dominates
	above := make([]int, len(values))       // for each run, the number of runs that dominate it
	for i := range values {
		for j := range values {
			if dominates(by, values[i], values[j]) {
				dominated[i] = append(dominated[i], j)
				above[j]++
			}
		}
	}
	front := make([]int, len(values))
	var current []int
	for i, n := range above {
		if n == 0 {
			current = append(current, i)
		}
	}
	for n := 1; len(current) > 0; n++ {
		var next []int
		for _, i := range current {
			front[i] = n
			for _, j := range dominated[i] {
				if above[j]--; above[j] == 0 {
					next = append(next, j)
				}
			}
		}
		current = next
	}
	return front
}

func dominates(by []Measure, a, b []Interval) bool {
	better := false
	for k, m := range by {
		switch {
		case m.compare(a[k], b[k]) < 0:
			better = true
		case !atLeast(m, a[k], b[k]):
			return false
		}
	}
	return better
}

// atLeast reports whether a is certainly not worse than b.
func atLeast(m Measure, a, b Interval) bool {
	if m.Better == trainer.Higher {
		return a.Low >= b.High
	}
	return a.High <= b.Low
}

// scores returns the distance of each run from an ideal run, which has the best
// value of every measure that any run may have:
//
//	score = Σₖ dₖ/K,   dₖ = |log(xₖ/bestₖ)|
//
// Hence exp(score) is the factor by which a run is worse than the best, as the
// geometric mean over the K measures. Twice the complexity counts as much as half
// the margin, whatever their units, and the order of two runs does not depend on
// the others. A run that another one dominates never has the lower score.
//
// If a measure has a value that is not positive, there are no ratios, and dₖ =
// |xₖ − bestₖ|/mean|xₖ|, which approximates the logarithm for values that are near
// each other. Where a measure is an interval, so is the score.
func scores(by []Measure, values [][]Interval) []Interval {
	sums := make([]Interval, len(values))
	for k, m := range by {
		column := make([]Interval, len(values))
		for i, v := range values {
			column[i] = v[k]
		}
		for i, d := range distances(column, m.Better) {
			sums[i].Low += d.Low / float64(len(by))
			sums[i].High += d.High / float64(len(by))
		}
	}
	return sums
}

// distances returns the distance dₖ of each value of a column from the best one.
func distances(column []Interval, better trainer.Direction) []Interval {
	best, positive, scale := math.Inf(1), true, 0.0
	if better == trainer.Higher {
		best = math.Inf(-1)
	}
	for _, v := range column {
		if better == trainer.Higher {
			best = max(best, v.High)
		} else {
			best = min(best, v.Low)
		}
		positive = positive && v.Low > 0
		scale += math.Abs(v.middle()) / float64(len(column))
	}
	distance := func(x float64) float64 {
		switch {
		case x == best:
			return 0
		case positive:
			return math.Abs(math.Log(x) - math.Log(best))
		default: // halve first, since the difference of two finite numbers may overflow
			return math.Abs(x/2-best/2) / (scale / 2)
		}
	}
	d := make([]Interval, len(column))
	for i, v := range column {
		d[i] = Interval{distance(v.Low), distance(v.High)}
		if better == trainer.Higher {
			d[i].Low, d[i].High = d[i].High, d[i].Low
		}
	}
	return d
}

// rank sorts runs by front, then by score, then by name, and sets their ranks. The
// rank is one more than the number of runs that are certainly before: in an earlier
// front, or in the same front with a score that is certainly lower. Within a front
// whose scores are intervals, their midpoints decide about the order of the list,
// but not about ranks.
func rank(by []Measure, runs []Ranked) {
	// The rounding of sums depends on the order of the runs, so fix it first.
	slices.SortFunc(runs, func(a, b Ranked) int { return cmp.Compare(a.Run, b.Run) })
	values := make([][]Interval, len(runs))
	for i, r := range runs {
		for _, m := range by {
			values[i] = append(values[i], r.Values[m.Metric])
		}
	}
	front, score := fronts(by, values), scores(by, values)
	for i := range runs {
		runs[i].Front, runs[i].score, runs[i].Score = front[i], score[i], score[i].middle()
	}
	slices.SortFunc(runs, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(a.Front, b.Front), cmp.Compare(a.Score, b.Score), cmp.Compare(a.Run, b.Run))
	})
	for i := range runs {
		runs[i].Rank = 1
		for k := range runs {
			if cmp.Or(cmp.Compare(runs[k].Front, runs[i].Front), runs[k].score.compare(runs[i].score)) < 0 {
				runs[i].Rank++
			}
		}
	}
}
