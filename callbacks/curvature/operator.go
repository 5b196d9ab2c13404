package curvature

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Operator is a symmetric linear operator H on ℝⁿ, known only by its action on
// blocks of vectors.
type Operator interface {
	// Dim returns n.
	Dim() int

	// Apply sets dst to the images of the vectors in src: dst = src·H. Both are
	// b × n with one vector a row, for any b ≥ 1. Apply must not change src and must
	// retain neither. The same src must give the same dst, bit for bit.
	Apply(ctx context.Context, dst, src *mat.Dense) error
}

// applyFinite calls op.Apply and returns an error if an image is not finite. If ctx
// is done, it returns ctx.Err() instead.
func applyFinite(ctx context.Context, op Operator, dst, src *mat.Dense) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := op.Apply(ctx, dst, src); err != nil {
		return err
	}
	rows, _ := dst.Dims()
	for i := range rows {
		if j := indexNotFinite(dst.RawRowView(i)); j >= 0 {
			return fmt.Errorf("the operator's image of a unit vector has %v at component %d of %d: want a finite number",
				dst.At(i, j), j, op.Dim())
		}
	}
	return nil
}
