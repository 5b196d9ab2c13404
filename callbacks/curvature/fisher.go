package curvature

import (
	"context"

	"gonum.org/v1/gonum/mat"
)

// EmpiricalFisher is the empirical Fisher matrix of a model's loss over a data set,
//
//	F = (1/N) Σₙ gₙ·gₙᵀ,   gₙ = ∇θ ℓ(f(xₙ), yₙ),
//
// as an Operator on ℝᴾ. It is the second moment of the samples' gradients about
// zero; their covariance is F − ∇L·∇Lᵀ. It is positive semi-definite, of rank N at
// most, and in general no approximation of the Hessian: as the labels are those of
// the data, it vanishes where every sample is fitted (Kunstner et al. 2019).
type EmpiricalFisher struct {
	// Objective has the products with F: a *models.Objective, for example.
	Objective interface {
		Dim() int // P

		// EmpiricalFisherProducts sets dst to src·F, as [Operator.Apply] must.
		EmpiricalFisherProducts(ctx context.Context, dst, src *mat.Dense) error
	}
}

var _ Operator = EmpiricalFisher{}

// Dim implements Operator.
func (f EmpiricalFisher) Dim() int { return f.Objective.Dim() }

// Apply implements Operator.
func (f EmpiricalFisher) Apply(ctx context.Context, dst, src *mat.Dense) error {
	return f.Objective.EmpiricalFisherProducts(ctx, dst, src)
}
