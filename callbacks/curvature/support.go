package curvature

import (
	"context"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// supported is a symmetric operator restricted to its support: the coordinates whose
// rows, and therefore columns, are not zero. The row of a weight behind a rectified
// unit that never fires is zero, for example.
type supported struct {
	Operator
	at []int // the coordinates of the support, ascending

	one *[2][]float64 // room for one vector and its image, in all coordinates
}

// support returns op restricted to its support. It takes one H·v: a component of the
// image of a random vector that is exactly zero shows a row that is zero, with
// probability one.
func support(ctx context.Context, op Operator, rng *rand.Rand) (supported, error) {
	image := mat.NewDense(1, op.Dim(), nil)
	if err := applyFinite(ctx, op, image, gaussianRows(rng, 1, op.Dim())); err != nil {
		return supported{}, err
	}
	s := supported{Operator: op, one: new([2][]float64)}
	zero := mat.Norm(image, 2) == 0 // then op is zero, and its support would be empty: keep everything
	count := 0
	for _, value := range image.RawRowView(0) {
		if value != 0 || zero {
			count++
		}
	}
	s.at = make([]int, 0, count)
	for j, value := range image.RawRowView(0) {
		if value != 0 || zero {
			s.at = append(s.at, j)
		}
	}
	return s, nil
}

// Support returns the number of coordinates of op whose rows are not zero; n for the
// zero operator. The cost of Dense and Reduced depends on it. It takes one H·v with a
// random vector, drawn by the seed.
func Support(ctx context.Context, op Operator, seed uint64) (int, error) {
	s, err := support(ctx, op, rand.New(rand.NewPCG(seed, 1)))
	return len(s.at), err
}

// Dim implements Operator.
func (s supported) Dim() int { return len(s.at) }

// Apply implements Operator.
func (s supported) Apply(ctx context.Context, dst, src *mat.Dense) error {
	if s.whole() {
		return s.Operator.Apply(ctx, dst, src)
	}
	count, _ := src.Dims()
	n := s.Operator.Dim()
	var in, out *mat.Dense
	if count == 1 {
		for i, x := range s.one {
			if x == nil {
				s.one[i] = make([]float64, n)
			}
		}
		in, out = mat.NewDense(1, n, s.one[0]), mat.NewDense(1, n, s.one[1])
	} else {
		in, out = mat.NewDense(count, n, nil), mat.NewDense(count, n, nil)
	}
	s.embedIn(in, src)
	if err := s.Operator.Apply(ctx, out, in); err != nil {
		return err
	}
	s.restrict(dst, out)
	return nil
}

// whole reports whether the support has all coordinates.
func (s supported) whole() bool { return len(s.at) == s.Operator.Dim() }

// restrict sets the rows of dst to the coordinates of the rows of x on the support.
func (s supported) restrict(dst, x *mat.Dense) {
	count, _ := x.Dims()
	for i := range count {
		from, to := x.RawRowView(i), dst.RawRowView(i)
		for l, j := range s.at {
			to[l] = from[j]
		}
	}
}

// embed returns the rows of x, vectors on the support, as vectors of all coordinates,
// zero outside the support.
func (s supported) embed(x *mat.Dense) *mat.Dense {
	if x == nil || s.whole() {
		return x
	}
	count, _ := x.Dims()
	whole := mat.NewDense(count, s.Operator.Dim(), nil)
	s.embedIn(whole, x)
	return whole
}

// embedIn does the same in place of dst, which is zero outside the support.
func (s supported) embedIn(dst, x *mat.Dense) {
	count, _ := x.Dims()
	for i := range count {
		from, to := x.RawRowView(i), dst.RawRowView(i)
		for l, j := range s.at {
			to[j] = from[l]
		}
	}
}
