package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// AddChannel adds b[c] to all elements of channel c of x: (n, C, …), (C).
func AddChannel(x, b *G.Node) (*G.Node, error) {
	a, err := channels("AddChannel", x, b)
	if err != nil {
		return nil, err
	}
	return a.add(x, b)
}

// axis divides the elements of a tensor by one of its axes, or by several that
// are neighbours, of length length: outer of them before, inner after.
type axis struct{ outer, length, inner int }

// channels is the second axis of x, for which every one of vectors has an
// element.
func channels(name string, x *G.Node, vectors ...*G.Node) (axis, error) {
	s := x.Shape()
	if s.Dims() < 2 {
		return axis{}, fmt.Errorf("op: %s: input %q has shape %v; want (n, channels, …)", name, x.Name(), s)
	}
	a := axis{s[0], s[1], s.TotalSize() / (s[0] * s[1])}
	return a, a.fits(name, vectors...)
}

// fits returns an error unless all vectors have the length of the axis.
func (a axis) fits(name string, vectors ...*G.Node) error {
	for _, v := range vectors {
		if s := v.Shape(); s.Dims() != 1 || s[0] != a.length {
			return fmt.Errorf("op: %s: %q has shape %v; want (%d), the channels", name, v.Name(), s, a.length)
		}
	}
	return nil
}

func (a axis) name(op string) string { return fmt.Sprint(op, a) }

// add adds b[c] to the elements of x at c.
func (a axis) add(x, b *G.Node) (*G.Node, error) {
	return apply(a.addition(x.Shape()), x, b)
}

func (a axis) addition(out tensor.Shape) primitive {
	return primitive{
		name: a.name("AddAlong"),
		form: sumAlong,
		axis: a,
		out:  out,
		wrt:  []bool{true, true},
		over: []int{0},
		f32:  addAlong[float32](a, vec.Float32),
		f64:  addAlong[float64](a, vec.Float64),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			db, err := a.sum(grad, in[1].Shape())
			return G.Nodes{grad, db}, err
		},
	}
}

func addAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		x, b := in[0], in[1]
		if a.inner == 1 {
			for ; len(dst) > 0; x, dst = x[len(b):], dst[len(b):] {
				v.Add(dst[:len(b)], x, b)
			}
			return
		}
		for i := 0; len(dst) > 0; i++ {
			v.Shift(dst[:a.inner], x, b[i%len(b)])
			x, dst = x[a.inner:], dst[a.inner:]
		}
	}
}

// sum adds the elements of x at each c: a tensor of the given shape, of as many
// elements as the axis is long.
func (a axis) sum(x *G.Node, shape tensor.Shape) (*G.Node, error) {
	return apply(primitive{
		name: a.name("SumAlong"),
		out:  shape.Clone(),
		wrt:  []bool{true},
		f32:  totalAlong[float32](a, vec.Float32),
		f64:  totalAlong[float64](a, vec.Float64),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := a.repeat(grad, in[0].Shape())
			return G.Nodes{d}, err
		},
	}, x)
}

func totalAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		clear(dst)
		x := in[0]
		if a.inner == 1 {
			for ; len(x) > 0; x = x[len(dst):] {
				v.Add(dst, dst, x)
			}
			return
		}
		for i := 0; len(x) > 0; i++ {
			dst[i%len(dst)] += v.Sum(x[:a.inner])
			x = x[a.inner:]
		}
	}
}

// repeat is the adjoint of sum: b[c] at all places of c in a tensor of the given
// shape.
func (a axis) repeat(b *G.Node, shape tensor.Shape) (*G.Node, error) {
	from := b.Shape().Clone()
	return apply(primitive{
		name: a.name("RepeatAlong"),
		form: repeatedAlong,
		axis: a,
		out:  shape.Clone(),
		wrt:  []bool{true},
		f32:  repeatAlong[float32](a),
		f64:  repeatAlong[float64](a),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := a.sum(grad, from)
			return G.Nodes{d}, err
		},
	}, b)
}

func repeatAlong[T Float](a axis) kernel[T] {
	return func(dst []T, in [][]T) {
		for i := 0; len(dst) > 0; i++ {
			c := in[0][i%a.length]
			for j := range dst[:a.inner] {
				dst[j] = c
			}
			dst = dst[a.inner:]
		}
	}
}

// scale multiplies the elements of x at c by s[c].
func (a axis) scale(s, x *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: a.name("ScaleAlong"),
		form: scaledAlong,
		axis: a,
		out:  x.Shape(),
		wrt:  []bool{true, true},
		over: []int{1},
		f32:  scaleAlong(a, vec.Float32),
		f64:  scaleAlong(a, vec.Float64),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			ds, err := a.dot(grad, in[1])
			if err != nil {
				return nil, err
			}
			dx, err := a.scale(in[0], grad)
			return G.Nodes{ds, dx}, err
		},
	}, s, x)
}

func scaleAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		s, x := in[0], in[1]
		if a.inner == 1 {
			for ; len(dst) > 0; x, dst = x[len(s):], dst[len(s):] {
				v.Mul(dst[:len(s)], x, s)
			}
			return
		}
		for i := 0; len(dst) > 0; i++ {
			v.Scale(dst[:a.inner], x, s[i%len(s)])
			x, dst = x[a.inner:], dst[a.inner:]
		}
	}
}

// affine is add of scale, b[c] + s[c]·x, without a derivative.
func (a axis) affine(out tensor.Shape) primitive {
	return primitive{
		name: a.name("AffineAlong"), form: mappedAlong, axis: a, out: out, over: []int{1},
		f32: affineAlong(a, vec.Float32), f64: affineAlong(a, vec.Float64),
	}
}

func affineAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		s, x, b := in[0], in[1], in[2]
		if a.inner == 1 {
			for ; len(dst) > 0; x, dst = x[len(b):], dst[len(b):] {
				v.MulAdd(dst[:len(b)], x, s, b)
			}
			return
		}
		for i := 0; len(dst) > 0; i++ {
			v.Affine(dst[:a.inner], x, b[i%len(b)], s[i%len(b)])
			x, dst = x[a.inner:], dst[a.inner:]
		}
	}
}

// dot returns the inner products of x and y at each c.
func (a axis) dot(x, y *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: a.name("DotAlong"),
		out:  tensor.Shape{a.length},
		wrt:  []bool{true, true},
		f32:  dotAlong(a, vec.Float32),
		f64:  dotAlong(a, vec.Float64),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			dx, err := a.scale(grad, in[1])
			if err != nil {
				return nil, err
			}
			dy, err := a.scale(grad, in[0])
			return G.Nodes{dx, dy}, err
		},
	}, x, y)
}

func dotAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		clear(dst)
		x, y := in[0], in[1]
		if a.inner == 1 {
			for ; len(x) > 0; x, y = x[len(dst):], y[len(dst):] {
				v.MulAdd(dst, x, y, dst)
			}
			return
		}
		for c := 0; len(x) > 0; c++ {
			dst[c%len(dst)] += v.Dot(x[:a.inner], y)
			x, y = x[a.inner:], y[a.inner:]
		}
	}
}
