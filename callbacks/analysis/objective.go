package analysis

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// An Objective is the loss whose curvature is measured, as a function of the
// model's parameters. *models.Objective implements it; another implementation may
// add up the work of several machines.
type Objective interface {
	// Dim returns P, the number of parameters with respect to which the loss is
	// differentiated.
	Dim() int
	// Samples returns the number of samples over which the loss is averaged.
	Samples() int
	// Refresh reads the current parameters of the model.
	Refresh() error
	// Evaluate returns the loss and the accuracy.
	Evaluate(ctx context.Context) (models.Evaluation, error)
	// Gradient sets dst, of length Dim, to the gradient, and returns the loss.
	Gradient(ctx context.Context, dst []float64) (float64, error)
	// HessianProducts sets the rows of dst to the products of the Hessian with the
	// rows of src. Both are k × Dim. GaussNewtonProducts does the same with the
	// Gauss-Newton matrix.
	HessianProducts(ctx context.Context, dst, src *mat.Dense) error
	GaussNewtonProducts(ctx context.Context, dst, src *mat.Dense) error
}

var _ Objective = (*models.Objective)(nil)

// A FisherObjective is an Objective that can also be measured by the empirical
// Fisher matrix.
type FisherObjective interface {
	Objective
	// EmpiricalFisherProducts is as HessianProducts.
	EmpiricalFisherProducts(ctx context.Context, dst, src *mat.Dense) error
}

var _ FisherObjective = (*models.Objective)(nil)

// NewObjective creates the Objective of a model's loss on a split.
type NewObjective func(m models.Model, loss models.Loss, split *datasets.Split, s models.ObjectiveSettings) (Objective, error)

// own is the default NewObjective, which computes on this machine.
func own(m models.Model, loss models.Loss, split *datasets.Split, s models.ObjectiveSettings) (Objective, error) {
	return models.NewObjective(m, loss, split, s)
}

// precision returns the type in which an objective is computed: float64, unless
// the objective has a method that returns another.
func precision(o Objective) tensor.Dtype {
	if p, ok := o.(interface{ Precision() tensor.Dtype }); ok {
		return p.Precision()
	}
	return tensor.Float64
}

// Matrix is a curvature matrix.
type Matrix string

// The matrices; package curvature defines them.
const (
	Hessian         Matrix = "hessian" // the default
	GaussNewton     Matrix = "gauss_newton"
	EmpiricalFisher Matrix = "empirical_fisher"
)

// Validate returns an error unless m is one of the matrices.
func (m Matrix) Validate() error {
	switch m {
	case Hessian, GaussNewton, EmpiricalFisher:
		return nil
	}
	return fmt.Errorf("is %q; want %s, %s or %s", string(m), Hessian, GaussNewton, EmpiricalFisher)
}

// title returns the name of m in a text.
func (m Matrix) title() string {
	return map[Matrix]string{Hessian: "Hessian", GaussNewton: "Gauss-Newton", EmpiricalFisher: "empirical-Fisher"}[m]
}

// operator returns the matrix m of an objective.
func (m Matrix) operator(o Objective) (curvature.Operator, error) {
	switch m {
	case GaussNewton:
		return curvature.GaussNewton{Objective: o}, nil
	case EmpiricalFisher:
		f, ok := o.(FisherObjective)
		if !ok {
			return nil, fmt.Errorf("matrix %s: objective %T has no method EmpiricalFisherProducts; add it, or take %s or %s", m, o, Hessian, GaussNewton)
		}
		return curvature.EmpiricalFisher{Objective: f}, nil
	}
	return curvature.Hessian{Objective: o}, nil
}
