package curvature

import (
	"context"

	"gonum.org/v1/gonum/mat"
)

// GaussNewton is the generalised Gauss-Newton matrix of a model's loss over a
// data set,
//
//	G = (1/N) Σₙ Jₙᵀ·∇²ℓ(zₙ)·Jₙ,
//
// the part of the Hessian that does not come from the model's own curvature,
// as an Operator on ℝᴾ. It is positive semi-definite.
type GaussNewton struct {
	// Objective has the products with G: a *models.Objective, for example.
	Objective interface {
		Dim() int // P

		// GaussNewtonProducts sets dst to src·G, as [Operator.Apply] must.
		GaussNewtonProducts(ctx context.Context, dst, src *mat.Dense) error
	}
}

var _ Operator = GaussNewton{}

// Dim implements Operator.
func (g GaussNewton) Dim() int { return g.Objective.Dim() }

// Apply implements Operator.
func (g GaussNewton) Apply(ctx context.Context, dst, src *mat.Dense) error {
	return g.Objective.GaussNewtonProducts(ctx, dst, src)
}
