package piecewise

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/models"
)

func TestLinesEncloseTheActivations(t *testing.T) {
	for a, f := range map[models.Activation]func(float64) float64{
		models.ReLU:      func(z float64) float64 { return max(z, 0) },
		models.LeakyReLU: func(z float64) float64 { return max(z, 0.01*z) },
		models.Tanh:      math.Tanh,
		models.Sigmoid:   func(z float64) float64 { return 1 / (1 + math.Exp(-z)) },
		models.Softplus:  func(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) },
	} {
		rapid.Check(t, func(t *rapid.T) {
			l := rapid.Float64Range(-30, 30).Draw(t, "l")
			u := l + rapid.SampledFrom([]float64{0, 1e-9, 1e-3, 1, 10, 60}).Draw(t, "width")*rapid.Float64Range(0, 1).Draw(t, "share")
			r, ok := relax(a, l, u)
			if !ok {
				t.Fatalf("no lines for %s", a)
			}
			for i := range 101 {
				z := min(u, l+(u-l)*float64(i)/100)
				low, high := r.lower.slope*z+r.lower.offset, r.upper.slope*z+r.upper.offset
				if v := f(z); low > v+1e-14 || high < v-1e-14 {
					t.Fatalf("%s on [%g, %g]: %g ≤ %.17g ≤ %g at %g", a, l, u, low, v, high, z)
				}
			}
		})
	}
	if boundable(models.GELU) {
		t.Error("GELU has lines")
	}
}
