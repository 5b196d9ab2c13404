package symbolic

import (
	"maps"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// fusion combines a node with an operand that no other node reads into one step.
// A matrix product adds the other term of a sum as it writes its result
// (op.Fuse), and a chain of element-wise operations shares one buffer, so that
// more of a network stays in the caches (op.Chain). Fusion comes after
// differentiation and does not affect it.
//
// An operand is fused only with a result that changes no more often. Otherwise
// it would be computed again without need: a term of a Hessian-vector product
// that does not depend on the vector is kept from one vector to the next.
type fusion struct {
	groups  map[*G.Node]int // the group of each input that is in one
	readers map[*G.Node]int // how many nodes read a node; being an output counts as one
	calls   map[*G.Node]op.Call
	causes  map[*G.Node]map[any]bool // the groups and inputs on which a node depends
}

func newFusion(groups []G.Nodes, outs G.Nodes) *fusion {
	f := &fusion{
		groups:  make(map[*G.Node]int),
		readers: make(map[*G.Node]int),
		calls:   make(map[*G.Node]op.Call),
		causes:  make(map[*G.Node]map[any]bool),
	}
	for i, group := range groups {
		for _, n := range group {
			f.groups[n] = i
		}
	}
	for _, out := range outs {
		f.visit(out)
	}
	return f
}

// visit counts one more reader of n and, at the first, n as a reader of its
// operands.
func (f *fusion) visit(n *G.Node) {
	f.readers[n]++
	if f.readers[n] > 1 {
		return
	}
	causes := make(map[any]bool)
	children := Children(n)
	for _, c := range children {
		f.visit(c)
		maps.Copy(causes, f.causes[c])
	}
	if group, grouped := f.groups[n]; grouped {
		causes[group] = true
	} else if len(children) == 0 {
		causes[n] = true
	}
	f.causes[n] = causes
}

// call returns the step that computes n; without operands if n is an input.
func (f *fusion) call(n *G.Node) op.Call {
	c, known := f.calls[n]
	if !known {
		c = f.fuse(n, op.Call{Op: n.Op(), In: Children(n)})
		f.calls[n] = c
	}
	return c
}

// fuse combines c, which computes n, with one operand after the other until none
// can be combined.
func (f *fusion) fuse(n *G.Node, c op.Call) op.Call {
	for _, combine := range []func(outer op.Call, k int, inner op.Call) (op.Call, bool){op.Fuse, op.Chain} {
		for k, operand := range c.In {
			if !f.belongs(operand, n) || op.Reshapes(operand.Op()) { // a view costs nothing
				continue
			}
			if one, ok := combine(c, k, f.call(operand)); ok {
				return f.fuse(n, one)
			}
		}
	}
	return c
}

// packs tells whether a matrix by which the call for n multiplies is better copied
// once in the order in which products read it: an input that stays while other
// operands change, as weights do from one chunk of data to the next.
func (f *fusion) packs(n, operand *G.Node) bool {
	return len(Children(operand)) == 0 && len(f.causes[operand]) < len(f.causes[n])
}

// belongs tells whether the operand needs no buffer of its own: only n reads it,
// and it changes whenever n does.
func (f *fusion) belongs(operand, n *G.Node) bool {
	return f.readers[operand] == 1 && (len(f.causes[operand]) == len(f.causes[n]) || op.Copies(operand.Op()))
}
