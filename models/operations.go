package models

import (
	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// Operations is about how many multiplications the logits of one sample take: those
// with parameters, in matrix products and convolutions, and one for each value that
// is computed.
func (o *Objective) Operations() float64 {
	e := o.replicas[0].Expression
	parameters := make(map[*G.Node]int) // values of a parameter, or of its transposition or reshape
	for _, p := range e.Params {
		parameters[p] = p.Shape().TotalSize()
	}
	total := 0.0
	done := make(map[*G.Node]bool)
	var visit func(node *G.Node)
	visit = func(node *G.Node) {
		if done[node] {
			return
		}
		done[node] = true
		children := symbolic.Children(node)
		each := 1
		for _, c := range children {
			visit(c)
			values, is := parameters[c]
			switch {
			case is && len(children) == 1:
				parameters[node] = values
				return
			case is && node.Dims() > 1:
				// Each of the columns or channels of a product is that with a part of
				// the parameter, which has as many parts.
				each = max(each, values/node.Shape()[1])
			}
		}
		if len(children) > 0 {
			total += float64(each * node.Shape().TotalSize())
		}
	}
	visit(e.Logits)
	return total / float64(o.size)
}
