package curvature

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
)

// Error bars cover as they claim: of 200 intervals at the level 0.68, between
// 117 and 155 hold the truth, of those at 0.95 at least 180: the 99.5 % bounds
// of the binomial distribution.
func TestEstimateCoverage(t *testing.T) {
	const n, seeds = 600, 200
	rough := append(hessianLike(n/2), uniform(n/2, 1e-3, 2e-3)...) // a gap below 1e-3, nearly
	for name, settings := range map[string]Settings{
		"lanczos":          {Method: Lanczos, Top: 4, Bottom: -1, TraceSamples: 6, Tolerance: 1e-6},
		"reduced, cut off": {Method: Reduced, Top: 4, Bottom: -1, MaxBasis: 40, TraceSamples: 10},
		"density":          {Method: Quadrature, Top: 4, Bottom: -1, QuadratureSteps: 10, QuadratureVectors: 6, Tolerance: 1e-6},
	} {
		t.Run(name, func(t *testing.T) {
			var trace, frobenius []Estimate
			for seed := range uint64(seeds) {
				settings.Seed = seed
				s, err := Solve(t.Context(), diagonalOperator(rough), settings)
				if err != nil {
					t.Fatal(err)
				}
				trace = append(trace, *s.Trace)
				frobenius = append(frobenius, *s.Frobenius)
			}
			checkCoverage(t, "trace", trace, floats.Sum(rough))
			checkCoverage(t, "Frobenius norm", frobenius, floats.Norm(rough, 2))
		})
	}
}

func checkCoverage(t *testing.T, what string, estimates []Estimate, truth float64) {
	t.Helper()
	held := func(level float64) (count int) {
		for _, e := range estimates {
			if low, high := e.Interval(level); low <= truth && truth <= high {
				count++
			}
		}
		return count
	}
	one, two := held(0.68), held(0.95)
	t.Logf("%s: %d and %d of %d", what, one, two, len(estimates))
	if one < 117 || one > 155 || two < 180 {
		t.Errorf("%s: 68 %% and 95 %% intervals held the truth %d and %d times in %d", what, one, two, len(estimates))
	}
}

func TestEstimateInterval(t *testing.T) {
	for _, test := range []struct {
		e     Estimate
		level float64
		half  float64
	}{
		{Estimate{Value: 1, Error: 2}, 0.5, 2},
		{Estimate{Value: 1, Error: 1, Samples: 10}, 0.95, 2.262157}, // Student's t, 9 degrees of freedom
		{Estimate{Value: 1, Error: 1, Samples: 2}, 0.9, 6.313752},   // 1 degree
	} {
		low, high := test.e.Interval(test.level)
		if math.Abs(high-test.e.Value-test.half) > 1e-6 || math.Abs(test.e.Value-low-test.half) > 1e-6 {
			t.Errorf("%+v at %g: [%g, %g], want ± %g", test.e, test.level, low, high, test.half)
		}
	}
}

func TestLanczosTraceIsOptional(t *testing.T) {
	op := conjugate(hessianLike(600), 2)
	without := solve(t, op, Settings{})
	with := solve(t, op, Settings{TraceSamples: 5})
	if without.Trace != nil || without.Frobenius != nil {
		t.Error("a trace that was not asked for")
	}
	if with.Trace == nil || with.Trace.Samples != 5 || with.Applications != without.Applications+5 {
		t.Errorf("trace %v, %d H·v against %d", with.Trace, with.Applications, without.Applications)
	}
	if full := solve(t, conjugate([]float64{3, 2, 1}, 1), Settings{TraceSamples: 2}); full.Trace.Samples != 0 || math.Abs(full.Trace.Value-6) > 1e-14 {
		t.Errorf("trace %+v of all three pairs, want 6 without sampling", *full.Trace)
	}
}
