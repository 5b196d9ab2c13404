package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
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
