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
	g := n.Graph()
	if g == nil {
		return nil // a constant that nothing uses yet
	}
	if g.Node(n.ID()) != n {
		// A graph finds nodes by their position in its list, and that is out of
		// date once a node was removed. A subgraph looks the positions up anew.
		g = g.ExactSubgraphRoots(n)
	}
	nodes := graph.NodesOf(g.From(n.ID()))
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
// A w may be any node. It is treated as an independent variable: how it is
// computed does not matter for its own gradient. An operation of Gorgonia that
// is known to have a wrong or missing derivative is an error that names it.
func Pullback(outs, seeds, wrt G.Nodes) (grads G.Nodes, err error) {
	defer recovered(&err)
	if err := checkSeeds(outs, seeds); err != nil {
		return nil, err
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
	grads = make(G.Nodes, len(wrt))
	for i, w := range wrt {
		if s.depends[w] {
			grads[i] = s.grads[w]
		}
	}
	return grads, nil
}

// recovered turns a panic of Gorgonia into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("symbolic: panic: %v", r)
	}
}

func checkSeeds(outs, seeds G.Nodes) error {
	if len(outs) == 0 || len(outs) != len(seeds) {
		return fmt.Errorf("symbolic: %d outputs and %d seeds; want one seed for each output", len(outs), len(seeds))
	}
	for k, out := range outs {
		switch seed := seeds[k]; {
		case out == nil || seed == nil:
			return fmt.Errorf("symbolic: output or seed %d is nil; leave out what does not depend on anything", k)
		case seed.Graph() != out.Graph():
			return fmt.Errorf("symbolic: output %q and its seed %q are of different graphs", out.Name(), seed.Name())
		case !slices.Equal(out.Shape(), seed.Shape()) || out.Dtype() != seed.Dtype():
			return fmt.Errorf("symbolic: output %q is %v of shape %v, its seed %v of shape %v; want the same",
				out.Name(), out.Dtype(), out.Shape(), seed.Dtype(), seed.Shape())
		}
	}
	return nil
}

// sweep is one reverse sweep over a graph.
type sweep struct {
	wrt      map[*G.Node]bool
	depends  map[*G.Node]bool // whether a node is one of wrt or depends on one
	passes   map[*G.Node]bool // whether it depends on one through an operand in which it is differentiable
	children map[*G.Node]G.Nodes
	order    G.Nodes // operands before results
	grads    map[*G.Node]*G.Node
}

func newSweep(wrt G.Nodes) *sweep {
	s := &sweep{
		wrt:      make(map[*G.Node]bool),
		depends:  make(map[*G.Node]bool),
		passes:   make(map[*G.Node]bool),
		children: make(map[*G.Node]G.Nodes),
		grads:    make(map[*G.Node]*G.Node),
	}
	for _, w := range wrt {
		s.wrt[w] = true
	}
	return s
}

// visit adds n to the order of the sweep, after its operands, and tells whether
// n depends on wrt.
func (s *sweep) visit(n *G.Node) bool {
	if d, seen := s.depends[n]; seen {
		return d
	}
	children := Children(n)
	s.children[n] = children
	in := differentiable(n.Op(), len(children))
	for i, c := range children {
		if s.visit(c) && in[i] {
			s.passes[n] = true
		}
	}
	s.depends[n] = s.wrt[n] || s.passes[n]
	s.order = append(s.order, n)
	return s.depends[n]
}

// differentiable tells in which of its operands an operation is differentiable.
func differentiable(o G.Op, operands int) []bool {
	if operands == 0 {
		return nil
	}
	sd, ok := o.(G.SDOp)
	if !ok || soundnessOf(o) == never {
		// It is treated as differentiable, so that a sweep through it is an
		// error and not a gradient without its part.
		return slices.Repeat([]bool{true}, operands)
	}
	return sd.DiffWRT(operands)
}

// step propagates the gradient of n to its operands.
func (s *sweep) step(n *G.Node) error {
	children, grad := s.children[n], s.grads[n]
	if grad == nil || !s.passes[n] {
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

// symDiff calls SDOp.SymDiff and turns a panic into an error.
func symDiff(sd G.SDOp, in G.Nodes, out, grad *G.Node) (grads G.Nodes, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	ids := make([]int64, len(in))
	for i, n := range in {
		ids[i] = n.ID()
	}
	grads, err = sd.SymDiff(in, out, grad)
	switch {
	case err != nil:
		return nil, err
	case len(grads) != len(in):
		return nil, errors.New("not one gradient for each operand")
	}
	for i, n := range in {
		// Gorgonia rewrites log(1 + a), which the derivative of a power
		// contains, and may remove the sum while other nodes still use it.
		if n.Graph() != out.Graph() || n.ID() != ids[i] {
			return nil, fmt.Errorf("operand %d was removed from the graph by a rewriting of log(1 + a)", i)
		}
	}
	return grads, nil
}

// accumulate adds g to the gradient of n.
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
