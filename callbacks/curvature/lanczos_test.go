package curvature

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// solve is Solve by Lanczos on an operator that cannot fail.
func solve(tb testing.TB, op Operator, s Settings) *Spectrum {
	tb.Helper()
	s.Method = Lanczos
	spectrum, err := Solve(context.Background(), op, s)
	if err != nil {
		tb.Fatal(err)
	}
	return spectrum
}

// spectrumOf returns the given values, and zeros to make them n.
func spectrumOf(n int, values ...float64) []float64 {
	return append(values, make([]float64, n-len(values))...)
}

func uniform(n int, low, high float64) []float64 {
	return floats.Span(make([]float64, n), low, high)
}

func constant(n int, value float64) []float64 {
	d := make([]float64, n)
	for i := range d {
		d[i] = value
	}
	return d
}

func TestLanczos(t *testing.T) {
	for _, test := range []struct {
		name     string
		spectrum []float64
		settings Settings
		budget   int // H·v; a quarter above what it takes
	}{
		{"one dimension", []float64{-3}, Settings{}, 1},
		{"two dimensions", []float64{1, -1}, Settings{}, 2},
		{"three dimensions", []float64{1, 1, 0}, Settings{Top: 2, Bottom: 1}, 3},
		{"top and bottom overlap", []float64{5, 4, 3, 2, 1, 0, -1}, Settings{Top: 6, Bottom: 4}, 7},
		{"top and bottom meet", uniform(15, -1, 1), Settings{}, 15},
		{"zero matrix", make([]float64, 200), Settings{}, 28},
		{"identity", constant(200, 1), Settings{}, 28},
		{"rank 1", spectrumOf(200, 1), Settings{}, 28},
		{"rank 1, one pair", spectrumOf(200, 1), Settings{Top: 1, Bottom: -1}, 15},
		{"rank 3, indefinite", spectrumOf(300, 2, 1, -1), Settings{Top: 4, Bottom: 3}, 19},
		{"gapped", spectrumOf(400, 10, 9, 8, 7, -5, -4), Settings{Top: 4, Bottom: 2}, 21},
		{"clustered", append([]float64{1, 1 - 1e-5, 1 - 2e-5, 0.5, 0.5 - 1e-6}, uniform(300, 0, 0.1)...), Settings{Top: 5, Bottom: -1}, 35},
		{"tiny gap", append([]float64{1, 1 - 1e-10}, uniform(300, -0.1, 0.1)...), Settings{Top: 2, Bottom: -1}, 31},
		{"twice", append([]float64{1, 1, 0.7, 0.4, 0.4}, uniform(300, -0.1, 0.1)...), Settings{Top: 5, Bottom: -1}, 55},
		{"three times", append([]float64{1, 0.7, 0.7, 0.7, 0.4, -0.9, -0.9, -0.9}, uniform(300, -0.1, 0.1)...), Settings{Top: 5, Bottom: 3}, 66},
		{"uniform: no gaps at all", uniform(300, -1, 1), Settings{Top: 5, Bottom: 5}, 183},
		{"tiny scale", scaled(hessianLike(1500), 1e-150), Settings{}, 66},
		{"huge scale", scaled(hessianLike(1500), 1e150), Settings{}, 66},
		{"Hessian-like", hessianLike(10703), Settings{}, 97},
		{"Hessian-like, top only", hessianLike(10703), Settings{Bottom: -1, Tolerance: 1e-10}, 115},
		{"iris", irisSpectrum(t), Settings{}, 84},
		{"iris, top only", irisSpectrum(t), Settings{Bottom: -1, Tolerance: 1e-10}, 95},
	} {
		t.Run(test.name, func(t *testing.T) {
			norm := max(floats.Max(test.spectrum), -floats.Min(test.spectrum))
			unit := 1.0
			if norm > 0 {
				unit = norm
			}
			op := conjugate(test.spectrum, 4)
			// As its own Exact, the operator is searched without the images of the basis.
			for _, exact := range []Operator{nil, op} {
				settings, budget := test.settings, test.budget
				if op.calls = 0; exact != nil {
					settings.Exact, settings.Tolerance = exact, cmp.Or(settings.Tolerance, 1e-8)
					resolved, err := settings.resolve(op.Dim())
					if err != nil {
						t.Fatal(err)
					}
					budget += budget/10 + resolved.asked(op.Dim())
				}
				s := solve(t, op, settings)
				if !s.Converged {
					t.Errorf("not converged: threshold %g, residuals %g %g", s.Threshold, s.Top.Residuals, s.Bottom.Residuals)
				}
				t.Logf("%d H·v", s.Applications)
				if s.Applications > budget || s.Applications != op.calls {
					t.Errorf("%d H·v (%d counted): want at most %d", s.Applications, op.calls, budget)
				}
				// Compared in order, so that a ghost or a missing value would shift all after it.
				checkSpectrum(t, conjugate(scaled(test.spectrum, 1/unit), 4), rescaled(s, 1/unit), scaled(test.spectrum, 1/unit), s.Threshold/unit+1e-14)
			}
		})
	}
}

func scaled(d []float64, factor float64) []float64 {
	d = slices.Clone(d)
	floats.Scale(factor, d)
	return d
}

func rescaled(s *Spectrum, factor float64) *Spectrum {
	c := *s
	for _, p := range []*Pairs{&c.Top, &c.Bottom} {
		p.Values = scaled(p.Values, factor)
		p.Residuals = scaled(p.Residuals, factor)
	}
	return &c
}

// Low rank and noise, exactly repeated values, any sizes: every pair within its
// residual of an eigenvalue of its own.
func TestLanczosProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 150).Draw(t, "n")
		rank := rapid.IntRange(0, n).Draw(t, "rank")
		noise := rapid.SampledFrom([]float64{0, 1e-14, 1e-6, 1e-2}).Draw(t, "noise")
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 1))
		d := make([]float64, n)
		for i := range d {
			d[i] = noise * rng.NormFloat64()
			if i < rank {
				d[i] = rapid.SampledFrom([]float64{1, 1, 0.5, 0.5, 0.1, 1e-3, 1e-5, -1e-4, -0.2, -1}).Draw(t, "value")
			}
		}
		settings := Settings{
			Method: Lanczos,
			Top:    rapid.IntRange(1, 8).Draw(t, "top"),
			Bottom: rapid.IntRange(-1, 5).Draw(t, "bottom"),
			Seed:   seed,
		}
		op := conjugate(d, 3)
		s, err := Solve(context.Background(), op, settings)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []Pairs{s.Top, s.Bottom} {
			free := slices.Clone(d)
			for i, v := range p.Values {
				j := floats.NearestIdx(free, v)
				// 1e-13: rounding of an operator of norm about 1.
				if !(math.Abs(free[j]-v) <= p.Residuals[i]+1e-13) {
					t.Fatalf("value %g ± %g of %v: nearest eigenvalue not yet taken %g", v, p.Residuals[i], p.Values, free[j])
				}
				free[j] = math.Inf(1)
			}
		}
		if s.Converged != (max(maxOf(s.Top.Residuals), maxOf(s.Bottom.Residuals)) <= s.Threshold) {
			t.Fatalf("converged %v, threshold %g, residuals %g %g", s.Converged, s.Threshold, s.Top.Residuals, s.Bottom.Residuals)
		}
	})
}

func maxOf(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return floats.Max(x)
}

// A start with no component in some wanted direction finds it all the same:
// that is what the probe is for.
func TestLanczosDeficientStart(t *testing.T) {
	d := append([]float64{1, 0.8, 0.6, 0.4}, uniform(300, -0.1, 0.1)...)
	op := conjugate(d, 0)                 // eigenvectors e₀, e₁, …
	start := mat.NewDense(2, len(d), nil) // e₁ and e₃: an invariant subspace
	start.Set(0, 1, 1)
	start.Set(1, 3, 1)
	s := solve(t, op, Settings{Top: 4, Bottom: -1, Start: start})
	if !s.Converged {
		t.Error("not converged")
	}
	checkSpectrum(t, op, s, d, s.Threshold)

	start = mat.NewDense(1, len(d), nil) // everything but e₀, so that the Krylov space never ends
	for j := 1; j < len(d); j++ {
		start.Set(0, j, 1)
	}
	s = solve(t, op, Settings{Top: 3, Bottom: -1, Start: start})
	if !s.Converged {
		t.Error("not converged")
	}
	checkSpectrum(t, op, s, d, s.Threshold)
}

func TestLanczosWarmStart(t *testing.T) {
	const n = 3000
	op := conjugate(hessianLike(n), 5)
	other := hessianLike(n)
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(n, func(i, j int) { other[i], other[j] = other[j], other[i] })
	before := solve(t, op, Settings{})
	for _, test := range []struct {
		change float64 // relative to ‖H‖, by an operator with unrelated eigenvectors
		share  float64 // of a cold start's H·v
	}{
		{0, 0.6},
		{1e-6, 0.6},
		{1e-3, 0.7},
		{1e-2, 0.85},
	} {
		after := sum{op, conjugate(other, 12), test.change}
		cold := solve(t, after, Settings{})
		warm := solve(t, after, Settings{Start: before.Vectors()})
		if !cold.Converged || !warm.Converged {
			t.Errorf("change %g: converged cold %v, warm %v", test.change, cold.Converged, warm.Converged)
		}
		t.Logf("change %g: %d H·v cold, %d warm", test.change, cold.Applications, warm.Applications)
		if limit := test.share * float64(cold.Applications); float64(warm.Applications) > limit {
			t.Errorf("change %g: warm start took %d H·v, cold %d, want at most %.0f", test.change, warm.Applications, cold.Applications, limit)
		}
		truth := append(slices.Clone(cold.Top.Values), cold.Bottom.Values...)
		checkSpectrum(t, after, warm, truth, 2*warm.Threshold)
	}
}

func TestLanczosOddStarts(t *testing.T) {
	d := hessianLike(400)
	op := conjugate(d, 3)
	rng := rand.New(rand.NewPCG(1, 2))
	x := gaussian(rng, len(d))
	for _, test := range []struct {
		name string
		rows [][]float64
	}{
		{"zero", [][]float64{make([]float64, len(d))}},
		{"dependent", [][]float64{x, x, scaled(x, -3)}},
		{"cancelling", [][]float64{x, scaled(x, -1)}},
		{"tiny", [][]float64{scaled(x, 1e-300)}},
		{"more than the basis holds", slices.Repeat([][]float64{x}, 450)},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := mat.NewDense(len(test.rows), len(d), nil)
			for i, row := range test.rows {
				start.SetRow(i, row)
			}
			s := solve(t, op, Settings{Start: start})
			if !s.Converged {
				t.Error("not converged")
			}
			checkSpectrum(t, op, s, d, s.Threshold)
		})
	}
}

func TestLanczosBudget(t *testing.T) {
	d := hessianLike(2000)
	op := conjugate(d, 3)
	enough := solve(t, op, Settings{}).Applications
	for _, budget := range []int{15, 16, 40, enough - 1, enough} {
		op.calls = 0
		s := solve(t, op, Settings{MaxApplications: budget})
		if s.Converged != (budget == enough) || s.Converged != (s.Reason == "") || s.Applications != op.calls || s.Applications > budget {
			t.Errorf("budget %d: converged %v after %d H·v (%d counted)", budget, s.Converged, s.Applications, op.calls)
		}
		if len(s.Top.Values) != 10 || len(s.Bottom.Values) != 5 {
			t.Errorf("budget %d: %d and %d pairs", budget, len(s.Top.Values), len(s.Bottom.Values))
		}
		checkPairs(t, op, s.Top)
		checkPairs(t, op, s.Bottom)
	}
}

func TestLanczosReproducible(t *testing.T) {
	op := conjugate(hessianLike(3000), 3)
	first := solve(t, op, Settings{Seed: 3})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again := solve(t, op, Settings{Seed: 3})
	if !slices.Equal(first.Top.Values, again.Top.Values) || !mat.Equal(first.Vectors(), again.Vectors()) ||
		!slices.Equal(first.Bottom.Residuals, again.Bottom.Residuals) {
		t.Error("the same seed gave other bits")
	}
	other := solve(t, op, Settings{Seed: 4})
	// Separated by 0.03 and more, the first three vectors are the same up to
	// residual/gap for any seed, signs included.
	for i := range 3 {
		d := floats.Distance(first.Top.Vectors.RawRowView(i), other.Top.Vectors.RawRowView(i), math.Inf(1))
		if d > 1e-5 {
			t.Errorf("vector %d depends on the seed: difference %.2g", i, d)
		}
	}
	if slices.Equal(first.Top.Values, other.Top.Values) {
		t.Error("another seed made no difference")
	}
}

// BenchmarkLanczos measures the solver: applying the operator costs next to nothing.
func BenchmarkLanczos(b *testing.B) {
	op := conjugate(hessianLike(10703), 1)
	var s *Spectrum
	for b.Loop() {
		s = solve(b, op, Settings{})
	}
	b.ReportMetric(float64(s.Applications), "Hv/op")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*s.Applications), "µs/Hv")
}
