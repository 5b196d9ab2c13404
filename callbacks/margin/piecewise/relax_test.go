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

// On both sides of the turning point, the line above a sigmoid touches it at the lower
// end, and the line below at the upper one, unless the secant is above the function.
func TestLinesOfSigmoidsAreTight(t *testing.T) {
	for a, f := range map[models.Activation]func(float64) float64{
		models.Tanh:    math.Tanh,
		models.Sigmoid: func(z float64) float64 { return 1 / (1 + math.Exp(-z)) },
	} {
		for _, ends := range [][2]float64{{-0.5, 4}, {-1, 8}, {-2, 3}, {-3, 2.5}, {-8, 1}, {-1, 0.01}} {
			r, _ := relax(a, ends[0], ends[1])
			if have, want := r.upper.slope*ends[0]+r.upper.offset, f(ends[0]); math.Abs(have-want) > 1e-9 {
				t.Errorf("%s on %g: the line above is %g at the lower end, want %g", a, ends, have, want)
			}
			if have, want := r.lower.slope*ends[1]+r.lower.offset, f(ends[1]); math.Abs(have-want) > 1e-9 {
				t.Errorf("%s on %g: the line below is %g at the upper end, want %g", a, ends, have, want)
			}
		}
	}
}

// The lowest line above a rectifier touches both of its ends.
func TestLinesOfRectifiersAreTight(t *testing.T) {
	for a, slope := range map[models.Activation]float64{models.ReLU: 0, models.LeakyReLU: 0.01} {
		for _, ends := range [][2]float64{{-1, 1}, {-10, 3}, {-3, 10}, {-2, -1}, {1, 2}} {
			r, _ := relax(a, ends[0], ends[1])
			for _, z := range ends {
				want := max(z, slope*z)
				if have := r.upper.slope*z + r.upper.offset; math.Abs(have-want) > 1e-12 {
					t.Errorf("%s on %g: the line above is %g at %g, want %g", a, ends, have, z, want)
				}
			}
			if want := ends[1] > -ends[0]; want != (r.lower.slope == 1) {
				t.Errorf("%s on %g: the line below has slope %g", a, ends, r.lower.slope)
			}
		}
	}
}
