package op_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

func conv(win op.Window, groups int) func(G.Nodes) (*G.Node, error) {
	return binary(func(x, w *G.Node) (*G.Node, error) { return op.Conv2D(x, w, win, groups) })
}

func maxPool(win op.Window) func(G.Nodes) (*G.Node, error) {
	return unary(func(x *G.Node) (*G.Node, error) { return op.MaxPool2D(x, win) })
}

func avgPool(win op.Window, countPadding bool) func(G.Nodes) (*G.Node, error) {
	return unary(func(x *G.Node) (*G.Node, error) { return op.AvgPool2D(x, win, countPadding) })
}

// batchNorm is one of the three results of BatchNorm.
func batchNorm(result int) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) {
		y, mean, variance, err := op.BatchNorm(in[0], in[1], in[2], 1e-5)
		return G.Nodes{y, mean, variance}[result], err
	}
}

func frozenBatchNorm(in G.Nodes) (*G.Node, error) {
	return op.FrozenBatchNorm(in[0], in[1], in[2], in[3], in[4], 1e-5)
}

func layerNorm(in G.Nodes) (*G.Node, error) { return op.LayerNorm(in[0], in[1], in[2], 1e-5) }

// spaced is a tensor of numbers of which no two are nearer than 0.1, in random
// order, so that no difference quotient changes which is the largest.
func spaced(rng *rand.Rand, shape ...int) *tensor.Dense {
	t := tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float64))
	for i, k := range rng.Perm(t.DataSize()) {
		t.Float64s()[i] = 0.1 * float64(k)
	}
	return t
}

// imageFunctions are the operations of convolutional networks.
func imageFunctions() map[string]function {
	rng := rand.New(rand.NewPCG(3, 4))
	normal := func(shape ...int) *tensor.Dense { return difftest.Normal(rng, shape...) }
	one := func(t ...*tensor.Dense) []*tensor.Dense { return t }
	all := map[string]function{
		"MaxPool2D":                 {maxPool(op.Window{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}), one(spaced(rng, 2, 3, 4, 6)), nil},
		"MaxPool2D odd, overlapped": {maxPool(op.Window{Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Padding: [4]int{1, 1, 0, 1}}), one(spaced(rng, 2, 2, 5, 7)), nil},
		"MaxPool2D dilated":         {maxPool(op.Window{Kernel: [2]int{2, 3}, Dilation: [2]int{3, 2}}), one(spaced(rng, 1, 2, 7, 6)), nil},
		"AvgPool2D":                 {avgPool(op.Window{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}, false), one(normal(2, 3, 5, 4)), nil},
		"AvgPool2D overlapped":      {avgPool(op.Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 2}, Padding: [4]int{1, 0, 1, 1}}, false), one(normal(2, 2, 5, 4)), nil},
		"AvgPool2D padded":          {avgPool(op.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: [4]int{1, 1, 1, 1}}, true), one(normal(2, 2, 5, 4)), nil},
		"GlobalAvgPool2D":           {unary(op.GlobalAvgPool2D), one(normal(2, 3, 5, 4)), nil},
		"AddChannel":                {binary(op.AddChannel), one(normal(2, 3, 5, 4), normal(3)), nil},
		"AddChannel matrix":         {binary(op.AddChannel), one(normal(2, 3), normal(3)), nil},
		"BatchNorm":                 {batchNorm(0), one(normal(4, 3, 2, 3), normal(3), normal(3)), nil},
		"BatchNorm mean":            {batchNorm(1), one(normal(4, 3, 2, 3), normal(3), normal(3)), nil},
		"BatchNorm variance":        {batchNorm(2), one(normal(4, 3, 2, 3), normal(3), normal(3)), nil},
		"BatchNorm matrix":          {batchNorm(0), one(normal(7, 3), normal(3), normal(3)), nil},
		"FrozenBatchNorm":           {frozenBatchNorm, one(normal(4, 3, 2, 3), normal(3), normal(3), normal(3), positive(rng, 3)), nil},
		"FrozenBatchNorm fixed":     {frozenBatchNorm, one(normal(4, 3, 2, 3), normal(3), normal(3), normal(3), positive(rng, 3)), []int{3, 4}},
		"LayerNorm":                 {layerNorm, one(normal(4, 7), normal(7), normal(7)), nil},
		"LayerNorm image":           {layerNorm, one(normal(3, 2, 3, 4), normal(2, 3, 4), normal(2, 3, 4)), nil},
		"LayerNorm last axis":       {layerNorm, one(normal(2, 3, 5), normal(5), normal(5)), nil},
		"Dropout":                   {binary(op.Dropout), one(normal(2, 3), oneHot(2, 3)), []int{1}},
	}
	for _, c := range convolutions() {
		all["Conv2D "+c.name] = function{conv(c.win, c.groups), one(normal(c.x...), normal(c.w...)), nil}
	}
	return all
}

type convolution struct {
	name   string
	x, w   []int
	win    op.Window
	groups int
}

// convolutions are cases of all options, alone and together, of odd sizes.
func convolutions() []convolution {
	return []convolution{
		{"plain", []int{2, 1, 6, 5}, []int{4, 1, 3, 3}, op.Window{Kernel: [2]int{3, 3}}, 1},
		{"one by one", []int{2, 5, 3, 4}, []int{7, 5, 1, 1}, op.Window{Kernel: [2]int{1, 1}}, 1},
		{"whole image", []int{3, 2, 4, 3}, []int{5, 2, 4, 3}, op.Window{Kernel: [2]int{4, 3}}, 1},
		{"stride", []int{2, 3, 7, 8}, []int{2, 3, 3, 2}, op.Window{Kernel: [2]int{3, 2}, Stride: [2]int{2, 3}}, 1},
		{"stride past kernel", []int{2, 2, 7, 8}, []int{3, 2, 1, 2}, op.Window{Kernel: [2]int{1, 2}, Stride: [2]int{3, 4}}, 1},
		{"padding", []int{2, 2, 5, 4}, []int{3, 2, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Padding: [4]int{1, 1, 1, 1}}, 1},
		{"asymmetric padding", []int{1, 2, 4, 5}, []int{3, 2, 2, 4}, op.Window{Kernel: [2]int{2, 4}, Padding: [4]int{0, 1, 1, 2}}, 1},
		{"padding past kernel", []int{1, 1, 3, 2}, []int{2, 1, 2, 2}, op.Window{Kernel: [2]int{2, 2}, Padding: [4]int{3, 2, 2, 4}}, 1},
		{"dilation", []int{2, 2, 8, 7}, []int{3, 2, 3, 2}, op.Window{Kernel: [2]int{3, 2}, Dilation: [2]int{2, 3}}, 1},
		{"groups", []int{2, 4, 5, 5}, []int{6, 2, 3, 3}, op.Window{Kernel: [2]int{3, 3}}, 2},
		{"depthwise", []int{2, 3, 5, 6}, []int{3, 1, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Padding: [4]int{1, 1, 1, 1}}, 3},
		{"depthwise plain", []int{2, 2, 7, 4}, []int{6, 1, 2, 2}, op.Window{Kernel: [2]int{2, 2}}, 2},
		{"depthwise one column", []int{2, 2, 9, 3}, []int{2, 1, 2, 1}, op.Window{Kernel: [2]int{2, 1}}, 2},
		{
			"depthwise everything",
			[]int{2, 3, 17, 20},
			[]int{6, 1, 3, 2},
			op.Window{Kernel: [2]int{3, 2}, Stride: [2]int{2, 3}, Dilation: [2]int{2, 2}, Padding: [4]int{1, 2, 3, 0}},
			3,
		},
		{"depthwise stride", []int{2, 2, 12, 11}, []int{2, 1, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 1}, Padding: [4]int{1, 1, 1, 1}}, 2},
		{
			"everything",
			[]int{3, 4, 9, 10},
			[]int{6, 2, 3, 2},
			op.Window{Kernel: [2]int{3, 2}, Stride: [2]int{2, 3}, Dilation: [2]int{2, 2}, Padding: [4]int{1, 2, 3, 0}},
			2,
		},
		{"many channels", []int{2, 17, 7, 6}, []int{35, 17, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Padding: [4]int{1, 1, 1, 1}}, 1},
	}
}

func TestWindowErrors(t *testing.T) {
	g := G.NewGraph()
	x := G.NewTensor(g, tensor.Float64, 4, G.WithShape(2, 4, 5, 6), G.WithName("x"))
	w := G.NewTensor(g, tensor.Float64, 4, G.WithShape(6, 4, 3, 3), G.WithName("w"))
	m := G.NewMatrix(g, tensor.Float64, G.WithShape(2, 4), G.WithName("m"))
	v := G.NewVector(g, tensor.Float64, G.WithShape(3), G.WithName("v"))
	four := G.NewVector(g, tensor.Float64, G.WithShape(4), G.WithName("four"))
	three := op.Window{Kernel: [2]int{3, 3}}
	with := func(change func(*op.Window)) op.Window {
		win := three
		change(&win)
		return win
	}
	only := func(y, _, _ *G.Node, err error) (*G.Node, error) { return y, err }
	for _, c := range []struct {
		want  string // part of the error
		build func() (*G.Node, error)
	}{
		{"want images", func() (*G.Node, error) { return op.Conv2D(m, w, three, 1) }},
		{"larger than its input of 5", func() (*G.Node, error) {
			return op.Conv2D(x, w, op.Window{Kernel: [2]int{6, 3}}, 1)
		}},
		{"7 with its dilation", func() (*G.Node, error) {
			return op.Conv2D(x, w, with(func(win *op.Window) { win.Dilation = [2]int{1, 3} }), 1)
		}},
		{"want a kernel, a stride", func() (*G.Node, error) {
			return op.Conv2D(x, w, with(func(win *op.Window) { win.Stride[0] = -1 }), 1)
		}},
		{"padding of 0 or more", func() (*G.Node, error) {
			return op.Conv2D(x, w, with(func(win *op.Window) { win.Padding[3] = -1 }), 1)
		}},
		{"divides the channels", func() (*G.Node, error) { return op.Conv2D(x, w, three, 3) }},
		{"divides the channels", func() (*G.Node, error) { return op.Conv2D(x, w, three, 0) }},
		{"want (out, 2, 3, 3)", func() (*G.Node, error) { return op.Conv2D(x, w, three, 2) }},
		{"want (out, 4, 2, 3)", func() (*G.Node, error) { return op.Conv2D(x, w, op.Window{Kernel: [2]int{2, 3}}, 1) }},
		{"padding alone", func() (*G.Node, error) {
			return op.MaxPool2D(x, with(func(win *op.Window) { win.Padding[0] = 3 }))
		}},
		{"padding alone", func() (*G.Node, error) {
			return op.AvgPool2D(x, with(func(win *op.Window) { win.Padding[3] = 3 }), true)
		}},
		{"want none", func() (*G.Node, error) {
			return op.AvgPool2D(x, with(func(win *op.Window) { win.Dilation[0] = 2 }), true)
		}},
		{"want float64", func() (*G.Node, error) {
			return op.MaxPool2D(G.NewTensor(g, tensor.Float32, 4, G.WithShape(1, 1, 1<<12, 1<<12+1), G.WithName("large")), three)
		}},
		{"want images", func() (*G.Node, error) { return op.GlobalAvgPool2D(m) }},
		{"want (4), the channels", func() (*G.Node, error) { return op.AddChannel(x, v) }},
		{"want (n, channels, …)", func() (*G.Node, error) { return op.AddChannel(v, v) }},
		{"want (4), the channels", func() (*G.Node, error) { return only(op.BatchNorm(x, v, v, 1e-5)) }},
		{"want (4), the channels", func() (*G.Node, error) { return op.FrozenBatchNorm(x, v, v, v, v, 1e-5) }},
		{"want 0 or more", func() (*G.Node, error) { return only(op.BatchNorm(m, four, four, -1)) }},
		{"shape of their last axes", func() (*G.Node, error) { return op.LayerNorm(x, v, v, 1e-5) }},
		{"shapes", func() (*G.Node, error) { return op.Dropout(x, m) }},
	} {
		_, err := c.build()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want one with %q", err, c.want)
		}
	}
}

// The moments of values far from 0, of which the first ones are far from the
// others, in float32 and over several blocks.
func TestMoments(t *testing.T) {
	for _, shape := range [][]int{{7, 3, 50, 61}, {900, 3}, {2, 3, 1, 1}} {
		g := G.NewGraph()
		rng := rand.New(rand.NewPCG(5, 6))
		x, ones := difftest.Normal(rng, shape...), tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{1, 1, 1}))
		values := x.Float64s()
		run := len(values) / shape[0] / 3
		channels := make([][]float64, 3)
		for i, v := range values {
			values[i] = float64(float32(1000 + v))
			if i < 3*run {
				values[i] = float64(float32(-500 + v))
			}
			channels[i/run%3] = append(channels[i/run%3], values[i])
		}
		in := func(name string, v *tensor.Dense) *G.Node {
			return G.NewTensor(g, tensor.Float32, v.Dims(), G.WithShape(v.Shape()...), G.WithName(name), G.WithValue(converted(v, tensor.Float32)))
		}
		_, mean, variance, err := op.BatchNorm(in("x", x), in("gamma", ones), in("beta", ones), 1e-5)
		if err != nil {
			t.Fatal(err)
		}
		program, err := symbolic.Compile(mean, variance)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := program.Plan(mean, variance)
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Run(); err != nil {
			t.Fatal(err)
		}
		for c, all := range channels {
			wantMean, wantVariance := stat.PopMeanVariance(all, nil)
			for _, m := range []struct {
				node *G.Node
				want float64
			}{{mean, wantMean}, {variance, wantVariance}} {
				have := float64(program.Value(m.node).Data().([]float32)[c])
				if !(math.Abs(have-m.want) <= 3e-6*math.Abs(m.want)) { // 900 roundings
					t.Errorf("%v, channel %d: %v; want %v", shape, c, have, m.want)
				}
			}
		}
	}
}

// The number of places is checked against a count of them.
func TestWindowOutput(t *testing.T) {
	for _, c := range convolutions() {
		h, w, err := c.win.Output(c.x[2], c.x[3])
		if err != nil {
			t.Fatal(err)
		}
		for axis, got := range [2]int{h, w} {
			stride, dilation := max(1, c.win.Stride[axis]), max(1, c.win.Dilation[axis])
			size := c.x[2+axis] + c.win.Padding[2*axis] + c.win.Padding[2*axis+1]
			want := 0
			for o := 0; o+dilation*(c.win.Kernel[axis]-1) < size; o += stride {
				want++
			}
			if got != want {
				t.Errorf("%s, axis %d: %d places; want %d", c.name, axis, got, want)
			}
		}
	}
}

// Convolutions that are computed in several blocks of samples and channels, with
// a smaller last one, or channel by channel, are compared with plain loops.
func TestConvolutionsInBlocks(t *testing.T) {
	for _, c := range []convolution{
		{"rows", []int{3, 45, 33, 17}, []int{10, 45, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}}, 1},
		{"rows with padding", []int{2, 90, 25, 33}, []int{8, 45, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 1}, Padding: [4]int{1, 1, 1, 1}}, 2},
		{"channels", []int{2, 45, 20, 17}, []int{30, 45, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Padding: [4]int{1, 1, 1, 1}}, 1},
		{"samples", []int{27, 6, 4, 4}, []int{4, 3, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Padding: [4]int{1, 1, 1, 1}}, 2},
		{"samples and channels", []int{13, 130, 4, 4}, []int{7, 130, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Padding: [4]int{1, 1, 1, 1}}, 1},
		{"few channels to many", []int{9, 2, 9, 9}, []int{40, 2, 2, 2}, op.Window{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}, 1},
		{"depthwise", []int{5, 6, 19, 14}, []int{12, 1, 3, 3}, op.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 1}, Padding: [4]int{1, 1, 1, 1}}, 6},
		{"one by one", []int{5, 70, 31, 31}, []int{20, 70, 1, 1}, op.Window{Kernel: [2]int{1, 1}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			g := G.NewGraph()
			input := func(name string, shape ...int) *G.Node {
				return G.NewTensor(g, tensor.Float64, 4, G.WithShape(shape...), G.WithName(name), G.WithValue(difftest.Normal(rng, shape...)))
			}
			x, w := input("x", c.x...), input("w", c.w...)
			y := must(op.Conv2D(x, w, c.win, c.groups))
			s := input("seed", y.Shape()...)
			grads := mustAll(symbolic.Pullback(G.Nodes{y}, G.Nodes{s}, G.Nodes{x, w}))
			program, err := symbolic.Compile(y, grads[0], grads[1])
			if err != nil {
				t.Fatal(err)
			}
			plan, err := program.Plan(y, grads[0], grads[1])
			if err != nil {
				t.Fatal(err)
			}
			data := func(n *G.Node) []float64 { return program.Value(n).Data().([]float64) }
			want := make([][]float64, 3)
			for i, n := range []*G.Node{y, x, w} {
				want[i] = make([]float64, n.Shape().TotalSize())
			}
			images, kernels, seeds := data(x), data(w), data(s)
			c.loop(y.Shape(), func(atY, atX, atW int) {
				want[0][atY] += images[atX] * kernels[atW]
				want[1][atX] += seeds[atY] * kernels[atW]
				want[2][atW] += seeds[atY] * images[atX]
			})
			for run := range 2 { // a second run finds what the first left behind
				program.Changed(x, w, s)
				if err := plan.Run(); err != nil {
					t.Fatal(err)
				}
				for i, n := range []*G.Node{y, grads[0], grads[1]} {
					have := data(n)
					for k, v := range want[i] {
						if got := have[k]; !(math.Abs(got-v) <= 1e-11*max(1, math.Abs(v))) {
							t.Fatalf("run %d, result %d: element %d is %v; want %v", run, i, k, got, v)
						}
					}
				}
			}
		})
	}
}

// loop calls f for every product of a convolution with results of shape y.
func (c convolution) loop(y tensor.Shape, f func(atY, atX, atW int)) {
	out, in := c.w[0]/c.groups, c.w[1]
	for n := range y[0] {
		for o := range y[1] {
			for p := range y[2] {
				for q := range y[3] {
					for ch := range in {
						for i := range c.w[2] {
							for j := range c.w[3] {
								row := p*max(1, c.win.Stride[0]) + i*max(1, c.win.Dilation[0]) - c.win.Padding[0]
								column := q*max(1, c.win.Stride[1]) + j*max(1, c.win.Dilation[1]) - c.win.Padding[2]
								if row < 0 || row >= c.x[2] || column < 0 || column >= c.x[3] {
									continue
								}
								f(((n*y[1]+o)*y[2]+p)*y[3]+q, ((n*c.x[1]+o/out*in+ch)*c.x[2]+row)*c.x[3]+column, ((o*in+ch)*c.w[2]+i)*c.w[3]+j)
							}
						}
					}
				}
			}
		}
	}
}
