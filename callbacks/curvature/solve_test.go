package curvature

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// failing is an operator on ℝⁿ whose Apply does what the test says.
type failing struct {
	n     int
	apply func(dst, src *mat.Dense) error
}

func (op failing) Dim() int { return op.n }

func (op failing) Apply(_ context.Context, dst, src *mat.Dense) error { return op.apply(dst, src) }

func TestSolveDefaults(t *testing.T) {
	for _, test := range []struct {
		name        string
		n           int
		settings    Settings
		method      Method
		top, bottom int
	}{
		{"zero value, small", 40, Settings{}, Dense, 10, 5},
		{"zero value, at the limit", 500, Settings{}, Dense, 10, 5},
		{"zero value, large", 501, Settings{}, Lanczos, 10, 5},
		{"own limit", 41, Settings{DenseLimit: 40}, Lanczos, 10, 5},
		{"all resolvable, small", 40, Settings{Resolved: true}, Dense, 10, 5},
		{"all resolvable", 501, Settings{Resolved: true}, Reduced, 10, 5},
		{"all resolvable in too small a basis", 501, Settings{Resolved: true, MaxBasis: 31}, Lanczos, 10, 5},
		{"density", 600, Settings{Method: Quadrature}, Quadrature, 10, 5},
		{"no bottom", 40, Settings{Bottom: -1}, Dense, 10, 0},
		{"no top, lanczos", 60, Settings{Method: Lanczos, Top: -1, Bottom: 2}, Lanczos, 0, 2},
		{"neither, dense", 40, Settings{Top: -1, Bottom: -1}, Dense, 0, 0},
		{"more than n, dense", 7, Settings{Top: 9}, Dense, 7, 5},
		{"more than n, lanczos", 7, Settings{Method: Lanczos, Top: 9}, Lanczos, 7, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := uniform(test.n, -0.5, 1)
			if test.n > 100 {
				d = hessianLike(test.n)
			}
			op := conjugate(d, 3)
			s, err := Solve(context.Background(), op, test.settings)
			if err != nil {
				t.Fatal(err)
			}
			if s.Method != test.method || s.Dim != test.n || len(s.Top.Values) != test.top || len(s.Bottom.Values) != test.bottom {
				t.Errorf("got %v in ℝ^%d, %d top, %d bottom", s.Method, s.Dim, len(s.Top.Values), len(s.Bottom.Values))
			}
			if chosen := test.settings.Chosen(test.n); chosen != test.method {
				t.Errorf("chosen %v", chosen)
			}
			if wants := test.settings.WantsSeeds(test.n); wants != (test.method == Reduced) {
				t.Errorf("wants seeds for %v: %v", test.method, wants)
			}
			if s.Applications != op.calls {
				t.Errorf("Applications = %d, but it was %d", s.Applications, op.calls)
			}
			if (s.All != nil) != (s.Method == Dense) || (s.Trace != nil) != (s.Method != Lanczos) {
				t.Errorf("trace %v and %d values from %v", s.Trace, len(s.All), s.Method)
			}
			if !s.Converged {
				t.Errorf("not converged: threshold %g, residuals %g %g", s.Threshold, s.Top.Residuals, s.Bottom.Residuals)
			}
			checkSpectrum(t, op, s, d, s.Threshold)
		})
	}
}

func TestSolveErrors(t *testing.T) {
	broken := errors.New("broken")
	good := conjugate([]float64{3, 2, 1}, 1)
	bad := func(v float64) Operator {
		return failing{3, func(dst, src *mat.Dense) error {
			dst.Copy(src)
			dst.Set(0, 1, v)
			return nil
		}}
	}
	for _, test := range []struct {
		name     string
		op       Operator
		settings Settings
		want     string
	}{
		{"no dimension", failing{n: 0}, Settings{}, "dimension 0"},
		{"unknown method", good, Settings{Method: "qr"}, `unknown method "qr": want one of auto, dense`},
		{"negative tolerance", good, Settings{Tolerance: -1}, "tolerance -1"},
		{"NaN tolerance", good, Settings{Tolerance: math.NaN()}, "tolerance NaN"},
		{"nothing asked for", good, Settings{Method: Lanczos, Top: -1, Bottom: -1}, "neither top nor bottom"},
		{"small budget", good, Settings{Method: Lanczos, MaxApplications: 2}, "at most 2 applications for 3 pairs"},
		{"too many pairs", failing{n: 100_000}, Settings{Top: 100_000}, "n = 100000 take 80 GB"},
		{"too large for dense", failing{n: maxDenseDim + 1}, Settings{Method: Dense}, "n = 20001"},
		{"NaN image, dense", bad(math.NaN()), Settings{}, "NaN at component 1 of 3"},
		{"NaN image, lanczos", bad(math.NaN()), Settings{Method: Lanczos}, "NaN at component 1 of 3"},
		{"NaN image, reduced", bad(math.NaN()), Settings{Method: Reduced}, "NaN at component 1 of 3"},
		{"NaN image, density", bad(math.NaN()), Settings{Method: Quadrature, Top: -1, Bottom: -1}, "density, after 0 H·v"},
		{"one sample of the trace", good, Settings{Method: Lanczos, TraceSamples: 1}, "1 samples of the trace"},
		{"one vector for the density", good, Settings{Method: Quadrature, QuadratureVectors: 1}, "1 random vectors"},
		{"negative steps", good, Settings{Method: Quadrature, QuadratureSteps: -1}, "-1 steps"},
		{"too many steps", failing{n: 1 << 26}, Settings{Method: Quadrature, Top: 1, Bottom: -1}, "take 48.9 GB"},
		{"infinite image", bad(math.Inf(-1)), Settings{Method: Lanczos}, "-Inf at component 1 of 3"},
		{"image about to overflow", bad(1e300), Settings{Method: Lanczos}, "1e+300 at component 1 of 3"},
		{"error of the operator, dense", failing{3, func(_, _ *mat.Dense) error { return broken }}, Settings{}, "columns 1 to 3 of 3: broken"},
		{"error of the operator, lanczos", failing{3, func(_, _ *mat.Dense) error { return broken }}, Settings{Method: Lanczos}, "after 0 H·v: broken"},
		{"start of wrong length", good, Settings{Method: Lanczos, Start: mat.NewDense(1, 2, nil)}, "1 vectors in ℝ^2 for an operator on ℝ^3"},
		{"NaN in start", good, Settings{Method: Lanczos, Start: mat.NewDense(1, 3, []float64{0, math.NaN(), 0})}, "vector 0 has NaN at component 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Solve(context.Background(), test.op, test.settings)
			if err := test.settings.Validate(test.op.Dim()); err != nil && test.settings.WantsSeeds(test.op.Dim()) {
				t.Errorf("wants seeds, of settings with the error %v", err)
			}
			if err == nil || !strings.HasPrefix(err.Error(), "curvature: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v: want one with %q", err, test.want)
			}
			if s != nil {
				t.Error("a spectrum came with the error")
			}
			if strings.Contains(test.want, "broken") && !errors.Is(err, broken) {
				t.Errorf("%v does not wrap the operator's error", err)
			}
		})
	}
}

func TestSolveCancelled(t *testing.T) {
	for _, method := range []Method{Dense, Lanczos, Reduced, Quadrature} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		inner := conjugate(hessianLike(400), 2)
		calls := 0
		op := failing{400, func(dst, src *mat.Dense) error {
			if calls++; calls == 3 {
				cancel()
			}
			return inner.Apply(ctx, dst, src)
		}}
		if _, err := Solve(ctx, op, Settings{Method: method}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: error %v, want %v", method, err, context.Canceled)
		}
		if calls != 3 {
			t.Errorf("%v: %d calls of Apply, cancelled in the third", method, calls)
		}
	}
}

func TestMethodText(t *testing.T) {
	for _, m := range []Method{Auto, Dense, Lanczos, Reduced, Quadrature} {
		text, err := m.MarshalText()
		if err != nil || string(text) != m.String() {
			t.Errorf("%v: text %q, error %v", m, text, err)
		}
		var back Method
		if err := back.UnmarshalText(text); err != nil || back != m {
			t.Errorf("%q read as %v, error %v", text, back, err)
		}
	}
	for m, want := range map[Method]string{"": "auto", "jacobi": "jacobi"} { // the zero value, and a solver of one's own
		if text, err := m.MarshalText(); string(text) != want || err != nil || m.String() != want {
			t.Errorf("%q: text %q, error %v, string %q", string(m), text, err, m)
		}
	}
	var m Method
	err := m.UnmarshalText([]byte("lanzcos"))
	if want := `unknown eigenvalue method "lanzcos": want one of auto, dense, lanczos, reduced, density`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := m.UnmarshalText(nil); err == nil {
		t.Error("no error for an empty name")
	}
}

func TestProgress(t *testing.T) {
	for _, method := range []Method{Dense, Lanczos, Reduced, Quadrature} {
		var seen []int
		wanted := 0
		settings := Settings{Method: method, Top: 4, Bottom: 2, Progress: func(converged, all, applications int) {
			seen = append(seen, applications)
			wanted = all
			if converged < 0 || converged > all {
				t.Errorf("%v: %d of %d converged", method, converged, all)
			}
		}}
		s, err := Solve(context.Background(), conjugate(hessianLike(300), 2), settings)
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) < 3 || !slices.IsSorted(seen) || seen[len(seen)-1] != s.Applications || wanted != 6 {
			t.Errorf("%v: progress %v of %d, wanted %d", method, seen, s.Applications, wanted)
		}
	}
}
