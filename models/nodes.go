package models

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// nodes is a Model made of the nodes of a graph from outside.
type nodes struct {
	input, logits *G.Node
	learnables    G.Nodes
}

var _ Fixed = (*nodes)(nil)

// FromNodes makes a Model of a graph that exists already: the node of its
// input, (n, sample shape...), of its logits, (n, classes), and of its
// learnable parameters. The graph is read and never written to. Its
// operations are applied again on graphs of the Model's own, so that machines
// compiled for it are not affected. Parameters returns the learnables' values
// as they are at the time.
//
// The Model keeps the graph's batch size n and precision. The graph must not
// hold operations that cannot be differentiated twice, nor inputs other than
// input and the learnables without a value.
func FromNodes(input, logits *G.Node, learnables G.Nodes) (Model, error) {
	m := &nodes{input: input, logits: logits, learnables: learnables}
	in, out := input.Shape(), logits.Shape()
	switch {
	case in.Dims() < 2 || out.Dims() != 2 || in[0] != out[0]:
		return nil, fmt.Errorf("models: input of shape %v and logits of shape %v; want (n, …) and (n, classes)", in, out)
	case out[1] < 2:
		return nil, fmt.Errorf("models: logits of shape %v; want at least 2 classes", out)
	case len(learnables) == 0:
		return nil, fmt.Errorf("models: no learnable nodes")
	}
	names := make(map[string]bool)
	for _, n := range learnables {
		v, ok := n.Value().(*tensor.Dense)
		if !ok {
			return nil, fmt.Errorf("models: learnable %q holds a %T; want a dense tensor (give it a value before)", n.Name(), n.Value())
		}
		if !rowMajor(v) {
			return nil, fmt.Errorf("models: learnable %q has strides %v; want a row-major tensor", n.Name(), v.Strides())
		}
		if n.Dtype() != learnables[0].Dtype() {
			return nil, fmt.Errorf("models: learnable %q is %v, %q is %v; want the same type", n.Name(), n.Dtype(), learnables[0].Name(), learnables[0].Dtype())
		}
		if names[n.Name()] {
			return nil, fmt.Errorf("models: two learnables are named %q; Gorgonia takes equal inputs of one name for one", n.Name())
		}
		names[n.Name()] = true
	}
	// The first check gives errors in terms of the caller's nodes.
	if err := symbolic.Check(G.Nodes{logits}, append(G.Nodes{input}, learnables...)); err != nil {
		return nil, err
	}
	if _, err := Express(m, CrossEntropy, m.BatchSize(), Precision(m)); err != nil {
		return nil, err
	}
	return m, nil
}

// Parameters implements Model: the learnables' values as they are now.
func (m *nodes) Parameters() []Parameter {
	params := make([]Parameter, len(m.learnables))
	for i, n := range m.learnables {
		params[i] = Parameter{n.Name(), n.Value().(*tensor.Dense)}
	}
	return params
}

// InputShape implements Model.
func (m *nodes) InputShape() []int { return m.input.Shape()[1:] }

// Classes implements Model.
func (m *nodes) Classes() int { return m.logits.Shape()[1] }

// BatchSize implements Fixed.
func (m *nodes) BatchSize() int { return m.input.Shape()[0] }

// Logits implements Model: the operations between the input, the learnables
// and the logits, applied to x and params.
func (m *nodes) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	if !slices.Equal(x.Shape(), m.input.Shape()) {
		return nil, fmt.Errorf("models: input of shape %v; the graph was built for %v", x.Shape(), m.input.Shape())
	}
	r := replay{graph: x.Graph(), copies: map[*G.Node]*G.Node{m.input: x}}
	for i, n := range m.learnables {
		r.copies[n] = params[i]
	}
	return r.copy(m.logits)
}

// replay applies the operations of one graph on another.
type replay struct {
	graph  *G.ExprGraph
	copies map[*G.Node]*G.Node
}

func (r *replay) copy(n *G.Node) (*G.Node, error) {
	if c, ok := r.copies[n]; ok {
		return c, nil
	}
	children := symbolic.Children(n)
	if len(children) == 0 {
		return r.copyLeaf(n)
	}
	operands := make(G.Nodes, len(children))
	for i, child := range children {
		var err error
		if operands[i], err = r.copy(child); err != nil {
			return nil, err
		}
	}
	c, err := G.ApplyOp(n.Op(), operands...)
	if err != nil {
		return nil, fmt.Errorf("models: applying %v of node %q again: %w", n.Op(), n.Name(), err)
	}
	r.copies[n] = c
	return c, nil
}

// copyLeaf copies a constant, or an input that is neither data nor learnable,
// with its value as it is now.
func (r *replay) copyLeaf(n *G.Node) (*G.Node, error) {
	if n.Value() == nil {
		return nil, fmt.Errorf("models: node %q feeds the logits, has no value and is neither the input nor a learnable; hand it over as one of them", n.Name())
	}
	v, err := G.CloneValue(n.Value())
	if err != nil {
		return nil, fmt.Errorf("models: node %q: %w", n.Name(), err)
	}
	name := fmt.Sprint("constant ", len(r.copies))
	if t, ok := v.(*tensor.Dense); ok {
		// An input, not a constant: Gorgonia merges two constants that print
		// alike, as large tensors do.
		r.copies[n] = G.NewTensor(r.graph, t.Dtype(), t.Dims(), G.WithShape(t.Shape()...), G.WithName(name), G.WithValue(t))
	} else {
		r.copies[n] = r.graph.AddNode(G.NewConstant(v, G.WithName(name)))
	}
	return r.copies[n], nil
}
