package sharpness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/models"
)

// along is a loss with a rise f over the start, which is 1. It keeps the tried steps.
type along struct {
	f     func(x float64) float64
	tried []float64
}

func (a *along) loss(_ context.Context, x float64) (float64, error) {
	a.tried = append(a.tried, x)
	rise := a.f(x)
	if math.IsNaN(rise) || math.IsInf(rise, 0) {
		return 0, fmt.Errorf("the loss is %g: %w", rise, models.ErrNotFinite)
	}
	return 1 + rise, nil
}

func (a *along) search(t rapid.TB, slope, guess float64) CriticalStep {
	t.Helper()
	found, err := line{loss: a.loss, start: 1, slope: slope, noise: 1e-12}.criticalStep(context.Background(), guess)
	if err != nil {
		t.Fatal(err)
	}
	if found.Passes != len(a.tried) || found.Passes > 9 {
		t.Fatalf("%d passes are told of %d", found.Passes, len(a.tried))
	}
	return found
}

// On a parabola the step is exact, up to rounding, from any guess.
func TestCriticalStepOfParabolas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slope := rapid.Float64Range(-8, 2).Draw(t, "lg slope") // of −g
		curvature := rapid.Float64Range(-3, 3).Draw(t, "lg h")
		g, h := math.Pow(10, slope/2), math.Pow(10, curvature)
		zero := 2 * g / h
		off := math.Pow(10, rapid.Float64Range(-2, 2).Draw(t, "lg guess/zero"))
		known := rapid.Bool().Draw(t, "known")
		first := -g
		if !known {
			first = math.NaN()
		}
		a := &along{f: func(x float64) float64 { return -g*x + h*x*x/2 }}
		found := a.search(t, first, zero*off)
		if g*zero < 1e-8 {
			return // the smallest changes that the search meets are rounding
		}
		if !found.Certain() || math.Abs(found.Value-zero) > 1e-5*zero {
			t.Fatalf("%+v, want %g", found, zero)
		}
		if value, low, high := found.Sharpness(); !(low <= h/g && h/g <= high) || math.Abs(value-h/g) > 1e-5*h/g {
			t.Fatalf("λ_c = %g from %g to %g, want %g", value, low, high, h/g)
		}
	})
}

// Losses that first fall and then rise, of many forms: the interval holds the step,
// whether it is certain or not, and is certain from a guess that is not far off.
func TestCriticalStepOfOtherLosses(t *testing.T) {
	exploding := func(x float64) float64 {
		if x > 1.5 {
			return math.NaN()
		}
		return -x + x*x
	}
	for name, test := range map[string]struct {
		f     func(x float64) float64 // with f(1) = 0
		slope float64
	}{
		"quartic":            {func(x float64) float64 { return -x + math.Pow(x, 4) }, -1},
		"between":            {func(x float64) float64 { return -x + math.Pow(x, 1.5) }, -1},
		"exponential":        {func(x float64) float64 { return math.Expm1(x) - (math.E-1)*x }, 2 - math.E},
		"kink":               {func(x float64) float64 { return -0.1*x + math.Max(0, x-0.9) }, -0.1},
		"concave, then wall": {func(x float64) float64 { return -x - x*x + 2*math.Pow(x, 6) }, -1},
		"explodes":           {exploding, -1},
	} {
		for _, off := range []float64{1, 0.99, 1.01, 0.9, 1.1, 0.6, 1.5, 0.1, 10, 1e-3, 1e3, 1e6} {
			for _, slope := range []float64{test.slope, math.NaN()} {
				found := (&along{f: test.f}).search(t, slope, off)
				if !(found.Low < 1+1e-9 && 1-1e-9 < found.High) {
					t.Errorf("%s from %g: %+v does not hold 1", name, off, found)
				}
				if 0.9 <= off && off <= 1.1 && (found.High > 1.2*found.Low || math.Abs(found.Value-1) > 1e-2) {
					t.Errorf("%s from %g: %+v", name, off, found)
				}
				if math.Abs(off-1) <= 0.01 && !found.Certain() {
					t.Errorf("%s from %g: %+v is not certain", name, off, found)
				}
			}
		}
	}
}

func TestCriticalStepThatIsNotFound(t *testing.T) {
	for name, test := range map[string]struct {
		f         func(x float64) float64
		low, high bool // whether a step with a fall, and one with a rise, is found
	}{
		"falls for ever": {func(x float64) float64 { return math.Expm1(-x) }, true, false},
		"rises at once":  {func(x float64) float64 { return x }, false, true},
		"constant":       {func(float64) float64 { return 0 }, false, false},
		"not finite":     {func(float64) float64 { return math.Inf(1) }, false, true},
	} {
		found := (&along{f: test.f}).search(t, math.NaN(), 1)
		if found.Certain() || !math.IsNaN(found.Value) || found.Low > 0 != test.low || math.IsInf(found.High, 1) == test.high {
			t.Errorf("%s: %+v", name, found)
		}
	}
	failing := func(context.Context, float64) (float64, error) { return 0, errors.New("no") }
	if _, err := (line{loss: failing, slope: -1}).criticalStep(t.Context(), 1); err == nil || err.Error() != "no" {
		t.Errorf("error %v, want that of the loss", err)
	}
}
