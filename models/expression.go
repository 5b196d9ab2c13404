package models

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Expression is the loss of a model on a batch of n samples, as nodes of a
// graph of its own: L = Σᵢ Weight[i]·Losses[i].
type Expression struct {
	Input  *G.Node // (n, input shape)
	Target *G.Node // (n, C), one-hot rows; (n, k) for a cost with k targets
	Weight *G.Node // (n)
	Params G.Nodes // without values: the caller sets them in its Program
	// Buffers hold the values that a Buffered model had when the Expression was
	// built.
	Buffers G.Nodes
	Logits  *G.Node // (n, C)
	Outputs *G.Node // of which the losses are a function: Logits, or what these are made of
	Losses  *G.Node // (n), the loss of each sample

	Masks   []Mask  // as in Training
	Updates G.Nodes // as in Training

	loss Loss
}

// Express builds the loss of m on batches of n samples, in the precision
// dtype. A model or a loss that cannot be differentiated twice is refused with
// an error that names the operation. Input, Target and Weight hold tensors of
// zeros.
func Express(m Model, loss Loss, n int, dtype tensor.Dtype) (*Expression, error) {
	return express(m, loss, n, dtype, m.Logits)
}

func express(m Model, loss Loss, n int, dtype tensor.Dtype, logits func(x *G.Node, params G.Nodes) (*G.Node, error)) (*Expression, error) {
	if loss == nil {
		return nil, errors.New("models: no loss; want CrossEntropy, SquaredError or one of your own")
	}
	own, isOwn := loss.(*ownCost)
	width := m.Classes()
	if isOwn {
		if m != Model(own.nodes) {
			return nil, errors.New("models: the loss is the cost of another graph")
		}
		width = own.width()
	}
	g := G.NewGraph()
	e := &Expression{
		Input:  zeros(g, "input", dtype, append([]int{n}, m.InputShape()...)),
		Target: zeros(g, "target", dtype, []int{n, width}),
		Weight: zeros(g, "weight", dtype, []int{n}),
		loss:   loss,
	}
	for _, p := range m.Parameters() {
		shape := p.Value.Shape()
		e.Params = append(e.Params, G.NewTensor(g, dtype, shape.Dims(), G.WithShape(shape...), G.WithName("parameter "+p.Name)))
	}
	for i, b := range buffersOf(m) {
		e.Buffers = append(e.Buffers, zeros(g, fmt.Sprint("buffer ", i), dtype, b.Value.Shape()))
	}
	e.refresh(m)
	var err error
	if e.Logits, err = logits(e.Input, slices.Concat(e.Params, e.Buffers)); err != nil {
		return nil, fmt.Errorf("models: building the logits: %w", err)
	}
	if want := (tensor.Shape{n, m.Classes()}); !slices.Equal(e.Logits.Shape(), want) {
		return nil, fmt.Errorf("models: the logits have shape %v; want %v, samples × classes", e.Logits.Shape(), want)
	}
	if err := symbolic.Check(G.Nodes{e.Logits}, append(G.Nodes{e.Input}, e.Params...)); err != nil {
		return nil, err
	}
	if isOwn {
		return e, own.express(e)
	}
	e.Outputs = e.Logits
	e.Losses, err = lossesOf(loss, e.Logits, e.Target)
	return e, err
}

// refresh takes over the buffers of m as they are now. Tell every Program that
// runs the expression.
func (e *Expression) refresh(m Model) {
	for i, b := range buffersOf(m) {
		assign(e.Buffers[i].Value().(*tensor.Dense), b.Value)
	}
}

func zeros(g *G.ExprGraph, name string, dtype tensor.Dtype, shape []int) *G.Node {
	t := tensor.New(tensor.WithShape(shape...), tensor.Of(dtype))
	return G.NewTensor(g, dtype, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(t))
}

// Gradient adds the gradient of the loss to the graph and returns one node for
// each parameter, nil where the loss does not depend on it.
func (e *Expression) Gradient() (G.Nodes, error) {
	return symbolic.Pullback(G.Nodes{e.Losses}, G.Nodes{e.Weight}, e.Params)
}

// Fill writes the given rows of split to Input, Target and Weight, each with
// the given weight. The rest of the batch is padding: copies of the first row, of
// weight zero. Call Changed with Inputs on every Program that runs the expression.
//
// Targets are one-hot labels. Those of a cost (see WithCost) and of a split without
// labels are the split's Targets, if it has some; a cost with one target gets the
// label, 0 or 1.
func (e *Expression) Fill(split *datasets.Split, rows []int, weight float64) {
	var inputs [3]*tensor.Dense
	for i, n := range e.Inputs() {
		inputs[i] = n.Value().(*tensor.Dense)
	}
	e.fill(inputs, split, rows, weight)
}

// fill is Fill for other tensors than those of Inputs.
func (e *Expression) fill(inputs [3]*tensor.Dense, split *datasets.Split, rows []int, weight float64) {
	x, y, w := inputs[0], inputs[1], inputs[2]
	targets := targetsOf(e.loss, split)
	if e.Input.Dtype() == tensor.Float32 {
		fill(x.Float32s(), y.Float32s(), w.Float32s(), targets, split, rows, weight)
		return
	}
	fill(x.Float64s(), y.Float64s(), w.Float64s(), targets, split, rows, weight)
}

func fill[T op.Float](x, y, w []T, values []float64, split *datasets.Split, rows []int, weight float64) {
	width, outputs := len(x)/len(w), len(y)/len(w)
	clear(y)
	clear(w)
	for i := range w {
		row := rows[0]
		if i < len(rows) {
			row, w[i] = rows[i], T(weight)
		}
		datasets.CopyRow(x[i*width:(i+1)*width], split, row)
		switch {
		case values != nil:
			for j, v := range values[row*outputs : (row+1)*outputs] {
				y[i*outputs+j] = T(v)
			}
		case split.Labels == nil: // targets that the caller sets
		case outputs == 1:
			y[i] = T(split.Labels[row])
		default:
			y[i*outputs+split.Labels[row]] = 1
		}
	}
}

// targetsOf are the targets that a loss compares with in place of one-hot labels,
// or nil.
func targetsOf(loss Loss, split *datasets.Split) []float64 {
	if own, is := loss.(*ownCost); is && len(own.nodes.targets) == 0 {
		return nil // it compares with nothing, or with the input
	} else if is {
		return split.Targets
	}
	if split.Labels == nil && loss != linear && loss != reinforcing {
		return split.Targets
	}
	return nil
}

// Inputs returns the nodes that Fill writes to.
func (e *Expression) Inputs() G.Nodes { return G.Nodes{e.Input, e.Target, e.Weight} }
