package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
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
	if err := s.covered("MaxPool2D"); err != nil {
		return nil, err
	}
	places, err := s.largest(x)
	if err != nil {
		return nil, err
	}
	return s.pick(x, places)
}

func (s sliding) pooledShape() tensor.Shape { return tensor.Shape{s.from.n, s.from.c, s.oh, s.ow} }

// largest returns where in its plane the largest element of each window lies, as
// a number. It has no derivative.
func (s sliding) largest(x *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: "MaxPool2DIndex" + s.id(),
		out:  s.pooledShape(),
		wrt:  []bool{false},
		f32:  largestKernel[float32](s),
		f64:  largestKernel[float64](s),
	}, x)
}

func largestKernel[T Float](s sliding) kernel[T] {
	return func(dst []T, in [][]T) {
		for x := in[0]; len(dst) > 0; x, dst = x[s.from.plane():], dst[s.places():] {
			largestOfPlane(s, dst, x)
		}
	}
}

func largestOfPlane[T Float](s sliding, dst, x []T) {
	for oy := range s.oh {
		i0, i1, y := s.taps(0, oy)
		for ox := range s.ow {
			j0, j1, col := s.taps(1, ox)
			best := y*s.from.w + col
			for i := i0; i < i1; i++ {
				row := (y+(i-i0)*s.Dilation[0])*s.from.w + col
				for j := j0; j < j1; j++ {
					at := row + (j-j0)*s.Dilation[1]
					if v := x[at]; v > x[best] || v != v {
						best = at
					}
				}
			}
			dst[oy*s.ow+ox] = T(best)
		}
	}
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
	if err := s.covered("AvgPool2D"); err != nil {
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
	return func(dst []T, in [][]T) {
		for x := in[0]; len(dst) > 0; x, dst = x[s.from.plane():], dst[s.places():] {
			s.rectangles(func(place, at, rows, columns int) {
				sum := T(0)
				for i := range rows {
					for _, v := range x[at+i*s.from.w:][:columns] {
						sum += v
					}
				}
				dst[place] = sum / T(s.share(rows, columns, countPadding))
			})
		}
	}
}

func spreadKernel[T Float](s sliding, countPadding bool) kernel[T] {
	return func(dst []T, in [][]T) {
		clear(dst)
		for g := in[0]; len(dst) > 0; g, dst = g[s.places():], dst[s.from.plane():] {
			s.rectangles(func(place, at, rows, columns int) {
				v := g[place] / T(s.share(rows, columns, countPadding))
				for i := range rows {
					row := dst[at+i*s.from.w:][:columns]
					for j := range row {
						row[j] += v
					}
				}
			})
		}
	}
}

// rectangles calls f for every place of a window without dilation, with the
// first position that it covers and the numbers of rows and columns.
func (s sliding) rectangles(f func(place, at, rows, columns int)) {
	for oy := range s.oh {
		i0, i1, y := s.taps(0, oy)
		for ox := range s.ow {
			j0, j1, x := s.taps(1, ox)
			f(oy*s.ow+ox, y*s.from.w+x, i1-i0, j1-j0)
		}
	}
}

// share is the number of elements that a mean is taken over.
func (s sliding) share(rows, columns int, countPadding bool) int {
	if countPadding {
		return s.Kernel[0] * s.Kernel[1]
	}
	return rows * columns
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
