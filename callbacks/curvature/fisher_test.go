package curvature_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// Every method finds the eigenvalues of the empirical Fisher matrix of the paper's
// Gaussian net: those of the inner products of its 150 samples' gradients over N, and
// zeros.
func TestEmpiricalFisherOfTheGaussianNet(t *testing.T) {
	for file, methods := range map[string][]curvature.Method{
		gaussNormal:                {curvature.Lanczos, curvature.Reduced},
		"testdata/gauss_small.npz": {curvature.Dense, curvature.Lanczos, curvature.Reduced, curvature.Quadrature},
	} {
		o := objectiveOf(t, file, 0)
		gram, err := o.GradientGram(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		gram.Scale(1/float64(o.Samples()), gram)
		inner := mat.NewSymDense(o.Samples(), gram.RawMatrix().Data)
		var eigen mat.EigenSym
		if !eigen.Factorize(inner, false) {
			t.Fatal("no decomposition of the inner products")
		}
		ascending := eigen.Values(nil)
		largest, trace := ascending[len(ascending)-1], mat.Trace(inner)
		for _, method := range methods {
			s, err := curvature.Solve(t.Context(), curvature.EmpiricalFisher{Objective: o}, curvature.Settings{Method: method, Top: 5, Bottom: -1})
			if err != nil {
				t.Fatal(err)
			}
			if !s.Converged || s.Dim != o.Dim() {
				t.Errorf("%s, %s: converged %v, P = %d, want %d", file, method, s.Converged, s.Dim, o.Dim())
			}
			for i, v := range s.Top.Values {
				if want := ascending[len(ascending)-1-i]; math.Abs(v-want) > 1e-10*largest {
					t.Errorf("%s, %s: eigenvalue %d is %v, want %v", file, method, i+1, v, want)
				}
			}
			if !s.Resolved.Complete {
				continue
			}
			resolvable := 0
			for _, v := range ascending {
				if v > 1e-10*largest {
					resolvable++
				}
			}
			if s.Resolved.Len() != resolvable {
				t.Errorf("%s, %s: %d resolvable eigenvalues, want %d", file, method, s.Resolved.Len(), resolvable)
			}
			if math.Abs(s.Trace.Value-trace) > 1e-10*trace {
				t.Errorf("%s, %s: trace %v, want mean ‖gₙ‖² = %v", file, method, s.Trace.Value, trace)
			}
		}
	}
}
