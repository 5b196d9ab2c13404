package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// MaxPool2D returns the largest element of x (n, C, H, W) in every place of the
// window, channel by channel. Of equal ones the first in row-major order gets
// the gradient, and NaN counts as the largest, as in PyTorch. Padding is never
// the largest; no place of the window may lie on padding alone.
func MaxPool2D(x *G.Node, win Window) (*G.Node, error) {
	s, err := newSliding("MaxPool2D", x, win)
	if err != nil {
		return nil, err
	}
	if err := s.checkCovered("MaxPool2D"); err != nil {
		return nil, err
	}
	if x.Dtype() == tensor.Float32 && s.from.plane() > exactFloat32 {
		return nil, fmt.Errorf("op: MaxPool2D: images of %d×%d in float32, whose places it cannot count; want float64", s.from.h, s.from.w)
	}
	if z := rectified(x); z != nil {
		// The largest of what is rectified is the rectified largest, with the
		// same derivatives, and there are fewer elements to rectify.
		y, err := MaxPool2D(z, win)
		if err != nil {
			return nil, err
		}
		return ReLU(y)
	}
	places, err := s.largest(x)
	if err != nil {
		return nil, err
	}
	return s.pick(x, places)
}

// exactFloat32 is the number of integers that float32 counts without a gap.
const exactFloat32 = 1 << 24

func (s sliding) pooledShape() tensor.Shape { return tensor.Shape{s.from.n, s.from.c, s.oh, s.ow} }

// largest returns where in its plane the largest element of each window lies, as
// a number. It has no derivative.
func (s sliding) largest(x *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: "MaxPool2DIndex" + s.id(),
		out:  s.pooledShape(),
		wrt:  []bool{false},
		f32:  largestKernel(s, vec.Float32),
		f64:  largestKernel(s, vec.Float64),
	}, x)
}

func largestKernel[T Float](s sliding, v vec.Kernels[T]) kernel[T] {
	two := [2]int{2, 2}
	if s.Kernel == two && s.Stride == two && s.Dilation == [2]int{1, 1} && s.Padding == [4]int{} {
		return largestOfSquares(s, v)
	}
	rows, columns := s.covers(0), s.covers(1)
	var whole []int // where the elements of the kernel lie in a plane, from the first on
	for i := range s.Kernel[0] {
		for j := range s.Kernel[1] {
			whole = append(whole, i*s.Dilation[0]*s.from.w+j*s.Dilation[1])
		}
	}
	return func(dst []T, in [][]T) {
		for x := in[0]; len(dst) > 0; x = x[s.from.plane():] {
			for _, row := range rows {
				for o, column := range columns {
					if row.count*column.count < len(whole) {
						dst[o] = T(largestNearBorder(s, x, row, column))
						continue
					}
					first := row.first*s.from.w + column.first
					dst[o] = T(first + largestOf(x[first:], whole))
				}
				dst = dst[s.ow:]
			}
		}
	}
}

// largestOfSquares is largestKernel for the most common window.
func largestOfSquares[T Float](s sliding, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		w := s.from.w
		for x := in[0]; len(dst) > 0; x = x[s.from.plane():] {
			for y := range s.oh {
				v.Largest(dst[:s.ow], x[2*y*w:], x[(2*y+1)*w:], T(2*y*w), T(w))
				dst = dst[s.ow:]
			}
		}
	}
}

// largestNearBorder returns the place of the largest element of a window that
// reaches beyond the image: the first of equal ones, but the last NaN.
func largestNearBorder[T Float](s sliding, x []T, row, column cover) int {
	best := row.first*s.from.w + column.first
	for i := range row.count {
		at := (row.first+i*s.Dilation[0])*s.from.w + column.first
		for range column.count {
			if v := x[at]; v > x[best] || v != v {
				best = at
			}
			at += s.Dilation[1]
		}
	}
	return best
}

// largestOf returns at which of the given places x has its largest element, the
// first of equal ones but the last NaN. It does not branch on what x holds,
// which no processor could predict.
func largestOf[T Float](x []T, places []int) int {
	largest := x[0]
	for _, k := range places[1:] {
		largest = max(largest, x[k])
	}
	best := 0
	for i := len(places) - 1; i >= 0; i-- {
		if k := places[i]; x[k] == largest {
			best = k
		}
	}
	if largest != largest {
		for _, k := range places {
			if x[k] != x[k] {
				best = k
			}
		}
	}
	return best
}

// pick returns the elements of x at the given places of their planes.
func (s sliding) pick(x, places *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: "Pick" + s.id(),
		out:  s.pooledShape(),
		wrt:  []bool{true, false},
		f32:  pickKernel[float32](s),
		f64:  pickKernel[float64](s),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := s.put(grad, in[1])
			return G.Nodes{d, nil}, err
		},
	}, x, places)
}

func pickKernel[T Float](s sliding) kernel[T] {
	return func(dst []T, in [][]T) {
		size, plane := s.places(), s.from.plane()
		for x, at := in[0], in[1]; len(dst) > 0; x, at, dst = x[plane:], at[size:], dst[size:] {
			for i, k := range at[:size] {
				dst[i] = x[int(k)]
			}
		}
	}
}

// put adds the elements of g to the given places of planes of zeros. It is the
// adjoint of pick.
func (s sliding) put(g, places *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: "Put" + s.id(),
		out:  s.from.shape(),
		wrt:  []bool{true, false},
		f32:  putKernel[float32](s),
		f64:  putKernel[float64](s),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := s.pick(grad, in[1])
			return G.Nodes{d, nil}, err
		},
	}, g, places)
}

func putKernel[T Float](s sliding) kernel[T] {
	return func(dst []T, in [][]T) {
		clear(dst)
		size, plane := s.places(), s.from.plane()
		for g, at := in[0], in[1]; len(dst) > 0; g, at, dst = g[size:], at[size:], dst[plane:] {
			for i, k := range at[:size] {
				dst[int(k)] += g[i]
			}
		}
	}
}

// AvgPool2D returns the mean of x (n, C, H, W) in every place of the window,
// channel by channel. Padding counts as zeros if countPadding is set, as
// PyTorch's count_include_pad, and not at all otherwise. The window has no
// dilation.
func AvgPool2D(x *G.Node, win Window, countPadding bool) (*G.Node, error) {
	s, err := newSliding("AvgPool2D", x, win)
	if err != nil {
		return nil, err
	}
	if s.Dilation != [2]int{1, 1} {
		return nil, fmt.Errorf("op: AvgPool2D: a dilation of %v; want none", s.Dilation)
	}
	if err := s.checkCovered("AvgPool2D"); err != nil {
		return nil, err
	}
	return s.average(x, countPadding)
}

func (s sliding) average(x *G.Node, countPadding bool) (*G.Node, error) {
	return apply(primitive{
		name: fmt.Sprint("AvgPool2D", s.id(), countPadding),
		out:  s.pooledShape(),
		wrt:  []bool{true},
		f32:  averageKernel[float32](s, countPadding),
		f64:  averageKernel[float64](s, countPadding),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := s.spread(grad, countPadding)
			return G.Nodes{d}, err
		},
	}, x)
}

// spread is the adjoint of average.
func (s sliding) spread(g *G.Node, countPadding bool) (*G.Node, error) {
	return apply(primitive{
		name: fmt.Sprint("AvgPool2DToImages", s.id(), countPadding),
		out:  s.from.shape(),
		wrt:  []bool{true},
		f32:  spreadKernel[float32](s, countPadding),
		f64:  spreadKernel[float64](s, countPadding),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := s.average(grad, countPadding)
			return G.Nodes{d}, err
		},
	}, g)
}

func averageKernel[T Float](s sliding, countPadding bool) kernel[T] {
	rows, columns := s.covers(0), s.covers(1)
	return func(dst []T, in [][]T) {
		for x := in[0]; len(dst) > 0; x = x[s.from.plane():] {
			for _, row := range rows {
				for o, column := range columns {
					sum := T(0)
					for i := range row.count {
						for _, v := range x[(row.first+i)*s.from.w+column.first:][:column.count] {
							sum += v
						}
					}
					dst[o] = sum / T(s.share(row, column, countPadding))
				}
				dst = dst[s.ow:]
			}
		}
	}
}

func spreadKernel[T Float](s sliding, countPadding bool) kernel[T] {
	rows, columns := s.covers(0), s.covers(1)
	return func(dst []T, in [][]T) {
		clear(dst)
		for g := in[0]; len(g) > 0; dst = dst[s.from.plane():] {
			for _, row := range rows {
				for o, column := range columns {
					v := g[o] / T(s.share(row, column, countPadding))
					for i := range row.count {
						to := dst[(row.first+i)*s.from.w+column.first:][:column.count]
						for j := range to {
							to[j] += v
						}
					}
				}
				g = g[s.ow:]
			}
		}
	}
}

// share is the number of elements that a mean is taken over.
func (s sliding) share(row, column cover, countPadding bool) int {
	if countPadding {
		return s.Kernel[0] * s.Kernel[1]
	}
	return row.count * column.count
}

// GlobalAvgPool2D returns the mean of every channel: (n, C, H, W) → (n, C).
func GlobalAvgPool2D(x *G.Node) (*G.Node, error) {
	m, err := imagesOf("GlobalAvgPool2D", x)
	if err != nil {
		return nil, err
	}
	sum, err := axis{1, m.n * m.c, m.plane()}.sum(x, tensor.Shape{m.n, m.c})
	if err != nil {
		return nil, err
	}
	return Scale(sum, 1/float64(m.plane()))
}
