package models

import (
	"fmt"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

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
	averagePool   bool             // whether there is an AveragePool2D

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
// the samples, or one value for each sample, (n). Another scalar, such as the root
// of a mean, belongs to a whole batch, and is measured on whole batches. Data fill the targets from
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
// Convolutions and pooling are those of package op. Dropout is left out, and batch
// normalization goes by its running statistics.
//
// The graph is tried out with random numbers before it is accepted. These are
// errors that say what to do: probabilities in place of logits; inputs that hold
// values and are neither learnables nor constants; an operation that cannot be
// built again, or that Gorgonia computes wrongly; a node that is nil, or a learnable
// that is listed twice or has no name. A graph whose output for a sample depends on
// the rest of the batch is measured on whole batches only, and what is of single
// samples is an error. Notes tells so.
func FromNodes(input, logits *G.Node, learnables G.Nodes, options ...NodesOption) (model Model, err error) {
	defer func() {
		if r := recover(); r != nil { // of Gorgonia
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
func (m *nodes) Buffers() []Parameter { return append(valuesOf(m.floats()), m.statistics()...) }

// statistics are the running mean and variance of each batch normalization.
func (m *nodes) statistics() (all []Parameter) {
	for i, o := range m.norms {
		mean, variance := o.Stats()
		μ, v := mean.(*tensor.Dense), variance.(*tensor.Dense)
		if !slices.ContainsFunc(Values(v), func(v float64) bool { return v != 0 }) {
			// No batch was seen yet. Gorgonia starts at variance 0, with which the
			// network would be one of values divided by √ε.
			v = v.Clone().(*tensor.Dense)
			SetValues(v, slices.Repeat([]float64{1}, v.DataSize()))
		}
		all = append(all, Parameter{fmt.Sprintf("batch norm %d mean", i), μ}, Parameter{fmt.Sprintf("batch norm %d variance", i), v})
	}
	return all
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
