package curvature

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestDense(t *testing.T) {
	for _, test := range []struct {
		name     string
		spectrum []float64
	}{
		{"one", []float64{-2}},
		{"two", []float64{1, -1}},
		{"repeated", []float64{2, 2, 2, 1, 0, 0, -1}},
		{"zero", make([]float64, 20)},
		{"ragged last block", hessianLike(denseBlock*2 + 3)},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := conjugate(test.spectrum, 3)
			s, err := Solve(context.Background(), op, Settings{Method: Dense, Top: 3, Bottom: 2})
			if err != nil {
				t.Fatal(err)
			}
			const rounding = 1e-14 // relative to ‖H‖₂ ≤ 2, and n ≤ 131
			checkSpectrum(t, op, s, test.spectrum, 2*rounding)
			truth := descending(test.spectrum)
			sum := 0.0
			for i, v := range s.All {
				want := truth[len(truth)-1-i]
				sum += want
				if math.Abs(v-want) > 2*rounding {
					t.Errorf("All[%d] = %g, want %g", i, v, want)
				}
			}
			if math.Abs(s.Trace.Value-sum) > s.Trace.Error+rounding {
				t.Errorf("trace %g ± %g, want %g", s.Trace.Value, s.Trace.Error, sum)
			}
			if !(s.Asymmetry <= rounding) || !s.Converged {
				t.Errorf("asymmetry %g, converged %v", s.Asymmetry, s.Converged)
			}
		})
	}
}

// An operator that is not symmetric is not refused, but cannot hide it.
func TestDenseAsymmetry(t *testing.T) {
	h := mat.NewDense(2, 2, []float64{3, 1, 0, 2})
	op := failing{2, func(dst, src *mat.Dense) error {
		dst.Mul(src, h.T())
		return nil
	}}
	s, err := Solve(context.Background(), op, Settings{Method: Dense})
	if err != nil {
		t.Fatal(err)
	}
	if want := math.Sqrt(2) / math.Sqrt(14); math.Abs(s.Asymmetry-want) > 1e-15 {
		t.Errorf("asymmetry %g, want %g", s.Asymmetry, want)
	}
	if want := math.Sqrt(2); s.Trace.Value != 5 || math.Abs(s.Trace.Error-want) > 1e-14 {
		t.Errorf("trace %+v, want 5 ± %g", *s.Trace, want)
	}
	// (H + Hᵀ)/2 has the eigenvalues (5 ± √2)/2; with the antisymmetric rest A,
	// ‖Av‖ = 1/2 for every unit vector v.
	if got, want := s.Top.Values[0], (5+math.Sqrt2)/2; math.Abs(got-want) > 1e-14 {
		t.Errorf("λ₁ = %g, want %g", got, want)
	}
	if s.Converged || math.Abs(s.Top.Residuals[0]-0.5) > 1e-14 {
		t.Errorf("converged %v, residuals %g, want 0.5", s.Converged, s.Top.Residuals)
	}
}
