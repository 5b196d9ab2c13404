package quantile

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// Of returns the p-quantile of values, 0 ≤ p ≤ 1. With the sorted values
// x₀ ≤ x₁ ≤ … and h = p·(n−1), this is x_h, linearly interpolated if h is not a
// whole number (definition 7 of Hyndman and Fan 1996). It is NaN if there are no
// values.
func Of(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := p * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// Median returns the median of values. It is the mean of the middle two if their
// number is even, and NaN if there are no values.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}

// Weighted holds values, each with a weight that is not negative.
type Weighted struct{ Values, Weights []float64 }

// Sort sorts the values, with their weights, in ascending order.
func (w Weighted) Sort() { sort.Sort(byValue(w)) }

// Quantile returns the p-quantile: the first of the sorted values at which the
// sum of the weights so far reaches the share p of their total. Call Sort first.
func (w Weighted) Quantile(p float64) float64 {
	return stat.Quantile(p, stat.Empirical, w.Values, w.Weights)
}

// byValue sorts values with their weights.
type byValue Weighted

func (w byValue) Len() int           { return len(w.Values) }
func (w byValue) Less(i, j int) bool { return w.Values[i] < w.Values[j] }
func (w byValue) Swap(i, j int) {
	w.Values[i], w.Values[j] = w.Values[j], w.Values[i]
	w.Weights[i], w.Weights[j] = w.Weights[j], w.Weights[i]
}
