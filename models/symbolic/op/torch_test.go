package op_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// torchCase is an operation with its results in PyTorch; see testdata/README.md.
type torchCase struct {
	Op                       string
	Shapes                   [][]int
	Kernel, Stride, Dilation [2]int
	Padding                  [4]int
	Groups                   int
	Count                    bool
	Eps                      float64
	Output                   []float64
	First, Second            [][]float64
}

func (c torchCase) build(in G.Nodes) (*G.Node, error) {
	win := op.Window{Kernel: c.Kernel, Stride: c.Stride, Dilation: c.Dilation, Padding: c.Padding}
	switch c.Op {
	case "conv":
		return op.Conv2D(in[0], in[1], win, c.Groups)
	case "max_pool":
		return op.MaxPool2D(in[0], win)
	case "relu_max_pool":
		y, err := op.ReLU(in[0])
		if err != nil {
			return nil, err
		}
		return op.MaxPool2D(y, win)
	case "avg_pool":
		return op.AvgPool2D(in[0], win, c.Count)
	case "global_avg_pool":
		return op.GlobalAvgPool2D(in[0])
	case "batch_norm":
		y, _, _, err := op.BatchNorm(in[0], in[1], in[2], c.Eps)
		return y, err
	case "frozen_batch_norm":
		return op.FrozenBatchNorm(in[0], in[1], in[2], in[3], in[4], c.Eps)
	case "layer_norm":
		return op.LayerNorm(in[0], in[1], in[2], c.Eps)
	default:
		return nil, fmt.Errorf("no operation %q", c.Op)
	}
}

// torchInput is input i of a case.
func torchInput(g *G.ExprGraph, i int, shape tensor.Shape) *G.Node {
	t := tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float64))
	for k := range t.Float64s() {
		t.Float64s()[k] = float64((7*k*k+13*k+29*i)%101-50) / 25
	}
	return G.NewTensor(g, tensor.Float64, len(shape), G.WithShape(shape...), G.WithName(fmt.Sprint("input ", i)), G.WithValue(t))
}

func TestAgainstPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/torch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []torchCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(c.Op, i), func(t *testing.T) { c.check(t) })
	}
}

func (c torchCase) check(t *testing.T) {
	g := G.NewGraph()
	var in G.Nodes
	for i, shape := range c.Shapes {
		in = append(in, torchInput(g, i, shape))
	}
	if c.Op == "frozen_batch_norm" {
		variance := in[4].Value().Data().([]float64)
		for i, v := range variance {
			variance[i] = v*v + 0.1
		}
	}
	out, err := c.build(in)
	if err != nil {
		t.Fatal(err)
	}
	seed := torchInput(g, 10, out.Shape())
	wrt := slices.Clone(in[:len(c.First)])
	first := mustAll(symbolic.Pullback(G.Nodes{out}, G.Nodes{seed}, wrt))
	var directions G.Nodes
	for i, n := range wrt {
		directions = append(directions, torchInput(g, 20+i, n.Shape()))
	}
	second := mustAll(symbolic.Pullback(first, directions, append(wrt, seed)))

	wanted := G.Nodes{out}
	wanted = append(wanted, first...)
	for _, n := range second {
		if n != nil {
			wanted = append(wanted, n)
		}
	}
	program, err := symbolic.Compile(wanted...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := program.Plan(wanted...)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Run(); err != nil {
		t.Fatal(err)
	}
	compare := func(what string, n *G.Node, want []float64) {
		t.Helper()
		got := make([]float64, len(want))
		if n != nil {
			got = program.Value(n).Data().([]float64)
		}
		if want == nil {
			want = make([]float64, len(got))
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d elements; want %d", what, len(got), len(want))
			return
		}
		for i, v := range want { // PyTorch's have 13 digits
			if !(math.Abs(got[i]-v) <= 1e-11*max(1, math.Abs(v))) {
				t.Errorf("%s: element %d is %v; want %v", what, i, got[i], v)
				return
			}
		}
	}
	compare("output", out, c.Output)
	for i, want := range c.First {
		compare(fmt.Sprint("gradient ", i), first[i], want)
	}
	for i, want := range c.Second {
		compare(fmt.Sprint("second derivative ", i), second[i], want)
	}
}

func mustAll(n G.Nodes, err error) G.Nodes {
	if err != nil {
		panic(err)
	}
	return n
}

// PyTorch gives the gradient of a window with several NaN to the last.
func TestMaxPoolOfNaN(t *testing.T) {
	nan := math.NaN()
	g := G.NewGraph()
	v := tensor.New(tensor.WithShape(1, 1, 3, 3), tensor.WithBacking([]float64{1, nan, 3, nan, 5, 2, 7, 0, nan}))
	x := G.NewTensor(g, tensor.Float64, 4, G.WithShape(1, 1, 3, 3), G.WithName("x"), G.WithValue(v))
	y := must(op.MaxPool2D(x, op.Window{Kernel: [2]int{2, 2}}))
	c := torchInput(g, 10, y.Shape())
	d := mustAll(symbolic.Pullback(G.Nodes{y}, G.Nodes{c}, G.Nodes{x}))[0]
	program, err := symbolic.Compile(y, d)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := program.Plan(y, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Run(); err != nil {
		t.Fatal(err)
	}
	for i, v := range program.Value(y).Data().([]float64) {
		if !math.IsNaN(v) {
			t.Errorf("the largest of window %d is %v; want NaN", i, v)
		}
	}
	s := c.Value().Data().([]float64)
	want := []float64{0, s[1], 0, s[0] + s[2], 0, 0, 0, 0, s[3]}
	if got := program.Value(d).Data().([]float64); !slices.Equal(got, want) {
		t.Errorf("gradient %v; want %v", got, want)
	}
}

// The largest of windows of 2 × 2, next to each other or dilated, is that of the pixels
// that they have.
func TestMaxPoolOfSquares(t *testing.T) {
	const rows, columns = 4, 6
	rng := rand.New(rand.NewPCG(9, 9))
	pixels := make([]float64, rows*columns)
	for i := range pixels {
		pixels[i] = rng.NormFloat64()
	}
	for _, dilation := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {2, 2}} {
		g := G.NewGraph()
		x := G.NewTensor(g, tensor.Float64, 4, G.WithShape(1, 1, rows, columns), G.WithName("x"),
			G.WithValue(tensor.New(tensor.WithShape(1, 1, rows, columns), tensor.WithBacking(pixels))))
		y := must(op.MaxPool2D(x, op.Window{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: dilation}))
		program, err := symbolic.Compile(y)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := program.Plan(y)
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Run(); err != nil {
			t.Fatal(err)
		}
		var want []float64
		for i := 0; i+dilation[0] < rows; i += 2 {
			for j := 0; j+dilation[1] < columns; j += 2 {
				at := func(k, l int) float64 { return pixels[(i+k*dilation[0])*columns+j+l*dilation[1]] }
				want = append(want, max(at(0, 0), at(0, 1), at(1, 0), at(1, 1)))
			}
		}
		if got := program.Value(y).Data().([]float64); !slices.Equal(got, want) {
			t.Errorf("dilation %v: %v, want %v", dilation, got, want)
		}
	}
}
