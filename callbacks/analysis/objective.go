package analysis

import (
	"context"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// An Objective is the loss whose curvature is measured, as a function of the
// model's parameters. *models.Objective is one; another may be a sum over several
// machines.
type Objective interface {
	// Dim is the number of parameters that are differentiated in, P.
	Dim() int
	// Samples is the number of samples that the loss is the mean over.
	Samples() int
	// Refresh takes over the model's parameters as they are now.
	Refresh() error
	// Evaluate returns the loss and the accuracy.
	Evaluate(ctx context.Context) (models.Evaluation, error)
	// Gradient sets dst, of length Dim, to the gradient, and returns the loss.
	Gradient(ctx context.Context, dst []float64) (float64, error)
	// HessianProducts sets the rows of dst to the products of the Hessian with
	// the rows of src, k × Dim both, and GaussNewtonProducts likewise with the
	// Gauss-Newton matrix.
	HessianProducts(ctx context.Context, dst, src *mat.Dense) error
	GaussNewtonProducts(ctx context.Context, dst, src *mat.Dense) error
}

var _ Objective = (*models.Objective)(nil)

// NewObjective makes the Objective of a model's loss on a split.
type NewObjective func(m models.Model, loss models.Loss, split *datasets.Split, s models.ObjectiveSettings) (Objective, error)

// own is the NewObjective of this machine alone.
func own(m models.Model, loss models.Loss, split *datasets.Split, s models.ObjectiveSettings) (Objective, error) {
	return models.NewObjective(m, loss, split, s)
}

// precision is the type that an objective is computed in, float64 if it does not
// tell.
func precision(o Objective) tensor.Dtype {
	if p, ok := o.(interface{ Precision() tensor.Dtype }); ok {
		return p.Precision()
	}
	return tensor.Float64
}

// Matrix is a curvature matrix.
type Matrix string

// The matrices.
const (
	Hessian     Matrix = "hessian" // the default
	GaussNewton Matrix = "gauss_newton"
)

// operator is the matrix of an objective.
func (m Matrix) operator(o Objective) curvature.Operator {
	if m == GaussNewton {
		return curvature.GaussNewton{Objective: o}
	}
	return curvature.Hessian{Objective: o}
}
