package models

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic"
)

// Point computes the reinforcing gradient at one movable point x of input space,
//
//	g(x) = ∇θ [ log Σ_{c≠ŷ} exp f_c(x) − f_ŷ(x) ],   ŷ the predicted class of x,
//
// and its derivative by x, which consists of mixed second derivatives of the
// network. g(x) has the direction of ∇θ cross-entropy(f(x), ŷ) but does not
// vanish where the prediction is confident.
//
// A Point belongs to one goroutine.
type Point struct {
	objective *Objective
	sample    *datasets.Split
	logits    []float64
}

// NewPoint returns a Point at the origin.
func NewPoint(m Model, s ObjectiveSettings) (*Point, error) {
	if err := checkApart(m, "gradients at a point"); err != nil {
		return nil, err
	}
	sample := &datasets.Split{Name: "point", X: make([]float64, tensor.Shape(m.InputShape()).TotalSize()), Labels: []int{0}}
	s.Workers = 1
	o, err := NewObjective(m, reinforcing, sample, s)
	return &Point{o, sample, make([]float64, m.Classes())}, err
}

// Refresh takes over the model's parameters as they are now. Call it whenever
// they have changed.
func (p *Point) Refresh() error { return p.objective.Refresh() }

// Dim is the number of values of the parameters, P.
func (p *Point) Dim() int { return p.objective.Dim() }

// Width is the number of values of a point, d.
func (p *Point) Width() int { return len(p.sample.X) }

// Gradient moves to x, of d values, and sets g, of length Dim, to g(x). It
// returns ŷ, the class of the largest logit, the first of equal ones.
func (p *Point) Gradient(ctx context.Context, g, x []float64) (predicted int, err error) {
	if len(x) != len(p.sample.X) {
		return 0, fmt.Errorf("models: a point of %d values; the model takes %d", len(x), len(p.sample.X))
	}
	copy(p.sample.X, x)
	p.objective.reload()
	if err := p.objective.Logits(ctx, p.logits); err != nil {
		return 0, err
	}
	predicted = floats.MaxIdx(p.logits)
	if p.sample.Labels[0] != predicted {
		p.sample.Labels[0] = predicted
		p.objective.reload()
	}
	_, err = p.objective.Gradient(ctx, g)
	return predicted, err
}

// Pull sets dst, of d values, to ∂⟨u, g(x)⟩/∂x at the point of the last
// Gradient, for u of length Dim.
func (p *Point) Pull(ctx context.Context, dst, u []float64) error {
	if err := p.objective.build(first | mixed); err != nil {
		return err
	}
	if len(dst) != len(p.sample.X) || len(u) != p.Dim() {
		return fmt.Errorf("models: pulling %d values back to %d; want %d and %d", len(u), len(dst), p.Dim(), len(p.sample.X))
	}
	pull := task{directions: mat.NewDense(1, len(u), u), plan: func(r *replica) *symbolic.Plan { return r.mixed }}
	return p.objective.each(ctx, pull, func(r *replica, _, _, _ int) error {
		clear(dst)
		if r.inputImage != nil {
			copyValues(dst, r.program.Value(r.inputImage).(*tensor.Dense))
		}
		return finite("a mixed derivative", dst)
	})
}
