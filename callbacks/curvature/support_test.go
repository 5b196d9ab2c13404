package curvature

import (
	"context"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// third is an operator that knows but every third coordinate: it has the
// eigenvalues of inner and twice as many zeros.
func third(n int, inner Operator) Operator {
	return failing{n, func(dst, src *mat.Dense) error {
		count, _ := src.Dims()
		x, image := mat.NewDense(count, n/3, nil), mat.NewDense(count, n/3, nil)
		for i := range count {
			for j := range n / 3 {
				x.Set(i, j, src.At(i, 3*j+1))
			}
		}
		if err := inner.Apply(context.Background(), image, x); err != nil {
			return err
		}
		dst.Zero()
		for i := range count {
			for j, value := range image.RawRowView(i) {
				dst.Set(i, 3*j+1, value)
			}
		}
		return nil
	}}
}

func TestReducedOnSupport(t *testing.T) {
	const n = 1500
	d := hessianLike(n / 3)
	inner := conjugate(d, 3)
	op := third(n, inner)
	seeds := mat.NewDense(2, n, nil)
	seeds.Set(0, 0, 1) // outside of the support
	seeds.Set(1, 7, 1)
	s := reduce(t, op, Settings{Seeds: seeds, Top: 4, Bottom: 3})
	if !s.Converged || s.Dim != n || s.All != nil {
		t.Errorf("converged %v, n = %d, %d values", s.Converged, s.Dim, len(s.All))
	}
	if s.Applications != inner.calls {
		t.Errorf("%d H·v, %d counted", s.Applications, inner.calls)
	}
	truth := slices.Concat(d, make([]float64, n-n/3))
	checkSpectrum(t, op, s, truth, 1e-13)
	checkResolved(t, op, s, truth, 1e-13)
	if got, want := s.Trace.Value, floats.Sum(d); !(got-want < 1e-12 && want-got < 1e-12) {
		t.Errorf("trace %v, want %v", got, want)
	}
	if rows, columns := s.Top.Vectors.Dims(); rows != 4 || columns != n {
		t.Errorf("%d × %d vectors", rows, columns)
	}
}

// Lanczos on the support leaves out no zero that is among the pairs asked for.
func TestLanczosOnSupport(t *testing.T) {
	const n = 6000
	for _, test := range []struct {
		name        string
		d           []float64 // of the support
		top, bottom int
	}{
		{"on the support", hessianLike(n / 3), 4, 3},
		{"zeros among the largest", append(decayed(2, 1, 0.5), negative(n/3-2)...), 3, -1},
		{"zeros among the smallest", decayed(n/3, 1, 0.5), 1, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			inner := conjugate(test.d, 3)
			op := third(n, inner)
			s, err := Solve(context.Background(), op, Settings{Method: Lanczos, Top: test.top, Bottom: test.bottom, Tolerance: 1e-5})
			if err != nil {
				t.Fatal(err)
			}
			if s.Applications != inner.calls || s.Dim != n || !s.Converged {
				t.Errorf("%d H·v, %d counted; n = %d; converged: %t", s.Applications, inner.calls, s.Dim, s.Converged)
			}
			checkSpectrum(t, op, s, slices.Concat(test.d, make([]float64, n-n/3)), 1e-8)
		})
	}
}

func negative(n int) []float64 {
	d := make([]float64, n)
	for i := range d {
		d[i] = -0.5 - float64(i)/float64(2*n)
	}
	return d
}
