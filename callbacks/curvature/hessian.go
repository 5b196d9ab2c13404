package curvature

import (
	"context"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models"
)

// Hessian is the Hessian H = ∇²L of a model's loss over a data set, as an
// Operator on ℝᴾ. Its products are exact, by symbolic double differentiation,
// and the same for any number of workers.
type Hessian struct{ *models.Objective }

var _ Operator = Hessian{}

// Apply implements Operator.
func (h Hessian) Apply(ctx context.Context, dst, src *mat.Dense) error {
	return h.HessianProducts(ctx, dst, src)
}
