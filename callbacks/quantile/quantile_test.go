package quantile_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// The quantiles of {4, 1, 7, 2} are those of numpy.quantile.
func TestOf(t *testing.T) {
	values := []float64{4, 1, 7, 2}
	for _, c := range []struct{ p, want float64 }{{0, 1}, {0.05, 1.15}, {0.25, 1.75}, {0.5, 3}, {0.9, 6.1}, {1, 7}} {
		if got := quantile.Of(values, c.p); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("quantile %g is %g; want %g", c.p, got, c.want)
		}
	}
	if got := quantile.Of([]float64{3}, 0.7); got != 3 {
		t.Errorf("a quantile of {3} is %g", got)
	}
	if values[0] != 4 {
		t.Error("the values were sorted in place")
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}, {[]float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64}} {
		if got := quantile.Median(c.values); got != c.want {
			t.Errorf("the median of %v is %g; want %g", c.values, got, c.want)
		}
	}
	if !math.IsNaN(quantile.Median(nil)) || !math.IsNaN(quantile.Of(nil, 0.5)) {
		t.Error("no values have a quantile")
	}
}

func ExampleWeighted() {
	w := quantile.Weighted{Values: []float64{30, 10, 20}, Weights: []float64{0.2, 0.3, 0.5}}
	w.Sort()
	fmt.Println(w.Values, w.Weights, w.Quantile(0.5))
	// Output: [10 20 30] [0.3 0.5 0.2] 20
}
