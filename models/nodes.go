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
	"github.com/hessoscope/hessoscope/models/symbolic/op"
	"github.com/hessoscope/hessoscope/models/symbolic/replay"
)

// nodes is a Model made of the nodes of a graph from outside.
type nodes struct {
	input, logits *G.Node
	learnables    G.Nodes
	constants     G.Nodes
	norms         []*G.BatchNormOp // batch normalizations, by their running statistics
	dropout       bool             // whether there is one, which is left out

	own     *ownCost // nil without a cost
	targets G.Nodes  // of the cost

	// together says in what way the output for a sample depends on its batch; empty
	// if it does not.
	together string

	bound bool // to the precision of the learnables, by operations that are not known here
	notes []string
}

var (
	_ Fixed    = (*nodes)(nil)
	_ Buffered = (*nodes)(nil)
)

// A NodesOption says more about the graph that FromNodes takes.
type NodesOption func(*nodes)

// WithCost makes the cost that the graph is trained by the loss of the Model,
// which LossOf returns: any function of the logits, of learnables and of the
// nodes of its targets, (n, …) each, such as one-hot rows, smoothed ones or the
// values of a regression. It is a scalar, the mean or a multiple of the sum over
// the samples, or one value for each sample, (n). Data fill the targets from
// their Targets, or else with one-hot labels, or with labels 0 and 1 where there
// is one value a sample.
//
// What the cost adds to the losses of the samples, such as weight decay, is
// measured with them; hand over the node before that is added to leave it out.
func WithCost(cost *G.Node, targets ...*G.Node) NodesOption {
	return func(m *nodes) {
		// The input is the target of an auto-encoder; it is there already.
		m.targets = slices.DeleteFunc(slices.Clone(targets), func(t *G.Node) bool { return t != nil && t == m.input })
		m.own = &ownCost{m, cost}
	}
}

// WithConstants names inputs that hold values which training does not change, such
// as a mask. A value that is given to one later is taken over with the
// parameters.
func WithConstants(constants ...*G.Node) NodesOption {
	return func(m *nodes) { m.constants = append(m.constants, constants...) }
}

// FromNodes makes a Model of a graph that exists already: the node of its
// input, (n, sample shape...), of its logits, (n, classes), and of its
// learnable parameters. Logits of shape (n) or (n, 1) are those of the second of
// two classes; that of the first is 0. The graph is read and never written to:
// package symbolic/replay builds it again from operations that can be
// differentiated any number of times, so that machines compiled for it are not
// affected. Parameters returns the learnables' values as they are at the time.
//
// The Model keeps the graph's batch size n, and is computed in either precision.
// Dropout is left out, and batch normalization goes by its running statistics.
//
// The graph is tried out with random numbers before it is accepted. These are
// errors that say what to do: probabilities in place of logits; inputs that hold values and are neither
// learnables nor constants; an operation that cannot be built again, or that
// Gorgonia computes wrongly; a node that is nil, named twice or not at all. A graph
// whose output for a sample depends on the rest of the batch is measured on whole
// batches only, and what is of single samples is an error. Notes tells so.
func FromNodes(input, logits *G.Node, learnables G.Nodes, options ...NodesOption) (model Model, err error) {
	defer func() {
		if r := recover(); r != nil { // Gorgonia has some
			model, err = nil, fmt.Errorf("models: the graph cannot be read: %v", r)
		}
	}()
	m := &nodes{input: input, logits: logits, learnables: learnables}
	for _, o := range options {
		if o != nil {
			o(m)
		}
	}
	for _, step := range []func() error{m.checkNodes, m.checkLearnables, m.checkInputs, m.checkLogits, m.chooseType, m.tryOut} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// checkNodes returns an error unless all nodes are there and fit together.
func (m *nodes) checkNodes() error {
	named := []struct {
		what string
		node *G.Node
	}{{"input", m.input}, {"logits", m.logits}}
	if m.own != nil {
		named = append(named, struct {
			what string
			node *G.Node
		}{"cost", m.own.cost})
	}
	for _, n := range named {
		if n.node == nil {
			return fmt.Errorf("models: the node of the %s is nil", n.what)
		}
	}
	for what, all := range map[string]G.Nodes{"learnable": m.learnables, "constant": m.constants, "target of the cost": m.targets} {
		if i := slices.Index(all, nil); i >= 0 {
			return fmt.Errorf("models: %s %d is nil", what, i)
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
		if t.Dims() == 0 || t.Shape()[0] != in[0] || t.Dtype() != tensor.Float64 && t.Dtype() != tensor.Float32 {
			return fmt.Errorf("models: target %q of the cost is %v of shape %v; want floats of shape (%d, …), a row a sample", t.Name(), t.Dtype(), t.Shape(), in[0])
		}
	}
	return nil
}

func (m *nodes) checkLearnables() error {
	names := make(map[string]*G.Node)
	for i, n := range m.learnables {
		switch other, taken := names[n.Name()]; {
		case taken && other == n:
			return fmt.Errorf("models: learnable %q is listed twice", n.Name())
		case taken:
			return fmt.Errorf("models: two learnables are named %q; Gorgonia takes equal inputs of one name for one", n.Name())
		case unnamed(n):
			return fmt.Errorf("models: learnable %d has no name, by which files and messages know it; give it one with gorgonia.WithName", i)
		}
		names[n.Name()] = n
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
	known := make(map[*G.Node]bool)
	for _, n := range slices.Concat(G.Nodes{m.input}, m.learnables, m.constants, m.targets) {
		known[n] = true
	}
	var forgotten, empty G.Nodes
	learns := false
	m.walk(func(n *G.Node) {
		learns = learns || slices.Contains(m.learnables, n)
		switch o := n.Op().(type) {
		case *G.BatchNormOp:
			m.norms = append(m.norms, o)
		case nil:
			if known[n] {
				return
			}
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
		return fmt.Errorf("models: node %q feeds the network, has no value and is neither the input nor a learnable; hand it over as one of them, or as a target of the cost (models.WithCost)", empty[0].Name())
	case len(forgotten) == 1:
		return fmt.Errorf("models: node %q feeds the network and is neither the input nor a learnable: it would stay as it is now; add it to the learnables or, if training does not change it, name it by models.WithConstants", forgotten[0].Name())
	case len(forgotten) > 1:
		var names []string
		for _, n := range forgotten {
			names = append(names, fmt.Sprintf("%q", n.Name()))
		}
		return fmt.Errorf("models: nodes %s feed the network and are neither the input nor learnables: they would stay as they are now; add them to the learnables or, if training does not change them, name them by models.WithConstants", strings.Join(names, ", "))
	}
	return nil
}

// walk visits every node that the logits and the cost depend on, once.
func (m *nodes) walk(visit func(n *G.Node)) {
	seen := make(map[*G.Node]bool)
	var down func(n *G.Node)
	down = func(n *G.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		visit(n)
		for _, c := range symbolic.Children(n) {
			down(c)
		}
	}
	down(m.logits)
	if m.own != nil {
		down(m.own.cost)
	}
}

// Parameters implements Model: the learnables' values as they are now.
func (m *nodes) Parameters() []Parameter { return valuesOf(m.learnables) }

func valuesOf(nodes G.Nodes) []Parameter {
	all := make([]Parameter, len(nodes))
	for i, n := range nodes {
		v, err := dense(n.Value())
		if err != nil { // its value was taken away; the shape tells whoever reads it
			v = tensor.New(tensor.WithShape(1), tensor.Of(n.Dtype()))
		}
		all[i] = Parameter{n.Name(), v}
	}
	return all
}

// Buffers implements Buffered: the constants, and mean and variance of each batch
// normalization.
func (m *nodes) Buffers() []Parameter {
	all := valuesOf(m.floats())
	for i, o := range m.norms {
		mean, variance := o.Stats()
		μ, v := mean.(*tensor.Dense), variance.(*tensor.Dense)
		if !slices.ContainsFunc(Values(v), func(v float64) bool { return v != 0 }) {
			// No batch was seen yet. Gorgonia starts at variance 0, with which the
			// network would be one of values divided by √ε.
			v = v.Clone().(*tensor.Dense)
			if err := v.Memset(one(v.Dtype())); err != nil {
				v.Zero()
			}
		}
		all = append(all, Parameter{fmt.Sprintf("batch norm %d mean", i), μ}, Parameter{fmt.Sprintf("batch norm %d variance", i), v})
	}
	return all
}

func one(t tensor.Dtype) any {
	if t == tensor.Float32 {
		return float32(1)
	}
	return 1.0
}

// floats are the constants that are no indices.
func (m *nodes) floats() G.Nodes {
	var all G.Nodes
	for _, n := range m.constants {
		if checkPrecision(n.Dtype()) == nil {
			all = append(all, n)
		}
	}
	return all
}

// InputShape implements Model. An input of shape (n) has one value a sample.
func (m *nodes) InputShape() []int {
	if m.input.Dims() == 1 {
		return []int{1}
	}
	return m.input.Shape()[1:]
}

// Classes implements Model.
func (m *nodes) Classes() int { return max(m.outputs(), 2) }

// outputs is the number of values that the graph gives for a sample.
func (m *nodes) outputs() int { return m.logits.Shape().TotalSize() / m.BatchSize() }

// BatchSize implements Fixed.
func (m *nodes) BatchSize() int { return m.input.Shape()[0] }

// String names the learnables and says for what batches the graph is.
func (m *nodes) String() string {
	var names []string
	for _, n := range m.learnables {
		names = append(names, n.Name())
	}
	return fmt.Sprintf("graph of %s, batches of %d", strings.Join(names, ", "), m.BatchSize())
}

// Notes tells what is measured in another way than the graph says.
func (m *nodes) Notes() []string { return m.notes }

// Logits implements Model: the operations between the input, the learnables
// and the logits, applied to x and params.
func (m *nodes) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	if want := append(tensor.Shape{m.BatchSize()}, m.InputShape()...); !slices.Equal(x.Shape(), want) {
		return nil, fmt.Errorf("models: input of shape %v; the graph was built for %v", x.Shape(), want)
	}
	r, err := m.replay(x, params, nil)
	if err != nil {
		return nil, err
	}
	z, err := r.Node(m.logits)
	if err != nil {
		return nil, err
	}
	return m.matrix(z)
}

// replay prepares to build the graph again from x, the parameters and buffers, and
// the values of the targets, if there are any, (n, width).
func (m *nodes) replay(x *G.Node, params G.Nodes, target *G.Node) (*replay.Replay, error) {
	input, err := op.Reshape(x, m.input.Shape())
	if err != nil {
		return nil, err
	}
	copies := map[*G.Node]*G.Node{m.input: input}
	for i, n := range append(slices.Clone(m.learnables), m.floats()...) {
		copies[n] = params[i]
	}
	statistics := params[len(params)-2*len(m.norms):]
	r := replay.New(x.Graph(), x.Dtype(), copies, func(o *G.BatchNormOp) (mean, variance *G.Node) {
		i := slices.Index(m.norms, o)
		return statistics[2*i], statistics[2*i+1]
	})
	if target == nil {
		return r, nil
	}
	return r, r.Split(target, m.targets)
}
