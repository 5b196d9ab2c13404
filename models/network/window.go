package network

import (
	"slices"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// add implements Layer.
func (l Conv2D) add(p *plan, at place, in []int) ([]int, forward, error) {
	if err := image(at, in); err != nil {
		return nil, nil, err
	}
	if l.Groups == 0 {
		l.Groups = 1
	}
	switch {
	case l.Out < 1:
		return nil, nil, at.wrong("out", "is %d; want at least 1 filter", l.Out)
	case l.Groups < 1 || in[0]%l.Groups != 0 || l.Out%l.Groups != 0:
		return nil, nil, at.wrong("groups", "is %d; want a divisor of the %d channels of the input and of the %d of the output", l.Groups, in[0], l.Out)
	case l.Padding == Same && l.Stride.or(Square(1)) != Square(1):
		return nil, nil, at.wrong("padding", "is same; want that with stride 1 only, or numbers")
	}
	win, size, err := window(at, in, l.Kernel, l.Stride.or(Square(1)), l.Dilation.or(Square(1)), l.Padding)
	if err != nil {
		return nil, nil, err
	}
	a, err := p.affine(at, l.Name, []int{l.Out, in[0] / l.Groups, l.Kernel[0], l.Kernel[1]}, l.NoBias)
	return []int{l.Out, size[0], size[1]}, func(p *pass, x *G.Node) (*G.Node, error) {
		y, err := op.Conv2D(x, p.params[a.weight], win, l.Groups)
		if err != nil || a.bias < 0 {
			return y, err
		}
		return op.AddChannel(y, p.params[a.bias])
	}, err
}

// add implements Layer.
func (l MaxPool) add(_ *plan, at place, in []int) ([]int, forward, error) {
	win, out, err := pool(at, in, l.Kernel, l.Stride, l.Padding)
	return out, func(_ *pass, x *G.Node) (*G.Node, error) { return op.MaxPool2D(x, win) }, err
}

// add implements Layer.
func (l AvgPool) add(_ *plan, at place, in []int) ([]int, forward, error) {
	win, out, err := pool(at, in, l.Kernel, l.Stride, l.Padding)
	return out, func(_ *pass, x *G.Node) (*G.Node, error) { return op.AvgPool2D(x, win, !bool(l.NoPadding)) }, err
}

// pool returns the window of a pooling layer and the shape of its output.
func pool(at place, in []int, kernel, stride Pair, padding Padding) (op.Window, []int, error) {
	if err := image(at, in); err != nil {
		return op.Window{}, nil, err
	}
	if padding == Same {
		return op.Window{}, nil, at.wrong("padding", "is same; want numbers")
	}
	win, size, err := window(at, in, kernel, stride.or(kernel), Square(1), padding)
	if err != nil {
		return op.Window{}, nil, err
	}
	// A window may not lie in the padding alone.
	if slices.Max(padding[:2]) > kernel[0]/2 || slices.Max(padding[2:]) > kernel[1]/2 {
		return op.Window{}, nil, at.wrong("padding", "is more than half of the kernel, %v", kernel)
	}
	return win, []int{in[0], size[0], size[1]}, nil
}

// window returns the window that moves over images of the shape in, and the height
// and the width of what it makes.
func window(at place, in []int, kernel, stride, dilation Pair, padding Padding) (win op.Window, out Pair, err error) {
	for _, k := range []struct {
		key    string
		values Pair
	}{{"kernel", kernel}, {"stride", stride}, {"dilation", dilation}} {
		switch {
		case k.values == (Pair{}):
			return win, out, at.wrong(k.key, "is missing; want a number, or [height, width]")
		case min(k.values[0], k.values[1]) < 1 || max(k.values[0], k.values[1]) > maxWindow:
			return win, out, at.wrong(k.key, "is %v; want 1 to %d", k.values, maxWindow)
		}
	}
	reach := Pair{dilation[0]*(kernel[0]-1) + 1, dilation[1]*(kernel[1]-1) + 1}
	if padding == Same {
		h, w := reach[0]-1, reach[1]-1
		padding = Padding{h / 2, h - h/2, w / 2, w - w/2}
	}
	if slices.Min(padding[:]) < 0 || slices.Max(padding[:]) > maxWindow {
		return win, out, at.wrong("padding", "is %v; want 0 to %d", padding[:], maxWindow)
	}
	padded := Pair{in[1] + padding[0] + padding[1], in[2] + padding[2] + padding[3]}
	if reach[0] > padded[0] || reach[1] > padded[1] {
		problem, args := "is %v; its input is %v", []any{kernel, Pair{in[1], in[2]}}
		if reach != kernel {
			problem, args = "is %v and reaches over %v; its input is %v", []any{kernel, reach, Pair{in[1], in[2]}}
		}
		if padding != (Padding{}) {
			problem, args = problem+", with padding %v", append(args, padded)
		}
		return win, out, at.wrong("kernel", problem, args...)
	}
	win = op.Window{Kernel: kernel, Stride: stride, Dilation: dilation, Padding: padding}
	out[0], out[1], err = win.Output(in[1], in[2])
	return win, out, err
}

// add implements Layer.
func (GlobalAvgPool) add(_ *plan, at place, in []int) ([]int, forward, error) {
	if err := image(at, in); err != nil {
		return nil, nil, err
	}
	return in[:1], func(_ *pass, x *G.Node) (*G.Node, error) { return op.GlobalAvgPool2D(x) }, nil
}
