package curvature

import (
	"context"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models"
)

// GaussNewton is the generalised Gauss-Newton matrix of a model's loss over a
// data set,
//
//	G = (1/N) Σₙ Jₙᵀ·∇²ℓ(zₙ)·Jₙ,
//
// the part of the Hessian that does not come from the model's own curvature,
// as an Operator on ℝᴾ. It is positive semi-definite.
type GaussNewton struct{ *models.Objective }

var _ Operator = GaussNewton{}

// Apply implements Operator.
func (g GaussNewton) Apply(ctx context.Context, dst, src *mat.Dense) error {
	return g.GaussNewtonProducts(ctx, dst, src)
}
