package symbolic

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/graph"
	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Children returns the operands of n, in order.
func Children(n *G.Node) G.Nodes {
	nodes := graph.NodesOf(n.Graph().From(n.ID()))
	children := make(G.Nodes, len(nodes))
	for i, c := range nodes {
		children[i] = c.(*G.Node)
	}
	return children
}

// Pullback returns Σₖ (∂outs[k]/∂w)ᵀ·seeds[k] for every node w of wrt, as new
// nodes of the same graph. A seed has the shape of its output. The result is
// nil for a w that no output depends on.
//
// A w may be any node; what lies below it counts as its own and is not
// differentiated through for its sake. Operations of Gorgonia that are known
// to have a wrong or missing derivative are an error that names them.
func Pullback(outs, seeds, wrt G.Nodes) (G.Nodes, error) {
	if len(outs) == 0 || len(outs) != len(seeds) {
		return nil, fmt.Errorf("symbolic: %d outputs and %d seeds; want one seed for each output", len(outs), len(seeds))
	}
	for k, out := range outs {
		if !slices.Equal(out.Shape(), seeds[k].Shape()) {
			return nil, fmt.Errorf("symbolic: output %q has shape %v, its seed %v; want the same", out.Name(), out.Shape(), seeds[k].Shape())
		}
	}
	s := newSweep(wrt)
	for k, out := range outs {
		s.visit(out)
		if err := s.accumulate(out, seeds[k]); err != nil {
			return nil, err
		}
	}
	for _, n := range slices.Backward(s.order) {
		if err := s.step(n); err != nil {
			return nil, err
		}
	}
	grads := make(G.Nodes, len(wrt))
	for i, w := range wrt {
		if s.depends[w] {
			grads[i] = s.grads[w]
		}
	}
	return grads, nil
}

// sweep is one reverse sweep over a graph.
type sweep struct {
	wrt      map[*G.Node]bool
	depends  map[*G.Node]bool // whether a node depends on wrt through differentiable operands
	children map[*G.Node]G.Nodes
	order    G.Nodes // operands before results
	grads    map[*G.Node]*G.Node
}

func newSweep(wrt G.Nodes) *sweep {
	s := &sweep{
		wrt:      make(map[*G.Node]bool),
		depends:  make(map[*G.Node]bool),
		children: make(map[*G.Node]G.Nodes),
		grads:    make(map[*G.Node]*G.Node),
	}
	for _, w := range wrt {
		s.wrt[w] = true
	}
	return s
}

// visit puts n behind its operands in the order of the sweep, and tells
// whether n depends on wrt.
func (s *sweep) visit(n *G.Node) bool {
	if d, seen := s.depends[n]; seen {
		return d
	}
	children := Children(n)
	s.children[n] = children
	depends := s.wrt[n]
	wrt := differentiable(n.Op(), len(children))
	for i, c := range children {
		if s.visit(c) && wrt[i] {
			depends = true
		}
	}
	s.depends[n] = depends
	s.order = append(s.order, n)
	return depends
}

// differentiable tells in which of its operands an operation is.
func differentiable(o G.Op, operands int) []bool {
	if operands == 0 {
		return nil
	}
	sd, ok := o.(G.SDOp)
	if !ok {
		// Treated as differentiable, so that a sweep through it fails instead
		// of losing its part of the gradient.
		return slices.Repeat([]bool{true}, operands)
	}
	return sd.DiffWRT(operands)
}

// step hands the gradient of n on to its operands.
func (s *sweep) step(n *G.Node) error {
	children, grad := s.children[n], s.grads[n]
	wanted := slices.ContainsFunc(children, func(c *G.Node) bool { return s.depends[c] })
	if grad == nil || !s.depends[n] || !wanted {
		return nil
	}
	if err := refuse(n, children, once); err != nil {
		return err
	}
	sd, ok := n.Op().(G.SDOp)
	if !ok {
		return fmt.Errorf("symbolic: operation %v of node %q has no symbolic derivative; use one of package op", n.Op(), n.Name())
	}
	grads, err := symDiff(sd, children, n, grad)
	if err != nil {
		return fmt.Errorf("symbolic: differentiating %v of node %q: %w", n.Op(), n.Name(), err)
	}
	for i, in := range sd.DiffWRT(len(children)) {
		if !in || !s.depends[children[i]] || grads[i] == nil {
			continue
		}
		if err := s.accumulate(children[i], grads[i]); err != nil {
			return err
		}
	}
	return nil
}

// symDiff is SDOp.SymDiff with its panics made errors.
func symDiff(sd G.SDOp, in G.Nodes, out, grad *G.Node) (grads G.Nodes, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	grads, err = sd.SymDiff(in, out, grad)
	if err == nil && len(grads) != len(in) {
		err = errors.New("not one gradient for each operand")
	}
	return grads, err
}

// accumulate adds g to what is known of the gradient of n.
func (s *sweep) accumulate(n, g *G.Node) error {
	sum := s.grads[n]
	var err error
	switch {
	case sum == nil:
		sum = g
	case n.IsScalar() || !slices.Equal(sum.Shape(), g.Shape()):
		sum, err = G.Add(sum, g)
	default:
		sum, err = op.Add(sum, g)
	}
	if err != nil {
		return fmt.Errorf("symbolic: adding to the gradient of node %q: %w", n.Name(), err)
	}
	s.grads[n] = sum
	return nil
}
