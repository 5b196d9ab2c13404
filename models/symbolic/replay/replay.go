package replay

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Replay is one graph that is built again on another.
type Replay struct {
	graph      *G.ExprGraph
	dtype      tensor.Dtype
	copies     map[*G.Node]*G.Node
	statistics func(*G.BatchNormOp) (mean, variance *G.Node)
	order      G.Nodes // what was copied, operands before results
}

// New returns a Replay to the graph g in the precision dtype. copies are the nodes
// of g that stand for inputs of the other graph, of their shapes; it is added to.
// A scalar input has a vector of one element. statistics returns the nodes that
// hold the running statistics of a batch normalization, (channels) each.
func New(g *G.ExprGraph, dtype tensor.Dtype, copies map[*G.Node]*G.Node, statistics func(*G.BatchNormOp) (mean, variance *G.Node)) *Replay {
	return &Replay{graph: g, dtype: dtype, copies: copies, statistics: statistics}
}

// A nodeError tells of the node that could not be copied. Those that depend on it
// add nothing to it.
type nodeError struct{ error }

func (e *nodeError) Unwrap() error { return e.error }

// Node returns the copy of n.
func (r *Replay) Node(n *G.Node) (*G.Node, error) {
	if c, ok := r.copies[n]; ok {
		return c, nil
	}
	c, err := r.copy(n)
	if of := (*nodeError)(nil); err != nil && !errors.As(err, &of) {
		err = &nodeError{err}
	}
	if err != nil {
		return nil, err
	}
	if want := shapeOf(n); !c.Shape().Eq(want) {
		return nil, fmt.Errorf("replay: %s has shape %v; its copy has %v", describe(n), want, c.Shape())
	}
	r.copies[n] = c
	r.order = append(r.order, n)
	return c, nil
}

func (r *Replay) copy(n *G.Node) (*G.Node, error) {
	children := symbolic.Children(n)
	switch name := symbolic.StockName(n.Op()); {
	case name == "randomOp":
		return nil, fmt.Errorf("replay: %s draws random numbers; a network that changes by itself has no Hessian. Use G.Dropout, which is left out, or an input that holds the numbers", describe(n))
	case name == "sizeOp":
		return r.constant(n, []float64{Number(n)}, tensor.Shape{1})
	case len(children) == 0:
		return r.leaf(n)
	case name == "":
		return r.outside(n, children)
	default:
		build, ok := stock[name]
		if !ok {
			return nil, symbolic.Unsound(n)
		}
		c, err := build(r, n, children)
		if of := (*nodeError)(nil); errors.As(err, &of) {
			return nil, err
		} else if err != nil {
			return nil, fmt.Errorf("replay: %s: %w", describe(n), err)
		}
		return c, nil
	}
}

// leaf copies a constant, with its value as it is now.
func (r *Replay) leaf(n *G.Node) (*G.Node, error) {
	values, err := floats(n.Value())
	if err != nil {
		return nil, fmt.Errorf("replay: %s %w", describe(n), err)
	}
	return r.constant(n, values, shapeOf(n))
}

// constant is an input and not a constant of Gorgonia, which merges two constants
// that print alike, as large tensors do. Its name tells the node, whose number may
// be that of another once nodes were removed from a graph.
func (r *Replay) constant(n *G.Node, values []float64, shape tensor.Shape) (*G.Node, error) {
	t := tensor.New(tensor.WithShape(shape...), tensor.Of(r.dtype))
	for i, v := range values {
		if r.dtype == tensor.Float32 {
			t.Float32s()[i] = float32(v)
		} else {
			t.Float64s()[i] = v
		}
	}
	return G.NewTensor(r.graph, r.dtype, len(shape), G.WithShape(shape...), G.WithName(fmt.Sprintf("constant %p", n)), G.WithValue(t)), nil
}

// outside applies an operation that is not of Gorgonia: one of package op, or
// somebody's own as it is.
func (r *Replay) outside(n *G.Node, children G.Nodes) (*G.Node, error) {
	operands, err := r.nodes(children)
	if err != nil {
		return nil, err
	}
	if c, ours, err := op.Reapply(n.Op(), operands...); ours {
		return c, err
	}
	for _, c := range append(G.Nodes{n}, children...) {
		if c.IsScalar() {
			return nil, fmt.Errorf("replay: %s is of a package that is not known here and has a scalar; want a vector of one element", describe(n))
		}
	}
	c, err := G.ApplyOp(n.Op(), operands...)
	if err != nil {
		return nil, fmt.Errorf("replay: applying %s again: %w", describe(n), err)
	}
	return c, nil
}

func (r *Replay) nodes(from G.Nodes) (G.Nodes, error) {
	all := make(G.Nodes, len(from))
	for i, n := range from {
		var err error
		if all[i], err = r.Node(n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Number is the value of a scalar that is written in the graph itself; NaN for
// any other node.
func Number(n *G.Node) float64 {
	switch symbolic.StockName(n.Op()) {
	case "constantScalar":
		if values, err := floats(n.Value()); err == nil {
			return values[0]
		}
	case "sizeOp":
		x, axis := symbolic.Children(n)[0], integer(n.Op(), "axis")
		if axis < x.Dims() {
			return float64(x.Shape()[axis])
		}
		return 1
	case "elemBinOp": // the number of values of which a mean is taken
		children := symbolic.Children(n)
		if relation(n.Op()) == "⊙" && n.IsScalar() {
			return Number(children[0]) * Number(children[1])
		}
	}
	return nan
}

// shapeOf is the shape of a node's copy: that of n, or (1) of a scalar.
func shapeOf(n *G.Node) tensor.Shape {
	if n.IsScalar() {
		return tensor.Shape{1}
	}
	return n.Shape()
}

// describe names a node and its operation.
func describe(n *G.Node) string {
	if n.Op() == nil {
		return fmt.Sprintf("node %q", n.Name())
	}
	return fmt.Sprintf("operation %v of node %q", n.Op(), n.Name())
}

// floats are the elements of a value, in row-major order.
func floats(v G.Value) ([]float64, error) {
	switch v := v.(type) {
	case nil:
		return nil, fmt.Errorf("has no value")
	case *G.F64:
		return []float64{float64(*v)}, nil
	case *G.F32:
		return []float64{float64(*v)}, nil
	case *G.I:
		return []float64{float64(*v)}, nil
	case *tensor.Dense:
		if v.RequiresIterator() || v.DataOrder().IsColMajor() {
			v = v.Materialize().(*tensor.Dense)
		}
		switch data := v.Data().(type) {
		case []float64:
			return data, nil
		case []float32:
			wide := make([]float64, len(data))
			for i, x := range data {
				wide[i] = float64(x)
			}
			return wide, nil
		case float64:
			return []float64{data}, nil
		case float32:
			return []float64{float64(data)}, nil
		}
	}
	return nil, fmt.Errorf("holds %T of %v; want float32 or float64", v, v.Dtype())
}

// Split makes the columns of all, (n, width), copies of the nodes to: the first
// columns of the first, as many as that has values for each of n rows, and so on.
func (r *Replay) Split(all *G.Node, to G.Nodes) error {
	n, width := all.Shape()[0], all.Shape()[1]
	start := 0
	for _, node := range to {
		columns := node.Shape().TotalSize() / n
		part, err := op.Gather(all, places(tensor.Shape{n, columns}, func(at []int) int { return at[0]*width + start + at[1] }), node.Shape())
		if err != nil {
			return err
		}
		r.copies[node] = part
		start += columns
	}
	return nil
}
