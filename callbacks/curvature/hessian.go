package curvature

import (
	"context"

	"gonum.org/v1/gonum/mat"
)

// Hessian is the Hessian H = ∇²L of a loss L(θ), as an Operator on ℝᴾ.
type Hessian struct {
	// Objective has the products with H: those of a *models.Objective are exact,
	// by symbolic double differentiation, and the same for any number of workers.
	Objective interface {
		Dim() int // P

		// HessianProducts sets dst to src·H, as [Operator.Apply] must.
		HessianProducts(ctx context.Context, dst, src *mat.Dense) error
	}
}

var _ Operator = Hessian{}

// Dim implements Operator.
func (h Hessian) Dim() int { return h.Objective.Dim() }

// Apply implements Operator.
func (h Hessian) Apply(ctx context.Context, dst, src *mat.Dense) error {
	return h.Objective.HessianProducts(ctx, dst, src)
}
