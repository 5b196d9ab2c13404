package curvature

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

func reduce(tb testing.TB, op Operator, s Settings) *Spectrum {
	tb.Helper()
	s.Method = Reduced
	spectrum, err := Solve(context.Background(), op, s)
	if err != nil {
		tb.Fatal(err)
	}
	return spectrum
}

func resolvedOf(d []float64, resolution float64) []float64 {
	norm := max(floats.Max(d), -floats.Min(d))
	return slices.DeleteFunc(descending(d), func(v float64) bool { return math.Abs(v) <= resolution*norm })
}

// checkResolved compares all resolvable pairs with the truth and recomputes
// their residuals. The operator has a norm of about 1.
func checkResolved(tb testing.TB, op Operator, s *Spectrum, truth []float64, tolerance float64) {
	tb.Helper()
	want := resolvedOf(truth, 1e-10)
	e := s.Resolved
	if e.Len() != len(want) {
		tb.Fatalf("%d resolved pairs, want %d", e.Len(), len(want))
	}
	compare(tb, "resolved", e.Values, want, tolerance)
	checkEigenspace(tb, op, e)
}

func checkEigenspace(tb testing.TB, op Operator, e *Eigenspace) {
	tb.Helper()
	v := e.Vectors(0, e.Len())
	if v == nil {
		return
	}
	checkOrthonormal(tb, v)
	var images mat.Dense
	images.CloneFrom(v)
	if err := op.Apply(context.Background(), &images, v); err != nil {
		tb.Fatal(err)
	}
	for i, value := range e.Values {
		r := images.RawRowView(i)
		floats.AddScaled(r, -value, v.RawRowView(i))
		// Bounds where small, measured where not; 1e-13 is the operator's rounding.
		if got := floats.Norm(r, 2); got > e.Residuals[i]+1e-13 || got < e.Residuals[i]/2-1e-11 {
			tb.Errorf("pair %d (%g): residual %.3g, but ‖Hv − θv‖ = %.3g", i, value, e.Residuals[i], got)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x := gaussianRows(rng, 3, op.Dim())
	var want mat.Dense
	want.Mul(x, v.T())
	if !mat.EqualApprox(e.Project(x), &want, 1e-10) {
		tb.Error("Project differs from the products with the vectors")
	}
}

func TestReduced(t *testing.T) {
	for _, test := range []struct {
		name     string
		spectrum []float64
		excess   int // vectors of the basis beyond the resolvable pairs and the random ones: at most
	}{
		{"one dimension", []float64{-3}, 0},
		{"three dimensions", []float64{1, 1, 0}, 1},
		{"zero", make([]float64, 200), 0},
		{"identity", constant(150, 1), 0},
		{"rank 1", spectrumOf(200, 1), 0},
		{"rank 3, indefinite", spectrumOf(300, 2, 1, -1), 0},
		{"clustered", spectrumOf(300, 1, 1-1e-5, 1-2e-5, 0.5, 0.5-1e-6, 0.1), 0},
		{"repeated 5 times", spectrumOf(300, 1, 1, 1, 1, 1, -0.3, -0.3, -0.3, -0.3, -0.3), 0},
		{"repeated 40 times", append(constant(40, 1), make([]float64, 300)...), 24},
		{"full rank", uniform(150, -1, 1), 0},
		{"down to 1e-9", hessianLike(1500), 24},
		{"down to 1e-16", append(decayed(120, 1, 1e-16), make([]float64, 400)...), 44},
		{"noise", append(decayed(20, 1, 1e-3), uniform(200, -1e-15, 1e-15)...), 64},
		{"tiny scale", scaled(hessianLike(500), 1e-150), 24},
		{"huge scale", scaled(hessianLike(500), 1e150), 24},
	} {
		t.Run(test.name, func(t *testing.T) {
			norm := max(floats.Max(test.spectrum), -floats.Min(test.spectrum))
			unit := 1.0
			if norm > 0 {
				unit = norm
			}
			op := conjugate(test.spectrum, 3)
			s := reduce(t, op, Settings{})
			if !s.Converged || !s.Resolved.Complete || s.Method != Reduced {
				t.Errorf("%v, converged %v: residual %g, missed %g", s.Method, s.Converged, s.Residual, s.Missed)
			}
			if s.Applications != op.calls {
				t.Errorf("%d H·v, %d counted", s.Applications, op.calls)
			}
			t.Logf("basis %d", s.Basis)
			n := len(test.spectrum)
			if limit := min(n, len(resolvedOf(test.spectrum, 1e-10))+Settings{}.starts(n)+test.excess); s.Basis > limit {
				t.Errorf("basis of %d, want at most %d", s.Basis, limit)
			}
			sum := floats.Sum(test.spectrum)
			if math.Abs(s.Trace.Value-sum) > s.Trace.Error+1e-13*unit || s.Trace.Error > 1e-10*unit {
				t.Errorf("trace %v, want %v", *s.Trace, sum)
			}
			if f := floats.Norm(test.spectrum, 2); math.Abs(s.Frobenius.Value-f) > s.Frobenius.Error+1e-13*unit || s.Frobenius.Error > 1e-10*unit {
				t.Errorf("Frobenius %v, want %v", *s.Frobenius, f)
			}
			c := rescaled(s, 1/unit)
			e := *s.Resolved
			e.Values, e.Residuals = scaled(e.Values, 1/unit), scaled(e.Residuals, 1/unit)
			c.Resolved = &e
			// 1e-13: rounding, far below the resolution of 1e-10.
			checkSpectrum(t, conjugate(scaled(test.spectrum, 1/unit), 3), c, scaled(test.spectrum, 1/unit), 1e-13)
			checkResolved(t, conjugate(scaled(test.spectrum, 1/unit), 3), c, scaled(test.spectrum, 1/unit), 1e-13)
		})
	}
}

func decayed(n int, first, last float64) []float64 {
	d := make([]float64, n)
	decay(d, first, last)
	return d
}

// Whatever the seeds, the eigenvalues are the same.
func TestReducedSeeds(t *testing.T) {
	d := hessianLike(1000)
	op := conjugate(d, 3)
	const n = 1000
	rng := rand.New(rand.NewPCG(1, 2))
	x := gaussianRows(rng, 70, n)
	dependent := mat.NewDense(70, n, nil)
	for i := range 70 {
		dependent.SetRow(i, scaled(x.RawRowView(i%3), math.Pow(10, float64(i-60))))
	}
	eigenvectors := mat.NewDense(2, n, nil)
	eigenvectors.Set(0, 3, 1)
	eigenvectors.Set(1, 5, -7)
	for name, seeds := range map[string]*mat.Dense{
		"random":               x,
		"nearly dependent":     dependent,
		"zero":                 mat.NewDense(4, n, nil),
		"an invariant space":   eigenvectors,
		"more than dimensions": mat.NewDense(n+5, n, slices.Repeat(x.RawRowView(0), n+5)),
		"empty":                {},
	} {
		t.Run(name, func(t *testing.T) {
			s := reduce(t, op, Settings{Seeds: seeds})
			if !s.Converged {
				t.Errorf("not converged: residual %g, missed %g", s.Residual, s.Missed)
			}
			checkResolved(t, op, s, d, 1e-14)
			if seeds.IsEmpty() {
				return
			}
			// The basis holds the seeds: their components outside the resolved
			// space are those along null vectors in it.
			c := s.Resolved.basis.coefficients(seeds, 0)
			rows, _ := seeds.Dims()
			for i := range rows {
				norm := floats.Norm(seeds.RawRowView(i), 2)
				if got := floats.Norm(c.RawRowView(i), 2); math.Abs(got-norm) > 1e-9*norm {
					t.Errorf("seed %d of norm %g has norm %g in the basis", i, norm, got)
				}
			}
		})
	}
}

func TestReducedProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 120).Draw(t, "n")
		rank := rapid.IntRange(0, n).Draw(t, "rank")
		noise := rapid.SampledFrom([]float64{0, 1e-15, 1e-6, 1e-2}).Draw(t, "noise")
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 1))
		d := make([]float64, n)
		for i := range d {
			d[i] = noise * rng.NormFloat64()
			if i < rank {
				d[i] = rapid.SampledFrom([]float64{1, 1, 0.5, 0.1, 1e-3, 1e-5, 1e-8, -1e-8, -1e-4, -0.2, -1}).Draw(t, "value")
			}
		}
		op := conjugate(d, 2)
		limit := rapid.IntRange(1, n).Draw(t, "limit")
		s, err := Solve(context.Background(), op, Settings{
			Method: Reduced, Top: rapid.SampledFrom([]int{-1, 1}).Draw(t, "top"), Bottom: -1, Seed: seed, MaxBasis: limit,
			Seeds: gaussianRows(rng, rapid.IntRange(1, 5).Draw(t, "seeds"), n),
		})
		if err != nil {
			t.Fatal(err)
		}
		// Weyl: the ordered eigenvalues are those of T, and zeros.
		truth := descending(d)
		if s.Resolved.Complete {
			want := resolvedOf(d, 1e-10)
			if noise != 1e-15 && len(want) != s.Resolved.Len() {
				t.Fatalf("%d resolved pairs, want %d", s.Resolved.Len(), len(want))
			}
		}
		for i, v := range s.Resolved.Values {
			nearest := truth[floats.NearestIdx(truth, v)]
			if math.Abs(nearest-v) > s.Resolved.Residuals[i]+1e-13 {
				t.Fatalf("value %g ± %g: nearest eigenvalue %g", v, s.Resolved.Residuals[i], nearest)
			}
		}
		if s.Basis > limit {
			t.Fatalf("basis of %d, limit %d", s.Basis, limit)
		}
	})
}

// A basis too small is said to be, and every residual is true all the same.
func TestReducedBudget(t *testing.T) {
	d := hessianLike(1000)
	op := conjugate(d, 3)
	enough := reduce(t, op, Settings{}).Basis
	seeds := gaussianRows(rand.New(rand.NewPCG(1, 1)), 20, len(d))
	for _, limit := range []int{15, 17, 36, 50, enough / 2, enough - reducedStarts, enough + 20} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			s := reduce(t, op, Settings{MaxBasis: limit, Seeds: seeds})
			if complete := limit > enough; s.Converged != complete || s.Resolved.Complete != complete {
				t.Errorf("converged %v, complete %v: residual %g, missed %g", s.Converged, s.Resolved.Complete, s.Residual, s.Missed)
			}
			if (s.Reason == "") != s.Converged || limit < enough && s.Basis != limit {
				t.Errorf("basis of %d, converged %v, reason %q", s.Basis, s.Converged, s.Reason)
			}
			checkEigenspace(t, op, s.Resolved)
			checkPairs(t, op, s.Top)
			checkPairs(t, op, s.Bottom)
			checkNear(t, "trace", s.Trace, floats.Sum(d))
			checkNear(t, "Frobenius norm", s.Frobenius, floats.Norm(d, 2))
		})
	}
}

// A symmetric matrix of low rank in disguise is the same by all methods.
func TestReducedEqualsDense(t *testing.T) {
	op := conjugate(append(decayed(40, 1, 1e-7), append(decayed(20, -0.5, -1e-8), make([]float64, 240)...)...), 3)
	a := reduce(t, op, Settings{})
	b, err := Solve(context.Background(), op, Settings{Method: Dense})
	if err != nil {
		t.Fatal(err)
	}
	checkEigenspace(t, op, b.Resolved)
	compare(t, "resolved", a.Resolved.Values, b.Resolved.Values, 1e-14)
	if a.Resolved.Len() != b.Resolved.Len() || !b.Resolved.Complete {
		t.Errorf("%d and %d pairs", a.Resolved.Len(), b.Resolved.Len())
	}
	if math.Abs(a.Trace.Value-b.Trace.Value) > 1e-13 || math.Abs(a.Frobenius.Value-b.Frobenius.Value) > 1e-13 {
		t.Errorf("trace %v and %v, Frobenius %v and %v", *a.Trace, *b.Trace, *a.Frobenius, *b.Frobenius)
	}
	l, err := Solve(context.Background(), op, Settings{Method: Lanczos})
	if err != nil {
		t.Fatal(err)
	}
	checkEigenspace(t, op, l.Resolved)
	if l.Resolved.Complete || l.Resolved.Len() != 15 {
		t.Errorf("lanczos: %d pairs, complete %v", l.Resolved.Len(), l.Resolved.Complete)
	}
}

func TestReducedReproducible(t *testing.T) {
	op := conjugate(hessianLike(1000), 3)
	first := reduce(t, op, Settings{Seed: 3})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again := reduce(t, op, Settings{Seed: 3})
	if !slices.Equal(first.Resolved.Values, again.Resolved.Values) || *first.Trace != *again.Trace ||
		!mat.Equal(first.Resolved.Vectors(0, 5), again.Resolved.Vectors(0, 5)) || !mat.Equal(first.Vectors(), again.Vectors()) {
		t.Error("the same seed gave other bits")
	}
}

func TestReducedErrors(t *testing.T) {
	good := conjugate([]float64{3, 2, 1}, 1)
	for _, test := range []struct {
		name     string
		settings Settings
		want     string
	}{
		{"seeds of wrong length", Settings{Seeds: mat.NewDense(1, 2, nil)}, "1 seeds in ℝ^2 for an operator on ℝ^3"},
		{"NaN in a seed", Settings{Seeds: mat.NewDense(1, 3, []float64{0, math.NaN(), 0})}, "seed 0 has NaN at component 1"},
		{"basis too small", Settings{MaxBasis: 2}, "at most 2 vectors for 3 pairs"},
		{"negative basis", Settings{MaxBasis: -2}, "at most -2 vectors"},
		{"resolution", Settings{Resolution: math.Inf(1)}, "resolution +Inf"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.settings.Method = Reduced
			s, err := Solve(context.Background(), good, test.settings)
			if err == nil || !strings.HasPrefix(err.Error(), "curvature: ") || !strings.Contains(err.Error(), test.want) || s != nil {
				t.Errorf("error %v: want one with %q", err, test.want)
			}
		})
	}
}
