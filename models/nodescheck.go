package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// checkNodes returns an error unless all nodes are there, each in one role, and fit
// together.
func (m *nodes) checkNodes() error {
	type role struct {
		name  string
		nodes G.Nodes
	}
	roles := []role{
		{"input", G.Nodes{m.input}},
		{"logits", G.Nodes{m.logits}},
		{"learnable", m.learnables},
		{"constant", m.constants},
		{"target of the cost", m.targets},
	}
	if m.own != nil {
		roles = append(roles, role{"cost", G.Nodes{m.own.cost}})
	}
	taken := make(map[*G.Node]string)
	for _, r := range roles {
		for i, n := range r.nodes {
			switch other := taken[n]; {
			case n == nil && len(r.nodes) == 1:
				return fmt.Errorf("models: the node of the %s is nil", r.name)
			case n == nil:
				return fmt.Errorf("models: %s %d is nil", r.name, i)
			case other == r.name:
				return fmt.Errorf("models: %s %s is listed twice", r.name, nameOf(n))
			case other != "" && r.name != "cost" && other != "logits":
				return fmt.Errorf("models: node %s is listed as %s and as %s; want one of them", nameOf(n), other, r.name)
			}
			taken[n] = r.name
		}
	}
	in, out := m.input.Shape(), m.logits.Shape()
	switch {
	case in.Dims() < 1 || out.Dims() < 1 || out.Dims() > 2 || in[0] != out[0]:
		return fmt.Errorf("models: input of shape %v and logits of shape %v; want (n, …) and (n, classes), or (n) for two classes, with a row a sample", in, out)
	case len(m.learnables) == 0:
		return errors.New("models: no learnable nodes")
	}
	for _, t := range m.targets {
		if t.Dims() == 0 || t.Shape()[0] != in[0] || checkPrecision(t.Dtype()) != nil {
			return fmt.Errorf("models: target %q of the cost is %v of shape %v; want floats of shape (%d, …), a row a sample", t.Name(), t.Dtype(), t.Shape(), in[0])
		}
	}
	for _, n := range m.floats() {
		if _, err := dense(n.Value()); err != nil {
			return fmt.Errorf("models: constant %q %w (give it a value before)", n.Name(), err)
		}
	}
	return nil
}

// checkLearnables returns an error unless each has a name and a value of its own.
func (m *nodes) checkLearnables() error {
	names := make(map[string]bool)
	for i, n := range m.learnables {
		switch {
		case names[n.Name()]:
			return fmt.Errorf("models: two learnables are named %q; Gorgonia takes equal inputs of one name for one", n.Name())
		case unnamed(n):
			return fmt.Errorf("models: learnable %d has no name, by which files and messages know it; give it one with gorgonia.WithName", i)
		}
		names[n.Name()] = true
		v, err := dense(n.Value())
		if err != nil {
			return fmt.Errorf("models: learnable %q %w (give it a value before)", n.Name(), err)
		}
		if !rowMajor(v) {
			return fmt.Errorf("models: learnable %q has strides %v; want a row-major tensor", n.Name(), v.Strides())
		}
		if err := checkPrecision(v.Dtype()); err != nil {
			return fmt.Errorf("models: learnable %q is %v; want float32 or float64", n.Name(), v.Dtype())
		}
		if n.Dtype() != m.learnables[0].Dtype() {
			return fmt.Errorf("models: learnable %q is %v, %q is %v; want the same type", n.Name(), n.Dtype(), m.learnables[0].Name(), m.learnables[0].Dtype())
		}
	}
	return nil
}

// unnamed tells whether an input has no name of its own: Gorgonia makes one up of
// its operation, which it does not have.
func unnamed(n *G.Node) bool { return strings.HasPrefix(n.Name(), "%!s(<nil>)") }

// nameOf is how messages call a node.
func nameOf(n *G.Node) string {
	if unnamed(n) {
		return fmt.Sprintf("without a name, of shape %v,", n.Shape())
	}
	return fmt.Sprintf("%q", n.Name())
}

// dense is the value of a learnable or a constant as a tensor that shares its
// memory. A scalar becomes a vector of one element.
func dense(v G.Value) (*tensor.Dense, error) {
	switch v := v.(type) {
	case *tensor.Dense:
		if v != nil && v.Dims() > 0 {
			return v, nil
		}
	case *G.F64:
		return tensor.New(tensor.WithShape(1), tensor.WithBacking(unsafe.Slice((*float64)(v), 1))), nil
	case *G.F32:
		return tensor.New(tensor.WithShape(1), tensor.WithBacking(unsafe.Slice((*float32)(v), 1))), nil
	}
	return nil, fmt.Errorf("holds a %T; want a tensor or a scalar", v)
}

// checkInputs returns an error unless everything that the network and the cost
// read is known, and finds the layers that measure in another way than they train.
func (m *nodes) checkInputs() error {
	var forgotten, empty G.Nodes
	learns := false
	m.walk(func(n *G.Node, handed bool) {
		if handed {
			learns = learns || slices.Contains(m.learnables, n)
			return
		}
		switch o := n.Op().(type) {
		case *G.BatchNormOp:
			m.norms = append(m.norms, o)
		case nil:
			if n.Value() == nil {
				empty = append(empty, n)
			} else {
				forgotten = append(forgotten, n)
			}
		default:
			m.dropout = m.dropout || symbolic.StockName(o) == "dropoutOp"
		}
	})
	switch {
	case !learns && len(empty) == 0:
		return errors.New("models: neither the logits nor the cost depend on a learnable: are they nodes of the same graph?")
	case len(empty) > 0:
		return fmt.Errorf("models: node %s feeds the network, has no value and is neither the input nor a learnable; hand it over as one of them, or as a target of the cost (models.WithCost)", nameOf(empty[0]))
	case len(forgotten) == 1:
		return fmt.Errorf("models: node %s feeds the network and is neither the input nor a learnable: it would stay as it is now; add it to the learnables or, if training does not change it, name it by models.WithConstants", nameOf(forgotten[0]))
	case len(forgotten) > 1:
		var names []string
		for _, n := range forgotten {
			names = append(names, nameOf(n))
		}
		return fmt.Errorf("models: nodes %s feed the network and are neither the input nor learnables: they would stay as they are now; add them to the learnables or, if training does not change them, name them by models.WithConstants", strings.Join(names, ", "))
	}
	return nil
}

// walk visits every node between what was handed over and the logits and the cost,
// once, and tells which were handed over. The input may be computed, by a part of a
// network that is not measured.
func (m *nodes) walk(visit func(n *G.Node, handed bool)) {
	known := slices.Concat(G.Nodes{m.input}, m.learnables, m.constants, m.targets)
	seen := make(map[*G.Node]bool)
	var down func(n *G.Node)
	down = func(n *G.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		handed := slices.Contains(known, n)
		visit(n, handed)
		if handed {
			return
		}
		for _, c := range symbolic.Children(n) {
			down(c)
		}
	}
	down(m.logits)
	if m.own != nil {
		down(m.own.cost)
	}
}
