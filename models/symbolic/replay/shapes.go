package replay

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// places is the index of a tensor of the given shape whose element at the
// coordinates at belongs to the place that of returns.
func places(shape tensor.Shape, of func(at []int) int) op.Index {
	index := make(op.Index, shape.TotalSize())
	at := make([]int, len(shape))
	for i := range index {
		index[i] = int32(of(at))
		for axis := len(shape) - 1; axis >= 0; axis-- {
			if at[axis]++; at[axis] < shape[axis] {
				break
			}
			at[axis] = 0
		}
	}
	return index
}

// strides are the distances in memory between neighbours along each axis.
func strides(shape tensor.Shape) []int {
	all := make([]int, len(shape))
	step := 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		all[axis] = step
		step *= shape[axis]
	}
	return all
}

func (r *Replay) reshape(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	return op.Reshape(x, shapeOf(n))
}

func (r *Replay) transpose(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	return permuted(x, integers(n.Op(), "pattern"))
}

// permuted brings the axes of x into another order.
func permuted(x *G.Node, order []int) (*G.Node, error) {
	if slices.IsSorted(order) {
		return x, nil
	}
	shape, from := make(tensor.Shape, len(order)), strides(x.Shape())
	for i, axis := range order {
		shape[i] = x.Shape()[axis]
	}
	return op.Gather(x, places(shape, func(at []int) (place int) {
		for i, axis := range order {
			place += at[i] * from[axis]
		}
		return place
	}), shape)
}

// repeat copies every element along one axis several times, as Gorgonia's
// broadcasting does.
func (r *Replay) repeat(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	along, shape := integer(n.Op(), "along"), n.Shape()
	if along == 0 && len(shape) == 2 && x.Shape().TotalSize() == shape[1] {
		if x, err = op.Reshape(x, shape[1:]); err != nil {
			return nil, err
		}
		return op.RepeatRow(x, shape[0])
	}
	from := x.Shape().Clone()
	for len(from) < len(shape) {
		from = append(from, 1) // a vector is a column
	}
	if len(from) != len(shape) || from[along] == 0 || shape[along]%from[along] != 0 {
		return nil, fmt.Errorf("shape %v cannot be repeated to %v", x.Shape(), shape)
	}
	times, step := shape[along]/from[along], strides(from)
	return op.Gather(x, places(shape, func(at []int) (place int) {
		for axis, i := range at {
			if axis == along {
				i /= times
			}
			place += i * step[axis]
		}
		return place
	}), shape)
}

func (r *Replay) sum(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	axes := integers(n.Op(), "along")
	if x.Dims() == 2 && slices.Equal(axes, []int{0}) && n.Dims() == 1 {
		return op.ColSum(x)
	}
	return r.reduce(n, x, axes, op.Scatter)
}

func (r *Replay) max(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	return r.reduce(n, x, integers(n.Op(), "along"), op.MaxOver)
}

// reduce joins the elements of x along some axes into one.
func (r *Replay) reduce(n, x *G.Node, axes []int, join func(*G.Node, op.Index, tensor.Shape) (*G.Node, error)) (*G.Node, error) {
	var left tensor.Shape
	kept := others(x.Dims(), axes)
	for _, axis := range kept {
		left = append(left, x.Shape()[axis])
	}
	step := strides(left)
	index := places(x.Shape(), func(at []int) (place int) {
		for i, axis := range kept {
			place += at[axis] * step[i]
		}
		return place
	})
	return join(x, index, shapeOf(n))
}

func (r *Replay) concat(n *G.Node, in G.Nodes) (*G.Node, error) {
	parts, err := r.nodes(in)
	if err != nil {
		return nil, err
	}
	axis, step := integer(n.Op(), "axis"), strides(n.Shape())
	var all *G.Node
	start := 0
	for _, part := range parts {
		length := part.Shape()[axis]
		placed, err := op.Scatter(part, places(part.Shape(), func(at []int) int {
			place := start * step[axis]
			for k, i := range at {
				place += i * step[k]
			}
			return place
		}), n.Shape())
		if err != nil {
			return nil, err
		}
		start += length
		if all == nil {
			all = placed
		} else if all, err = op.Add(all, placed); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *Replay) slice(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	along := integer(n.Op(), "along")
	start, length, step := 0, x.Shape()[along], 1
	if s, ok := field(n.Op(), "Slice").Interface().(tensor.Slice); ok && s != nil && s.End() > s.Start() {
		start, step = s.Start(), max(s.Step(), 1)
		length = (s.End() - start + step - 1) / step
	}
	from := strides(x.Shape())
	taken := x.Shape().Clone()
	taken[along] = length
	return op.Gather(x, places(taken, func(at []int) (place int) {
		for axis, i := range at {
			if axis == along {
				i = start + i*step
			}
			place += i * from[axis]
		}
		return place
	}), shapeOf(n))
}

func (r *Replay) at(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	place := 0
	step := strides(x.Shape())
	for axis, i := range integers(n.Op(), "coordinates") {
		place += i * step[axis]
	}
	return op.Gather(x, op.Index{int32(place)}, tensor.Shape{1})
}

// byIndices takes the rows, or what lies along another axis, that an input of
// integers lists, as they are now.
func (r *Replay) byIndices(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	list, ok := in[1].Value().(*tensor.Dense)
	if !ok || list.Dtype() != tensor.Int {
		return nil, fmt.Errorf("node %q of the indices holds %T; want integers, given before", in[1].Name(), in[1].Value())
	}
	axis, from := integer(n.Op(), "axis"), strides(x.Shape())
	rows := list.Ints()
	for _, row := range rows {
		if row < 0 || row >= x.Shape()[axis] {
			return nil, fmt.Errorf("index %d is outside shape %v", row, x.Shape())
		}
	}
	return op.Gather(x, places(n.Shape(), func(at []int) (place int) {
		for k, i := range at {
			if k == axis {
				i = rows[i]
			}
			place += i * from[k]
		}
		return place
	}), n.Shape())
}
