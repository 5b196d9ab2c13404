package replay

import (
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// product copies the five products of vectors, matrices and stacks of matrices.
func (r *Replay) product(n *G.Node, in G.Nodes) (*G.Node, error) {
	transA, transB := field(n.Op(), "transA").Bool(), field(n.Op(), "transB").Bool()
	if n.Dims() > 2 {
		a, b, err := r.two(in)
		if err != nil {
			return nil, err
		}
		return op.BatchedMatMul(a, b, transA, transB)
	}
	// A transposition of an operand is part of the product.
	in = slices.Clone(in)
	for i, flag := range []*bool{&transA, &transB} {
		for symbolic.StockName(in[i].Op()) == "transposeOp" && slices.Equal(integers(in[i].Op(), "pattern"), []int{1, 0}) {
			in[i], *flag = symbolic.Children(in[i])[0], !*flag
		}
	}
	a, b, err := r.two(in)
	if err != nil {
		return nil, err
	}
	outer := n.Dims() == 2 && a.Dims() == 1 && b.Dims() == 1
	if a.Dims() == 1 { // a row; a column of an outer product
		shape := tensor.Shape{1, a.Shape()[0]}
		if outer {
			shape = tensor.Shape{a.Shape()[0], 1}
		}
		if a, err = op.Reshape(a, shape); err != nil {
			return nil, err
		}
	}
	if b.Dims() == 1 { // a column; a row of an outer product
		shape := tensor.Shape{b.Shape()[0], 1}
		if outer {
			shape = tensor.Shape{1, b.Shape()[0]}
		}
		if b, err = op.Reshape(b, shape); err != nil {
			return nil, err
		}
	}
	c, err := op.MatMul(a, b, transA, transB)
	if err != nil {
		return nil, err
	}
	return op.Reshape(c, shapeOf(n))
}

func (r *Replay) two(in G.Nodes) (a, b *G.Node, err error) {
	both, err := r.nodes(in)
	if err != nil {
		return nil, nil, err
	}
	return both[0], both[1], nil
}

// tensordot brings the axes that are summed over to the end of a and to the
// beginning of b, and multiplies two matrices.
func (r *Replay) tensordot(n *G.Node, in G.Nodes) (*G.Node, error) {
	a, b, err := r.two(in)
	if err != nil {
		return nil, err
	}
	over := [2][]int{integers(n.Op(), "aAxes"), integers(n.Op(), "bAxes")}
	inner := 1
	for _, axis := range over[0] {
		inner *= a.Shape()[axis]
	}
	if a, err = permuted(a, append(others(a.Dims(), over[0]), over[0]...)); err != nil {
		return nil, err
	}
	if b, err = permuted(b, append(slices.Clone(over[1]), others(b.Dims(), over[1])...)); err != nil {
		return nil, err
	}
	if a, err = op.Reshape(a, tensor.Shape{a.Shape().TotalSize() / inner, inner}); err != nil {
		return nil, err
	}
	if b, err = op.Reshape(b, tensor.Shape{inner, b.Shape().TotalSize() / inner}); err != nil {
		return nil, err
	}
	c, err := op.MatMul(a, b, false, false)
	if err != nil {
		return nil, err
	}
	return op.Reshape(c, shapeOf(n))
}

// others are the axes below dims that are not in the list.
func others(dims int, axes []int) []int {
	var rest []int
	for axis := range dims {
		if !slices.Contains(axes, axis) {
			rest = append(rest, axis)
		}
	}
	return rest
}
