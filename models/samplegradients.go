package models

import (
	"context"
	"fmt"
)

// SampleGradients calls visit with the gradient of each sample's loss in order,
// gₙ = ∇θ ℓ(f(xₙ), yₙ), of length Dim. visit may change g but must not retain it.
// The cost is one pass for each sample; few gradients are in memory at once.
func (o *Objective) SampleGradients(ctx context.Context, visit func(n int, g []float64) error) error {
	if err := o.buildSingle(); err != nil {
		return err
	}
	g := make([]float64, o.Dim())
	return o.single.each(ctx, task{plan: backward}, func(r *replica, n, _, _ int) error {
		r.flatten(g, 0, r.gradient, false)
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
	if err := checkApart(o.model, "gradients"); err != nil {
		return err
	}
	single := *o
	single.size, single.weight, single.chunks = 1, 1, chunksOf(o.Samples(), 1)
	if fixed, ok := o.model.(Fixed); ok {
		single.size = fixed.BatchSize()
	}
	single.replicas, single.kept, single.built, single.sequence = nil, nil, 0, new(sequencer)
	if o.targets != nil {
		single.targets = append([]float64(nil), o.targets...)
	}
	if err := single.build(first); err != nil {
		return err
	}
	o.single = &single
	return nil
}
