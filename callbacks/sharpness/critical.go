package sharpness

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// Direction is the direction along which a critical step is measured.
type Direction string

// The directions.
const (
	Gradient Direction = "gradient" // of the loss that is measured
	Update   Direction = "update"   // the last step of the optimizer
)

// Validate returns an error unless d is one of the directions.
func (d Direction) Validate() error {
	if d == Gradient || d == Update {
		return nil
	}
	return fmt.Errorf("is %q; want %s or %s", string(d), Gradient, Update)
}

// Objective is a loss as a function of the parameters; a *models.Objective is one.
type Objective interface {
	// Dim returns the number of parameters, P.
	Dim() int
	// Precision returns the type of the computation.
	Precision() tensor.Dtype
	// Gradient sets dst, of length P, to the gradient, and returns the loss.
	Gradient(ctx context.Context, dst []float64) (float64, error)
	// EvaluateAt returns the loss at θ + h·v. If it is not finite, the error wraps
	// models.ErrNotFinite.
	EvaluateAt(ctx context.Context, v []float64, h float64) (models.Evaluation, error)
}

var _ Objective = (*models.Objective)(nil)

// Critical measures the critical sharpness of a loss along a direction Δ (Kalra et al.
// 2026, arXiv:2601.16979),
//
//	λ_c = 2/η_c,   η_c = min {η > 0 : L(θ − ηΔ) > L(θ)},
//
// by less than ten forward passes, mostly three to six. For a quadratic loss with the
// Hessian H and the gradient g,
//
//	L(θ − ηΔ) − L(θ) = −η·gᵀΔ + η²/2·ΔᵀHΔ,   so that   λ_c = ΔᵀHΔ/gᵀΔ.
//
// Along the gradient, Δ = g, this is the Rayleigh quotient gᵀHg/gᵀg: the mean of the
// eigenvalues with the weights ⟨vᵢ, g⟩², and λ₁ at most. Gradient descent with the
// learning rate η takes a step that does not raise the loss as long as η ≤ 2/λ_c. Where
// the loss is not quadratic, λ_c tells of the loss at the distance of that step and may
// exceed λ₁ at θ.
type Critical struct {
	Objective Objective
	// Guess is the step at which the next search begins; a measurement sets it to the
	// critical step. If it is zero, the search begins at the step that would be right
	// for a parabola with the least value 0, or at the update.
	Guess float64

	gradient []float64
}

// AlongGradient measures along the gradient. It also takes a gradient pass. Without
// a gradient, nothing is known of the step.
func (c *Critical) AlongGradient(ctx context.Context) (CriticalStep, error) {
	if len(c.gradient) != c.Objective.Dim() {
		c.gradient = make([]float64, c.Objective.Dim())
	}
	loss, err := c.Objective.Gradient(ctx, c.gradient)
	if err != nil {
		return CriticalStep{}, err
	}
	return c.measure(ctx, line{
		loss:  func(ctx context.Context, step float64) (float64, error) { return c.at(ctx, c.gradient, -step) },
		start: loss,
		slope: -floats.Dot(c.gradient, c.gradient),
	})
}

// AlongUpdate measures along the update, of length P, that has led to the parameters of
// Objective, from where it began. The step is in units of the update: if it is below 1,
// the update has raised the loss. Steps of Δ = −update/η are η times as large, with η
// the learning rate. Without an update, nothing is known of the step.
func (c *Critical) AlongUpdate(ctx context.Context, update []float64) (CriticalStep, error) {
	loss := func(ctx context.Context, step float64) (float64, error) { return c.at(ctx, update, step-1) }
	start, err := loss(ctx, 0)
	if err != nil {
		return CriticalStep{}, err
	}
	slope := math.NaN()
	if floats.Norm(update, math.Inf(1)) == 0 {
		slope = 0
	}
	return c.measure(ctx, line{loss: loss, start: start, slope: slope, spent: 1})
}

func (c *Critical) at(ctx context.Context, v []float64, h float64) (float64, error) {
	e, err := c.Objective.EvaluateAt(ctx, v, h)
	return e.Loss, err
}

// measure searches from Guess.
func (c *Critical) measure(ctx context.Context, l line) (CriticalStep, error) {
	if l.slope == 0 {
		return CriticalStep{Value: math.NaN(), High: math.Inf(1), Passes: l.spent}, nil
	}
	l.noise = 1e-12 * math.Abs(l.start)
	if c.Objective.Precision() == tensor.Float32 {
		l.noise = 1e-5 * math.Abs(l.start)
	}
	guess := c.Guess
	switch {
	case guess > 0:
	case math.IsNaN(l.slope):
		guess = 1
	default:
		guess = 4 * cmp.Or(math.Abs(l.start), 1) / -l.slope
	}
	found, err := l.criticalStep(ctx, guess)
	if err != nil {
		return CriticalStep{}, err
	}
	if c.Guess = found.Value; math.IsNaN(c.Guess) {
		c.Guess = 0
	}
	return found, nil
}
