package models

import (
	"fmt"

	"github.com/hessoscope/hessoscope/datasets"
)

// NewPullback returns the objective (1/N) Σₙ ⟨sₙ, f(xₙ)⟩ with cotangents sₙ
// that SetCotangents sets. It is not a loss to minimise: the gradient of its
// sample n is Jₙᵀ·sₙ, the cotangent pulled back to the parameters.
func NewPullback(m Model, split *datasets.Split, s ObjectiveSettings) (*Objective, error) {
	if err := checkApart(m, "gradients"); err != nil {
		return nil, err
	}
	o, err := NewObjective(m, linear, split, s)
	if err != nil {
		return nil, err
	}
	o.targets = make([]float64, split.Len()*m.Classes())
	return o, nil
}

// SetCotangents sets the cotangents of an objective made by NewPullback, N × C
// row-major.
func (o *Objective) SetCotangents(s []float64) error {
	if o.loss != linear || len(s) != len(o.targets) {
		return fmt.Errorf("models: %d cotangents for an objective of %d", len(s), len(o.targets))
	}
	if err := finite("the cotangents", s); err != nil {
		return err
	}
	copy(o.targets, s)
	o.reload()
	if o.single != nil {
		return o.single.SetCotangents(s)
	}
	return nil
}
