package op

import (
	"fmt"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// Conv2D returns the cross-correlation of images x (n, C, H, W) with the kernels
// w (out, C/groups, kh, kw), as torch.nn.functional.conv2d does:
//
//	y[n, o, p] = Σ_{c, k} w[o, c, k]·x[n, c, p + k]
//
// where c runs over the channels of o's group, k over the kernel and p over the
// places of the window. x is 0 outside of the image.
func Conv2D(x, w *G.Node, win Window, groups int) (*G.Node, error) {
	s, err := newSliding("Conv2D", x, win)
	if err != nil {
		return nil, err
	}
	c := conv{sliding: s, groups: groups}
	ws := w.Shape()
	if groups < 1 || s.from.c%groups != 0 {
		return nil, fmt.Errorf("op: Conv2D: %d channels in %d groups; want a number of groups that divides the channels", s.from.c, groups)
	}
	want := tensor.Shape{0, s.from.c / groups, win.Kernel[0], win.Kernel[1]}
	if ws.Dims() != 4 || !slices.Equal(ws[1:], want[1:]) || ws[0]%groups != 0 {
		return nil, fmt.Errorf("op: Conv2D: kernels %q have shape %v; want (out, %d, %d, %d) with out a multiple of %d groups",
			w.Name(), ws, want[1], want[2], want[3], groups)
	}
	c.out = ws[0]
	return c.forward(x, w)
}

// conv is a convolution of a fixed size. It is one trilinear form of the images
// x, the kernels w and the gradient g of the result,
//
//	Σ_{n, o, c, p, k} g[n, o, p]·w[o, c, k]·x[n, c, p + k]
//
// and has three operations, each the gradient by one of them: forward by g,
// toKernels by w and toImages by x. Each one's pullback consists of the other
// two.
type conv struct {
	sliding
	groups int
	out    int // channels
}

func (c conv) imagesShape() tensor.Shape { return c.from.shape() }
func (c conv) kernelsShape() tensor.Shape {
	return tensor.Shape{c.out, c.from.c / c.groups, c.Kernel[0], c.Kernel[1]}
}
func (c conv) resultShape() tensor.Shape { return tensor.Shape{c.from.n, c.out, c.oh, c.ow} }

func (c conv) name(op string) string { return fmt.Sprintf("%s%s groups %d", op, c.id(), c.groups) }

func (c conv) forward(x, w *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: c.name("Conv2D"),
		out:  c.resultShape(),
		wrt:  []bool{true, true},
		f32:  convolver32.forward(c),
		f64:  convolver64.forward(c),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			dx, err := c.toImages(grad, in[1])
			if err != nil {
				return nil, err
			}
			dw, err := c.toKernels(grad, in[0])
			return G.Nodes{dx, dw}, err
		},
	}, x, w)
}

func (c conv) toImages(g, w *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: c.name("Conv2DToImages"),
		out:  c.imagesShape(),
		wrt:  []bool{true, true},
		f32:  convolver32.toImages(c),
		f64:  convolver64.toImages(c),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			dg, err := c.forward(grad, in[1])
			if err != nil {
				return nil, err
			}
			dw, err := c.toKernels(in[0], grad)
			return G.Nodes{dg, dw}, err
		},
	}, g, w)
}

func (c conv) toKernels(g, x *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: c.name("Conv2DToKernels"),
		out:  c.kernelsShape(),
		wrt:  []bool{true, true},
		f32:  convolver32.toKernels(c),
		f64:  convolver64.toKernels(c),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			dg, err := c.forward(in[1], grad)
			if err != nil {
				return nil, err
			}
			dx, err := c.toImages(in[0], grad)
			return G.Nodes{dg, dx}, err
		},
	}, g, x)
}

// convolver computes convolutions of one element type.
type convolver[T Float] struct {
	multiply func(tA, tB blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)
	patches  sync.Pool // of *[]T
}

var (
	convolver32 = &convolver[float32]{multiply: gemm.Implementation{}.Sgemm}
	convolver64 = &convolver[float64]{multiply: gemm.Implementation{}.Dgemm}
)

// patch is the number of elements of an image in one place of the window, for
// one group: the length of a kernel.
func (c conv) patch() int { return c.from.c / c.groups * c.Kernel[0] * c.Kernel[1] }

// each calls f for every sample and group with the parts of images, kernels and
// results that belong to it, and room for its patches.
func (v *convolver[T]) each(c conv, x, w, y []T, f func(x, w, y, patches []T)) {
	room, _ := v.patches.Get().(*[]T)
	if room == nil {
		room = new([]T)
	}
	size := c.patch() * c.places()
	*room = slices.Grow((*room)[:0], size)[:size]
	in, out := c.from.c/c.groups*c.from.plane(), c.out/c.groups*c.places()
	kernels := c.out / c.groups * c.patch()
	for i := range c.from.n * c.groups {
		k := i % c.groups * kernels
		f(x[i*in:][:in], w[k:][:kernels], y[i*out:][:out], *room)
	}
	v.patches.Put(room)
}

func (v *convolver[T]) forward(c conv) kernel[T] {
	m, n, k := c.out/c.groups, c.places(), c.patch()
	return func(dst []T, in [][]T) {
		v.each(c, in[0], in[1], dst, func(x, w, y, patches []T) {
			unfold(c, patches, x)
			v.multiply(blas.NoTrans, blas.NoTrans, m, n, k, 1, w, k, patches, n, 0, y, n)
		})
	}
}

func (v *convolver[T]) toImages(c conv) kernel[T] {
	m, n, k := c.patch(), c.places(), c.out/c.groups
	return func(dst []T, in [][]T) {
		clear(dst)
		v.each(c, dst, in[1], in[0], func(x, w, y, patches []T) {
			v.multiply(blas.Trans, blas.NoTrans, m, n, k, 1, w, m, y, n, 0, patches, n)
			fold(c, x, patches)
		})
	}
}

func (v *convolver[T]) toKernels(c conv) kernel[T] {
	m, n, k := c.out/c.groups, c.patch(), c.places()
	return func(dst []T, in [][]T) {
		clear(dst)
		v.each(c, in[1], dst, in[0], func(x, w, y, patches []T) {
			unfold(c, patches, x)
			v.multiply(blas.NoTrans, blas.Trans, m, n, k, 1, y, k, patches, k, 1, w, n)
		})
	}
}

// unfold copies the patches of the channels x to columns: one row for each
// element of a kernel, one column for each place of the window.
func unfold[T Float](c conv, patches, x []T) {
	clear(patches)
	c.pairs(len(x)/c.from.plane(), func(patch, image int) { patches[patch] = x[image] })
}

// fold adds the columns to the places they were copied from.
func fold[T Float](c conv, x, patches []T) {
	c.pairs(len(x)/c.from.plane(), func(patch, image int) { x[image] += patches[patch] })
}

// pairs calls f for every element of the patches that lies on the image.
func (c conv) pairs(channels int, f func(patch, image int)) {
	for ch := range channels {
		for oy := range c.oh {
			i0, i1, y := c.taps(0, oy)
			for ox := range c.ow {
				j0, j1, x := c.taps(1, ox)
				for i := i0; i < i1; i++ {
					for j := j0; j < j1; j++ {
						row := (ch*c.Kernel[0]+i)*c.Kernel[1] + j
						f(row*c.places()+oy*c.ow+ox, (ch*c.from.h+y+(i-i0)*c.Dilation[0])*c.from.w+x+(j-j0)*c.Dilation[1])
					}
				}
			}
		}
	}
}
