package curvature

import (
	"context"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// An operator that knows but every third coordinate has the spectrum of the rest
// and zeros, and eigenvectors with zeros there.
func TestReducedOnSupport(t *testing.T) {
	const n = 1500
	d := hessianLike(n / 3)
	inner := conjugate(d, 3)
	third := func(from mat.Matrix) *mat.Dense {
		count, _ := from.Dims()
		x := mat.NewDense(count, n/3, nil)
		for i := range count {
			for j := range n / 3 {
				x.Set(i, j, from.At(i, 3*j+1))
			}
		}
		return x
	}
	op := failing{n, func(dst, src *mat.Dense) error {
		x := third(src)
		var image mat.Dense
		image.CloneFrom(x)
		if err := inner.Apply(context.Background(), &image, x); err != nil {
			return err
		}
		dst.Zero()
		count, _ := image.Dims()
		for i := range count {
			for j, value := range image.RawRowView(i) {
				dst.Set(i, 3*j+1, value)
			}
		}
		return nil
	}}
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
