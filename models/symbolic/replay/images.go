package replay

import (
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// convolution returns the copy of n, a transposition, where it is the last of the
// operations that Gorgonia writes a Conv2d as; nil where it is not. They are, of
// images x (n, C, H, W) and kernels w (out, C, kh, kw),
//
//	im2col    (n, oh, ow, C·kh·kw)   what the kernel covers at each place
//	reshape   (n·oh·ow, C·kh·kw)     also w, to (out, C·kh·kw)
//	product   (n·oh·ow, out)
//	reshape   (n, oh, ow, out)
//	transpose (n, out, oh, ow)
func (r *Replay) convolution(n *G.Node) (*G.Node, error) {
	is := func(n *G.Node, name string) bool { return symbolic.StockName(n.Op()) == name }
	if n.Dims() != 4 || !slices.Equal(integers(n.Op(), "pattern"), []int{0, 3, 1, 2}) {
		return nil, nil
	}
	maps := symbolic.Children(n)[0]
	if !is(maps, "reshapeOp") {
		return nil, nil
	}
	product := symbolic.Children(maps)[0]
	if !is(product, "linAlgBinOp") || product.Dims() != 2 || field(product.Op(), "transA").Bool() || !field(product.Op(), "transB").Bool() {
		return nil, nil
	}
	rows, matrix := symbolic.Children(product)[0], symbolic.Children(product)[1]
	if !is(rows, "reshapeOp") || !is(matrix, "reshapeOp") {
		return nil, nil
	}
	patches, kernels := symbolic.Children(rows)[0], symbolic.Children(matrix)[0]
	if !is(patches, "im2colOp") {
		return nil, nil
	}
	images := symbolic.Children(patches)[0]
	win := patchWindow(patches.Op())
	s, taken := patches.Shape(), kernels.Shape()
	if taken.Dims() != 4 || !slices.Equal(taken[1:], tensor.Shape{images.Shape()[1], win.Kernel[0], win.Kernel[1]}) ||
		!slices.Equal(maps.Shape(), tensor.Shape{s[0], s[1], s[2], taken[0]}) {
		return nil, nil
	}
	x, w, err := r.two(G.Nodes{images, kernels})
	if err != nil {
		return nil, err
	}
	return op.Conv2D(x, w, win, 1)
}

// patchWindow is the window of an im2col.
func patchWindow(o G.Op) op.Window {
	h, w := integer(o, "padH"), integer(o, "padW")
	return op.Window{
		Kernel:   [2]int{integer(o, "h"), integer(o, "w")},
		Stride:   [2]int{integer(o, "strideH"), integer(o, "strideW")},
		Dilation: [2]int{integer(o, "dilationH"), integer(o, "dilationW")},
		Padding:  [4]int{h, h, w, w},
	}
}

// perChannel returns the node (1, C, 1, …) that a broadcast repeats along all axes
// but the second, as it does for the bias of a convolution; nil where n is none.
func perChannel(n *G.Node) *G.Node {
	b := n
	for symbolic.StockName(b.Op()) == "repeatOp" {
		b = symbolic.Children(b)[0]
	}
	if b == n || n.Dims() < 3 || b.Dims() != n.Dims() || b.Shape()[1] != n.Shape()[1] || b.Shape().TotalSize() != n.Shape()[1] {
		return nil
	}
	return b
}

// addChannel adds a bias (1, C, 1, …) to x (n, C, …).
func (r *Replay) addChannel(x, bias *G.Node) (*G.Node, error) {
	x, b, err := r.two(G.Nodes{x, bias})
	if err != nil {
		return nil, err
	}
	if b, err = op.Reshape(b, x.Shape()[1:2]); err != nil {
		return nil, err
	}
	return op.AddChannel(x, b)
}

// im2col copies what a window covers at each of its places, channel by channel;
// 0 outside of the image.
func (r *Replay) im2col(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	win, size, step := patchWindow(n.Op()), x.Shape(), strides(x.Shape())
	kh, kw := win.Kernel[0], win.Kernel[1]
	return op.Gather(x, places(n.Shape(), func(at []int) int {
		channel, i, j := at[3]/(kh*kw), at[3]/kw%kh, at[3]%kw
		row := at[1]*win.Stride[0] + i*win.Dilation[0] - win.Padding[0]
		column := at[2]*win.Stride[1] + j*win.Dilation[1] - win.Padding[2]
		if row < 0 || row >= size[2] || column < 0 || column >= size[3] {
			return -1
		}
		return at[0]*step[0] + channel*step[1] + row*step[2] + column
	}), n.Shape())
}

// poolWindow is the window of a pooling. Four numbers of padding are top, bottom,
// left and right by their names, but Gorgonia begins with the second of each pair.
func poolWindow(o G.Op) op.Window {
	top, bottom, left, right := integer(o, "padNorth"), integer(o, "padSouth"), integer(o, "padWest"), integer(o, "padEast")
	if field(o, "explicitPadding").Bool() {
		top, bottom, left, right = bottom, top, right, left
	}
	return op.Window{
		Kernel:  [2]int{integer(o, "h"), integer(o, "w")},
		Stride:  [2]int{integer(o, "strideH"), integer(o, "strideW")},
		Padding: [4]int{top, bottom, left, right},
	}
}

func (r *Replay) maxPool(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	return op.MaxPool2D(x, poolWindow(n.Op()))
}

// averagePool is the mean, which Gorgonia computes only where the kernel has as
// many elements as the image has columns.
func (r *Replay) averagePool(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	return op.AvgPool2D(x, poolWindow(n.Op()), true)
}

func (r *Replay) globalAveragePool(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	y, err := op.GlobalAvgPool2D(x)
	if err != nil {
		return nil, err
	}
	return op.Reshape(y, n.Shape())
}

// upsample repeats every row and every column.
func (r *Replay) upsample(n *G.Node, in G.Nodes) (*G.Node, error) {
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	times, step := integer(n.Op(), "stride")+1, strides(x.Shape())
	return op.Gather(x, places(n.Shape(), func(at []int) int {
		return at[0]*step[0] + at[1]*step[1] + at[2]/times*step[2] + at[3]/times
	}), n.Shape())
}
