package op

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// An Index tells for every place of one tensor, in row-major order, which place
// of another it belongs to; −1 for none. It must not be changed.
type Index []int32

// Gather copies elements of x to a tensor of the given shape: out[i] =
// x[index[i]], and 0 where index[i] is −1. Slices, transpositions and repetitions
// are of this form.
func Gather(x *G.Node, index Index, shape tensor.Shape) (*G.Node, error) {
	if err := index.check("Gather", len(index), shape, x.Shape()); err != nil {
		return nil, err
	}
	from := x.Shape().Clone()
	return apply(primitive{
		name: "Gather" + index.id(),
		out:  shape.Clone(),
		wrt:  []bool{true},
		f32:  gather[float32](index),
		f64:  gather[float64](index),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := Scatter(grad, index, from)
			return G.Nodes{d}, err
		},
	}, x)
}

func gather[T Float](index Index) kernel[T] {
	return func(dst []T, in [][]T) {
		for i, k := range index {
			if k < 0 {
				dst[i] = 0
				continue
			}
			dst[i] = in[0][k]
		}
	}
}

// Scatter adds the elements of x to a tensor of zeros of the given shape: out[k]
// is the sum of x[i] over all i with index[i] = k. It is the adjoint of Gather.
// Sums over any axes are of this form.
func Scatter(x *G.Node, index Index, shape tensor.Shape) (*G.Node, error) {
	if err := index.check("Scatter", len(index), x.Shape(), shape); err != nil {
		return nil, err
	}
	from := x.Shape().Clone()
	return apply(primitive{
		name: "Scatter" + index.id(),
		out:  shape.Clone(),
		wrt:  []bool{true},
		f32:  scatter[float32](index),
		f64:  scatter[float64](index),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := Gather(grad, index, from)
			return G.Nodes{d}, err
		},
	}, x)
}

func scatter[T Float](index Index) kernel[T] {
	return func(dst []T, in [][]T) {
		clear(dst)
		for i, k := range index {
			if k >= 0 {
				dst[k] += in[0][i]
			}
		}
	}
}

// MaxOver returns the largest of the elements of x that belong together: out[k]
// is the maximum of x[i] over all i with index[i] = k. Equal ones each get the
// whole gradient, as in Gorgonia.
func MaxOver(x *G.Node, index Index, shape tensor.Shape) (*G.Node, error) {
	if err := index.check("MaxOver", len(index), x.Shape(), shape); err != nil {
		return nil, err
	}
	from := x.Shape().Clone()
	return apply(primitive{
		name: "MaxOver" + index.id(),
		out:  shape.Clone(),
		wrt:  []bool{true},
		f32:  maxOver[float32](index),
		f64:  maxOver[float64](index),
		pullback: func(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
			largest, err := Gather(out, index, from)
			if err != nil {
				return nil, err
			}
			mask, err := Compare(in[0], "==", largest)
			if err != nil {
				return nil, err
			}
			d, err := Gather(grad, index, from)
			if err != nil {
				return nil, err
			}
			d, err = Mul(mask, d)
			return G.Nodes{d}, err
		},
	}, x)
}

func maxOver[T Float](index Index) kernel[T] {
	return func(dst []T, in [][]T) {
		for k := range dst {
			dst[k] = T(math.Inf(-1))
		}
		for i, k := range index {
			if v := in[0][i]; k >= 0 && !(v <= dst[k]) { // NaN is not hidden
				dst[k] = v
			}
		}
	}
}

// Reshape returns the elements of x in another shape of the same size.
func Reshape(x *G.Node, shape tensor.Shape) (*G.Node, error) {
	from := x.Shape().Clone()
	switch {
	case slices.Equal(from, shape):
		return x, nil
	case len(shape) == 0 || shape.TotalSize() != from.TotalSize():
		return nil, fmt.Errorf("op: Reshape: %q has shape %v; it cannot become %v", x.Name(), from, shape)
	}
	return apply(primitive{
		name: "Reshape",
		form: reshaped,
		out:  shape.Clone(),
		wrt:  []bool{true},
		f32:  func(dst []float32, in [][]float32) { copy(dst, in[0]) },
		f64:  func(dst []float64, in [][]float64) { copy(dst, in[0]) },
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := Reshape(grad, from)
			return G.Nodes{d}, err
		},
	}, x)
}

// Reshapes tells whether an operation is Reshape.
func Reshapes(o G.Op) bool {
	p, ok := o.(*primitive)
	return ok && p.form == reshaped
}

// check returns an error unless the index leads from every place of the shape
// from to one of the shape to, or to none.
func (x Index) check(name string, entries int, from, to tensor.Shape) error {
	if len(from) == 0 || len(to) == 0 || entries != from.TotalSize() {
		return fmt.Errorf("op: %s: %d indices for shapes %v and %v; want %d", name, entries, from, to, from.TotalSize())
	}
	size := int32(to.TotalSize())
	for i, k := range x {
		if k < -1 || k >= size {
			return fmt.Errorf("op: %s: index %d is %d; want −1 or a place in %v", name, i, k, to)
		}
	}
	return nil
}

// id tells indices apart: Gorgonia merges operations that hash alike.
func (x Index) id() string {
	h := fnv.New128a()
	for _, k := range x {
		h.Write([]byte{byte(k), byte(k >> 8), byte(k >> 16), byte(k >> 24)})
	}
	return fmt.Sprintf("(%x)", h.Sum(nil))
}
