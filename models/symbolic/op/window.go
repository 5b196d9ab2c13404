package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Window slides over the height and the width of an image. Pairs are
// (vertical, horizontal), as in PyTorch.
type Window struct {
	Kernel   [2]int
	Stride   [2]int // 1 if zero
	Dilation [2]int // distance of the elements of the kernel; 1 if zero
	Padding  [4]int // top, bottom, left, right
}

// Output returns the number of places of the window on an h × w image,
//
//	⌊(h + top + bottom − dilation·(kernel − 1) − 1)/stride⌋ + 1
//
// for the height and the same for the width.
func (win Window) Output(h, w int) (int, int, error) {
	win = win.resolved()
	size := [2]int{h, w}
	var out [2]int
	for axis, side := range [2]string{"height", "width"} {
		reach := win.Dilation[axis]*(win.Kernel[axis]-1) + 1
		before, after := win.Padding[2*axis], win.Padding[2*axis+1]
		padded := size[axis] + before + after
		switch {
		case win.Kernel[axis] < 1 || win.Stride[axis] < 1 || win.Dilation[axis] < 1 || before < 0 || after < 0:
			return 0, 0, fmt.Errorf("%s of the window: kernel %d, stride %d, dilation %d, padding %d and %d; want a kernel, a stride and a dilation of 1 or more and a padding of 0 or more",
				side, win.Kernel[axis], win.Stride[axis], win.Dilation[axis], before, after)
		case reach > padded:
			return 0, 0, fmt.Errorf("a kernel of %s %d (%d with its dilation) is larger than its input of %d (%d with padding)",
				side, win.Kernel[axis], reach, size[axis], padded)
		}
		out[axis] = (padded-reach)/win.Stride[axis] + 1
	}
	return out[0], out[1], nil
}

// resolved replaces zero values by the defaults.
func (win Window) resolved() Window {
	for axis := range 2 {
		if win.Stride[axis] == 0 {
			win.Stride[axis] = 1
		}
		if win.Dilation[axis] == 0 {
			win.Dilation[axis] = 1
		}
	}
	return win
}

// images is the shape of a batch of images, (n, C, H, W).
type images struct{ n, c, h, w int }

// imagesOf returns the shape of a node that must be a batch of images.
func imagesOf(name string, x *G.Node) (images, error) {
	s := x.Shape()
	if s.Dims() != 4 {
		return images{}, fmt.Errorf("op: %s: input %q has shape %v; want images (n, channels, height, width)", name, x.Name(), s)
	}
	return images{s[0], s[1], s[2], s[3]}, nil
}

func (m images) shape() tensor.Shape { return tensor.Shape{m.n, m.c, m.h, m.w} }

// plane is the number of positions of an image.
func (m images) plane() int { return m.h * m.w }

// sliding is a window on images of a shape.
type sliding struct {
	Window        // without zero values
	from   images // what it slides over
	oh, ow int    // places of the window
}

func newSliding(name string, x *G.Node, win Window) (sliding, error) {
	from, err := imagesOf(name, x)
	if err != nil {
		return sliding{}, err
	}
	s := sliding{Window: win.resolved(), from: from}
	if s.oh, s.ow, err = win.Output(from.h, from.w); err != nil {
		return sliding{}, fmt.Errorf("op: %s of %q %v: %w", name, x.Name(), x.Shape(), err)
	}
	return s, nil
}

// places is the number of places of the window on an image.
func (s sliding) places() int { return s.oh * s.ow }

// cover is what a window covers of an axis of an image: a number of positions
// from first on, a dilation apart.
type cover struct{ first, count int }

// covers returns what each place along an axis covers.
func (s sliding) covers(axis int) []cover {
	size, places := s.from.h, s.oh
	if axis == 1 {
		size, places = s.from.w, s.ow
	}
	d := s.Dilation[axis]
	all := make([]cover, places)
	for o := range all {
		first := o*s.Stride[axis] - s.Padding[2*axis]
		count := s.Kernel[axis]
		for ; first < 0; first += d {
			count--
		}
		all[o] = cover{first, min(count, (size-first+d-1)/d)}
	}
	return all
}

// checkCovered returns an error if a place of the window is on padding alone.
func (s sliding) checkCovered(name string) error {
	for axis := range 2 {
		for o, c := range s.covers(axis) {
			if c.count < 1 {
				return fmt.Errorf("op: %s: place %d of the window lies on padding alone; want a padding of at most half the kernel", name, o)
			}
		}
	}
	return nil
}

// id tells windows apart in the names of operations.
func (s sliding) id() string {
	return fmt.Sprintf("(kernel %v stride %v dilation %v padding %v)", s.Kernel, s.Stride, s.Dilation, s.Padding)
}
