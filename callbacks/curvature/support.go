package curvature

import (
	"context"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// supported is a symmetric operator without the coordinates that are nothing to
// it: whose rows, and so columns, are zero. A weight behind a rectified unit that
// never fires is one.
type supported struct {
	Operator
	at []int // the other coordinates
}

// support returns op on its support, for one H·v: where the image of a random
// vector is zero, to the bit, so is the row, but for a coincidence.
func support(ctx context.Context, op Operator, rng *rand.Rand) (supported, error) {
	image := mat.NewDense(1, op.Dim(), nil)
	if err := applyFinite(ctx, op, image, gaussianRows(rng, 1, op.Dim())); err != nil {
		return supported{}, err
	}
	s := supported{Operator: op}
	zero := mat.Norm(image, 2) == 0 // the zero operator, which has all
	for j, value := range image.RawRowView(0) {
		if value != 0 || zero {
			s.at = append(s.at, j)
		}
	}
	return s, nil
}

// Support returns how many coordinates of op are not nothing to it, for one H·v:
// the cost of Dense and Reduced depends on it.
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
	image := mat.NewDense(count, s.Operator.Dim(), nil)
	if err := s.Operator.Apply(ctx, image, s.embed(src)); err != nil {
		return err
	}
	s.restrict(dst, image)
	return nil
}

// whole reports whether the support is everything.
func (s supported) whole() bool { return len(s.at) == s.Operator.Dim() }

// restrict sets the rows of dst to those of x without the other coordinates.
func (s supported) restrict(dst, x *mat.Dense) {
	count, _ := x.Dims()
	for i := range count {
		from, to := x.RawRowView(i), dst.RawRowView(i)
		for l, j := range s.at {
			to[l] = from[j]
		}
	}
}

// embed returns the rows of x with zeros for the other coordinates.
func (s supported) embed(x *mat.Dense) *mat.Dense {
	if x == nil || s.whole() {
		return x
	}
	count, _ := x.Dims()
	whole := mat.NewDense(count, s.Operator.Dim(), nil)
	for i := range count {
		from, to := x.RawRowView(i), whole.RawRowView(i)
		for l, j := range s.at {
			to[j] = from[l]
		}
	}
	return whole
}
