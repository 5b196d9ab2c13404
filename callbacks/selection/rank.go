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
// value of every measure:
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
// each other. An interval is represented by its midpoint.
func scores(by []Measure, values [][]Interval) []float64 {
	sums := make([]float64, len(values))
	column := make([]float64, len(values))
	for k, m := range by {
		for i, v := range values {
			column[i] = v[k].middle()
		}
		for i, d := range distances(column, m.Better) {
			sums[i] += d / float64(len(by))
		}
	}
	return sums
}

// distances returns the distance dₖ of each value of a column from the best one.
func distances(column []float64, better trainer.Direction) []float64 {
	d := make([]float64, len(column))
	best := slices.Min(column)
	positive := best > 0
	if better == trainer.Higher {
		best = slices.Max(column)
	}
	scale := 0.0
	for _, x := range column {
		scale += math.Abs(x) / float64(len(column))
	}
	for i, x := range column {
		switch {
		case x == best:
		case positive:
			d[i] = math.Abs(math.Log(x) - math.Log(best))
		default: // halve first, since the difference of two finite numbers may overflow
			d[i] = math.Abs(x/2-best/2) / (scale / 2)
		}
	}
	return d
}

// rank sorts runs by front, then by score, then by name, and sets their ranks. Runs
// of equal front and score share a rank.
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
		runs[i].Front, runs[i].Score = front[i], score[i]
	}
	slices.SortFunc(runs, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(a.Front, b.Front), cmp.Compare(a.Score, b.Score), cmp.Compare(a.Run, b.Run))
	})
	for i := range runs {
		runs[i].Rank = i + 1
		if i > 0 && runs[i].Front == runs[i-1].Front && runs[i].Score == runs[i-1].Score {
			runs[i].Rank = runs[i-1].Rank
		}
	}
}
