package models

import (
	"context"
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
)

// NewPullback returns the objective (1/N) Σₙ ⟨sₙ, f(xₙ)⟩ with cotangents sₙ
// that SetCotangents gives. It is not a loss to minimise: the gradient of its
// sample n is Jₙᵀ·sₙ, the cotangent pulled back to the parameters.
func NewPullback(m Model, split *datasets.Split, s ObjectiveSettings) (*Objective, error) {
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
	for _, r := range o.replicas {
		r.chunk = -1
	}
	if o.single != nil {
		return o.single.SetCotangents(s)
	}
	return nil
}

// Logits sets dst, N × C row-major, to the logits of all samples.
func (o *Objective) Logits(ctx context.Context, dst []float64) error {
	classes := o.model.Classes()
	if len(dst) != o.Samples()*classes {
		return fmt.Errorf("models: logits into %d values; want %d samples × %d classes", len(dst), o.Samples(), classes)
	}
	err := o.each(ctx, 1, func(r *replica, _, _ int) error {
		return r.forward.Run()
	}, func(r *replica, chunk, _ int) error {
		rows := o.chunks[chunk]
		copyValues(dst[rows[0]*classes:(rows[0]+len(rows))*classes], r.program.Value(r.Expression.Logits).(*tensor.Dense))
		return nil
	})
	return errors.Join(err, finite("the logits", dst))
}

// SampleGradients calls visit with the gradient of every sample's loss, in
// order: gₙ = ∇θ ℓ(f(xₙ), yₙ), of length Dim, which visit may change but not retain. It
// costs a pass of one sample each, and no memory but for a few of them.
func (o *Objective) SampleGradients(ctx context.Context, visit func(n int, g []float64) error) error {
	if err := o.buildSingle(); err != nil {
		return err
	}
	g := make([]float64, o.Dim())
	return o.single.each(ctx, 1, func(r *replica, _, _ int) error {
		return r.backward.Run()
	}, func(r *replica, n, _ int) error {
		clear(g)
		r.add(g, r.gradient)
		if err := finite(fmt.Sprintf("the gradient of sample %d", n), g); err != nil {
			return err
		}
		return visit(n, g)
	})
}

// buildSingle makes the objective whose chunks are single samples of weight 1.
func (o *Objective) buildSingle() error {
	if o.single != nil {
		return nil
	}
	single := *o
	single.size, single.weight, single.chunks = 1, 1, chunksOf(o.Samples(), 1)
	if fixed, ok := o.model.(Fixed); ok {
		single.size = fixed.BatchSize()
	}
	single.replicas, single.built, single.sequence = nil, 0, new(sequencer)
	if o.targets != nil {
		single.targets = append([]float64(nil), o.targets...)
	}
	if err := single.build(first); err != nil {
		return err
	}
	o.single = &single
	return nil
}
