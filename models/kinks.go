package models

import (
	"context"
	"math"
	"slices"

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
	err := o.each(ctx, 1, func(r *replica, _, _ int) error {
		return r.forward.Run()
	}, func(r *replica, chunk, _ int) error {
		for _, n := range kinked(r.Expression.Logits, make(map[*G.Node]bool)) {
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

// selects tells whether n or what it depends on is an operation that compares.
func selects(n *G.Node, seen map[*G.Node]bool) bool {
	if seen[n] {
		return false
	}
	seen[n] = true
	return n.Op() != nil && op.Selects(n.Op()) ||
		slices.ContainsFunc(symbolic.Children(n), func(c *G.Node) bool { return selects(c, seen) })
}

// kinked returns the arguments of the rectifiers among n and all that n depends
// on.
func kinked(n *G.Node, seen map[*G.Node]bool) G.Nodes {
	if seen[n] {
		return nil
	}
	seen[n] = true
	var found G.Nodes
	children := symbolic.Children(n)
	if n.Op() != nil && op.Kink(n.Op()) >= 0 {
		found = append(found, children[op.Kink(n.Op())])
	}
	for _, c := range children {
		found = append(found, kinked(c, seen)...)
	}
	return found
}
