package models

import (
	"context"
	"iter"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Kinks tells how near the data are to the kinks of a model's rectifiers,
// where its loss has no second derivative.
type Kinks struct {
	Units   int     // rectified values, over all samples
	On      int     // of them exactly on the kink
	Nearest float64 // the smallest distance |z| of the others; +Inf if there are none
	Typical float64 // the root mean square of all z
}

// Kinks measures the arguments of all rectifiers of package op in the model.
func (o *Objective) Kinks(ctx context.Context) (Kinks, error) {
	k := Kinks{Nearest: math.Inf(1)}
	squares := 0.0
	err := o.each(ctx, task{plan: forward}, func(r *replica, chunk, _, _ int) error {
		for _, n := range kinked(r.Expression.Logits) {
			z := r.program.Value(n).(*tensor.Dense)
			values := len(o.chunks[chunk]) * z.DataSize() / n.Shape()[0] // without padding
			for i := range values {
				k.see(math.Abs(at(z, i)), &squares)
			}
		}
		return nil
	})
	if k.Units > 0 {
		k.Typical = math.Sqrt(squares / float64(k.Units))
	}
	return k, err
}

func (k *Kinks) see(distance float64, squares *float64) {
	k.Units++
	*squares += distance * distance
	switch {
	case distance == 0:
		k.On++
	case distance < k.Nearest:
		k.Nearest = distance
	}
}

// dependencies yields n and the nodes that it depends on, each once.
func dependencies(n *G.Node) iter.Seq[*G.Node] {
	return func(yield func(*G.Node) bool) {
		seen := make(map[*G.Node]bool)
		var down func(n *G.Node) bool
		down = func(n *G.Node) bool {
			if seen[n] {
				return true
			}
			seen[n] = true
			if !yield(n) {
				return false
			}
			for _, c := range symbolic.Children(n) {
				if !down(c) {
					return false
				}
			}
			return true
		}
		down(n)
	}
}

// selects tells whether n or what it depends on is an operation that compares.
func selects(n *G.Node) bool {
	for d := range dependencies(n) {
		if d.Op() != nil && op.Selects(d.Op()) {
			return true
		}
	}
	return false
}

// kinked returns the arguments of the rectifiers among n and all that n depends
// on.
func kinked(n *G.Node) G.Nodes {
	var found G.Nodes
	for d := range dependencies(n) {
		if d.Op() != nil && op.Kink(d.Op()) >= 0 {
			found = append(found, symbolic.Children(d)[op.Kink(d.Op())])
		}
	}
	return found
}
