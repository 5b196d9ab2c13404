package replay_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/replay"
)

// replayed builds f again in float64, with its inputs between 1 and 2.
func replayed(t *testing.T, dtype tensor.Dtype, f func(in G.Nodes) (*G.Node, error), shapes ...[]int) (r *replay.Replay, theirs, copied *G.Node, err error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	g, again := G.NewGraph(), G.NewGraph()
	var in G.Nodes
	copies := make(map[*G.Node]*G.Node)
	for i, shape := range shapes {
		name := string(rune('a' + i))
		n := G.NewTensor(g, dtype, len(shape), G.WithShape(shape...), G.WithName(name))
		v := tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float64))
		for i := range v.Float64s() {
			v.Float64s()[i] = 1 + rng.Float64()
		}
		in = append(in, n)
		copies[n] = G.NewTensor(again, tensor.Float64, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(v))
	}
	if theirs, err = f(in); err != nil {
		t.Fatal(err)
	}
	r = replay.New(again, tensor.Float64, copies, nil)
	copied, err = r.Node(theirs)
	return r, theirs, copied, err
}

func unary(f func(*G.Node) (*G.Node, error)) func(in G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0]) }
}

func binary(f func(a, b *G.Node) (*G.Node, error)) func(in G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0], in[1]) }
}

// operations are forms of Gorgonia's operations that networks seldom have, beside
// those of the graphs in package models.
var operations = []struct {
	name   string
	build  func(in G.Nodes) (*G.Node, error)
	shapes [][]int
}{
	{"Sign, Ceil and Floor", unary(func(x *G.Node) (*G.Node, error) {
		return G.Add(G.Must(G.Sign(x)), G.Must(G.Sub(G.Must(G.Ceil(x)), G.Must(G.Floor(x)))))
	}), [][]int{{2, 3}}},
	{"power of a constant", unary(func(x *G.Node) (*G.Node, error) { return G.Pow(constant(x, 3), x) }), [][]int{{2, 3}}},
	{"constant over", unary(func(x *G.Node) (*G.Node, error) { return G.HadamardDiv(constant(x, 3), x) }), [][]int{{2, 3}}},
	{"from a constant", unary(func(x *G.Node) (*G.Node, error) { return G.Sub(constant(x, 3), x) }), [][]int{{2, 3}}},
	{"over a constant", unary(func(x *G.Node) (*G.Node, error) { return G.HadamardDiv(x, constant(x, 3)) }), [][]int{{2, 3}}},
	{"comparison", binary(func(a, b *G.Node) (*G.Node, error) { return G.HadamardProd(a, G.Must(G.Lt(a, b, true))) }), [][]int{{2, 3}, {2, 3}}},
	{"OuterProd", binary(G.OuterProd), [][]int{{3}, {2}}},
	{"inner product", binary(G.Mul), [][]int{{3}, {3}}},
	{"vector·matrix", binary(G.Mul), [][]int{{3}, {3, 2}}},
	{"matrix·vector", binary(G.Mul), [][]int{{2, 3}, {3}}},
	{"Tensordot", binary(func(a, b *G.Node) (*G.Node, error) { return G.Tensordot([]int{0, 2}, []int{1, 0}, a, b) }), [][]int{{2, 3, 4}, {4, 2, 5}}},
	{"BatchedMatMul ᵀᵀ", binary(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, true, true) }), [][]int{{2, 4, 3}, {2, 2, 4}}},
	{"Sum of a middle axis", unary(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 1) }), [][]int{{2, 3, 4}}},
	{"Max of a first axis", unary(func(x *G.Node) (*G.Node, error) { return G.Max(x, 0) }), [][]int{{3, 4}}},
	{"Transpose", unary(func(x *G.Node) (*G.Node, error) { return G.Transpose(x, 2, 0, 1) }), [][]int{{2, 3, 4}}},
	{"Slice with steps", unary(func(x *G.Node) (*G.Node, error) { return G.Slice(x, nil, G.S(0, 4, 2)) }), [][]int{{2, 5}}},
	{"Slice of one", unary(func(x *G.Node) (*G.Node, error) { return G.Slice(x, G.S(1), G.S(2)) }), [][]int{{3, 4}}},
	{"At", unary(func(x *G.Node) (*G.Node, error) { return G.At(x, 1, 2) }), [][]int{{3, 4}}},
	{"Concat of many", func(in G.Nodes) (*G.Node, error) { return G.Concat(0, in...) }, [][]int{{200}, {100}, {1}}},
	{"Concat of columns", func(in G.Nodes) (*G.Node, error) { return G.Concat(1, in...) }, [][]int{{2, 3}, {2, 1}, {2, 2}}},
	{"SoftMax of columns", unary(func(x *G.Node) (*G.Node, error) { return G.SoftMax(x, 0) }), [][]int{{3, 4}}},
	{"SoftMax of a vector", unary(func(x *G.Node) (*G.Node, error) { return G.SoftMax(x) }), [][]int{{4}}},
	{"SoftMax of a middle axis", unary(func(x *G.Node) (*G.Node, error) { return G.SoftMax(x, 1) }), [][]int{{2, 3, 4}}},
	{"LogSoftMax", unary(func(x *G.Node) (*G.Node, error) { return G.LogSoftMax(x) }), [][]int{{3, 4}}},
	{"Norm", unary(func(x *G.Node) (*G.Node, error) { return G.Norm(x, 0, 2) }), [][]int{{4}}},
	{"ByIndices", unary(func(x *G.Node) (*G.Node, error) {
		rows := G.NewVector(x.Graph(), tensor.Int, G.WithShape(3), G.WithName("rows"), G.WithValue(tensor.New(tensor.WithBacking([]int{2, 0, 2}))))
		return G.ByIndices(x, rows, 0)
	}), [][]int{{3, 4}}},
	{"Conv2d", conv2d([]int{0, 0}, []int{1, 1}, []int{1, 1}), [][]int{{2, 3, 5, 4}, {4, 3, 3, 2}}},
	{"Conv2d with padding, stride and dilation", conv2d([]int{2, 1}, []int{2, 3}, []int{1, 2}), [][]int{{2, 3, 6, 7}, {4, 3, 3, 2}}},
	{"bias of a convolution", binary(func(x, b *G.Node) (*G.Node, error) { return G.BroadcastAdd(x, b, nil, []byte{0, 2, 3}) }), [][]int{{2, 3, 4, 5}, {1, 3, 1, 1}}},
	{"bias on the left, of one image", binary(func(x, b *G.Node) (*G.Node, error) { return G.BroadcastAdd(b, x, []byte{2, 3}, nil) }), [][]int{{1, 3, 4, 5}, {1, 3, 1, 1}}},
	{"bias of each place", binary(func(x, b *G.Node) (*G.Node, error) { return G.BroadcastAdd(x, b, nil, []byte{0, 1}) }), [][]int{{2, 3, 4, 3}, {1, 1, 4, 3}}},
	{"bias of each image", binary(func(x, b *G.Node) (*G.Node, error) { return G.BroadcastAdd(x, b, nil, []byte{2, 3}) }), [][]int{{3, 3, 4, 5}, {3, 3, 1, 1}}},
	{"bias of a convolution, from another", binary(func(x, b *G.Node) (*G.Node, error) { return G.BroadcastSub(b, x, []byte{0, 2, 3}, nil) }), [][]int{{2, 3, 4, 5}, {1, 3, 1, 1}}},
	{"Conv1d", binary(func(x, w *G.Node) (*G.Node, error) { return G.Conv1d(x, w, 3, 1, 2, 1) }), [][]int{{2, 3, 1, 8}, {4, 3, 1, 3}}},
	{"Im2Col", unary(func(x *G.Node) (*G.Node, error) {
		return G.Im2Col(x, tensor.Shape{3, 2}, tensor.Shape{2, 1}, tensor.Shape{2, 1}, tensor.Shape{1, 2})
	}), [][]int{{2, 2, 5, 4}}},
	{"product of a Conv2d, in part", binary(func(x, w *G.Node) (*G.Node, error) {
		y, err := G.Conv2d(x, w, tensor.Shape{2, 2}, []int{1, 0}, []int{1, 1}, []int{1, 1})
		if err != nil {
			return nil, err
		}
		product := symbolic.Children(symbolic.Children(y)[0])[0]
		return G.Add(product, G.Must(G.Reshape(y, product.Shape())))
	}), [][]int{{2, 1, 3, 3}, {2, 1, 2, 2}}},
	{"product of patches in another order", binary(func(x, w *G.Node) (*G.Node, error) {
		y, err := G.Conv2d(x, w, tensor.Shape{2, 2}, []int{0, 0}, []int{1, 1}, []int{1, 1})
		if err != nil {
			return nil, err
		}
		product := symbolic.Children(symbolic.Children(y)[0])[0]
		return G.Transpose(G.Must(G.Reshape(product, tensor.Shape{2, 3, 2, 2})), 0, 3, 1, 2) // was (2, 2, 3, 2)
	}), [][]int{{2, 1, 3, 4}, {2, 1, 2, 2}}},
	{"MaxPool2D", maxPool(tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}), [][]int{{2, 3, 4, 5}}},
	{"MaxPool2D, overlapping", maxPool(tensor.Shape{3, 2}, []int{1, 1}, []int{2, 1}), [][]int{{2, 3, 5, 4}}},
	{"MaxPool2D with padding of its own on each side", maxPool(tensor.Shape{3, 3}, []int{0, 1, 1, 2}, []int{1, 2}), [][]int{{2, 1, 5, 6}}},
	{"MaxPool1D", unary(func(x *G.Node) (*G.Node, error) { return G.MaxPool1D(x, 3, 1, 2) }), [][]int{{2, 3, 1, 8}}},
	{"AveragePool2D where Gorgonia is right", unary(func(x *G.Node) (*G.Node, error) {
		return G.AveragePool2D(x, tensor.Shape{2, 2}, []int{1, 1}, []int{1, 2})
	}), [][]int{{2, 3, 5, 4}}},
	{"GlobalAveragePool2D", unary(G.GlobalAveragePool2D), [][]int{{2, 3, 5, 4}}},
	{"Upsample2D", unary(func(x *G.Node) (*G.Node, error) { return G.Upsample2D(x, 3) }), [][]int{{2, 3, 2, 4}}},
}

func conv2d(padding, stride, dilation []int) func(in G.Nodes) (*G.Node, error) {
	return binary(func(x, w *G.Node) (*G.Node, error) {
		return G.Conv2d(x, w, w.Shape()[2:], padding, stride, dilation)
	})
}

func maxPool(kernel tensor.Shape, padding, stride []int) func(in G.Nodes) (*G.Node, error) {
	return unary(func(x *G.Node) (*G.Node, error) { return G.MaxPool2D(x, kernel, padding, stride) })
}

func constant(x *G.Node, v float64) *G.Node {
	if x.Dtype() == tensor.Float32 {
		return G.NewConstant(float32(v))
	}
	return G.NewConstant(v)
}

// Verify compares with Gorgonia; difftest with differences, to second order.
func TestOperations(t *testing.T) {
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
				r, theirs, copied, err := replayed(t, dtype, o.build, o.shapes...)
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Verify(); err != nil {
					t.Error(err)
				}
				if !theirs.IsScalar() && !copied.Shape().Eq(theirs.Shape()) || copied.Dtype() != tensor.Float64 {
					t.Errorf("%v of shape %v, was %v of %v", copied.Dtype(), copied.Shape(), theirs.Dtype(), theirs.Shape())
				}
			}
			again := func(in G.Nodes) (*G.Node, error) {
				g := G.NewGraph()
				var same G.Nodes
				copies := make(map[*G.Node]*G.Node)
				for _, n := range in {
					same = append(same, G.NewTensor(g, tensor.Float64, n.Dims(), G.WithShape(n.Shape()...), G.WithName(n.Name())))
					copies[same[len(same)-1]] = n
				}
				theirs, err := o.build(same)
				if err != nil {
					return nil, err
				}
				return replay.New(in[0].Graph(), tensor.Float64, copies, nil).Node(theirs)
			}
			rng := rand.New(rand.NewPCG(3, 4))
			var at []*tensor.Dense
			for _, shape := range o.shapes {
				v := difftest.Normal(rng, shape...)
				for i := range v.Float64s() {
					v.Float64s()[i] = 1.1 + 0.8*rng.Float64()
				}
				at = append(at, v)
			}
			errs, err := difftest.Check(difftest.Function{Build: again, At: at, Step: 3e-4}, 2, 7)
			if err != nil {
				t.Fatal(err)
			}
			for order, e := range errs {
				if !(e <= 1e-9) { // rounding at this step costs about 1e-12 of the largest term
					t.Errorf("derivative %d: relative error %.2g", order+1, e)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		build  func(in G.Nodes) (*G.Node, error)
		shapes [][]int
		want   string
	}{
		{"Sparsemax", unary(func(x *G.Node) (*G.Node, error) { return G.Sparsemax(x) }), [][]int{{3, 4}}, "use op.Softmax"},
		{"GroupNorm", func(in G.Nodes) (*G.Node, error) {
			return G.GroupNorm(in[0], in[1], in[2], 1, 2, 1e-3)
		}, [][]int{{1, 2, 2, 2}, {1, 2, 1, 1}, {1, 2, 1, 1}}, "wrong or missing derivative"},
		{"MaxPool2D of padding alone", maxPool(tensor.Shape{1, 1}, []int{1, 1}, []int{1, 1}), [][]int{{1, 1, 2, 2}}, "on padding alone"},
		{"random numbers", unary(func(x *G.Node) (*G.Node, error) {
			return G.Add(x, G.GaussianRandomNode(x.Graph(), tensor.Float64, 0, 1, 2, 2))
		}), [][]int{{2, 2}}, "draws random numbers"},
		{"no value", unary(func(x *G.Node) (*G.Node, error) {
			return G.Add(x, G.NewMatrix(x.Graph(), tensor.Float64, G.WithShape(2, 2), G.WithName("other")))
		}), [][]int{{2, 2}}, `node "other" has no value`},
	} {
		if _, _, _, err := replayed(t, tensor.Float64, c.build, c.shapes...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// What Gorgonia computes wrongly is found by computing it.
func TestVerifyFindsWhatGorgoniaComputesWrongly(t *testing.T) {
	r, _, _, err := replayed(t, tensor.Float64, unary(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 2, 3) }), []int{2, 3, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(); err == nil || !strings.Contains(err.Error(), "Σ[2 3]") {
		t.Errorf("error %v", err)
	}
	// The sum over the window is divided by the number of columns of the image.
	r, _, _, err = replayed(t, tensor.Float64, unary(func(x *G.Node) (*G.Node, error) {
		return G.AveragePool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})
	}), []int{2, 3, 6, 6})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(); err == nil || !strings.Contains(err.Error(), "AvgPool") {
		t.Errorf("error %v", err)
	}
}

// What overflows in the precision of the graph, and not in that of the copy, is no
// fault of Gorgonia's.
func TestVerifyPassesOverflow(t *testing.T) {
	r, _, copied, err := replayed(t, tensor.Float32, unary(func(x *G.Node) (*G.Node, error) {
		return G.Square(G.Must(G.HadamardProd(x, constant(x, 1e30))))
	}), []int{2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(); err != nil || copied.Dtype() != tensor.Float64 {
		t.Errorf("error %v", err)
	}
}

// A convolution is one operation, and not a product of patches.
func TestConvolutionIsOne(t *testing.T) {
	_, _, copied, err := replayed(t, tensor.Float64, conv2d([]int{1, 1}, []int{1, 1}, []int{1, 1}), []int{2, 3, 5, 4}, []int{4, 3, 3, 3})
	if err != nil {
		t.Fatal(err)
	}
	if form := copied.Op().String(); !strings.HasPrefix(form, "Conv2D") {
		t.Errorf("the copy is %s", form)
	}
}

// A product of transposed matrices is one operation, too.
func TestTransposedProductIsOne(t *testing.T) {
	_, theirs, copied, err := replayed(t, tensor.Float64, binary(func(a, b *G.Node) (*G.Node, error) {
		return G.Mul(G.Must(G.Transpose(a, 1, 0)), G.Must(G.Transpose(b, 1, 0)))
	}), []int{4, 2}, []int{3, 4})
	if err != nil {
		t.Fatal(err)
	}
	operands := symbolic.Children(copied)
	if len(operands) != 2 || len(symbolic.Children(operands[0])) > 0 || len(symbolic.Children(operands[1])) > 0 || !copied.Shape().Eq(theirs.Shape()) {
		t.Errorf("%v of %v", copied, operands)
	}
}

func TestLosses(t *testing.T) {
	for _, c := range []struct {
		name string
		cost func(x, w *G.Node) *G.Node // of (4, 3) and (3)
		want string                     // an error
	}{
		{"root of a mean", func(x, _ *G.Node) *G.Node { return G.Must(G.Sqrt(G.Must(G.Mean(x)))) }, ""},
		{"product of two means", func(x, _ *G.Node) *G.Node {
			return G.Must(G.Mul(G.Must(G.Mean(x)), G.Must(G.Sum(x))))
		}, ""},
		{"sum over another axis", func(x, w *G.Node) *G.Node { return G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sum(x, 0)))))) }, ""},
		{"matrix", func(x, _ *G.Node) *G.Node { return x }, "want a scalar, or one loss for each of 4 samples"},
		{"a mean, minus and times things", func(x, w *G.Node) *G.Node {
			decay := G.Must(G.Sum(G.Must(G.Square(w))))
			return G.Must(G.Neg(G.Must(G.Sub(decay, G.Must(G.Mul(decay, G.Must(G.Mean(x))))))))
		}, ""},
		{"inner product", func(x, w *G.Node) *G.Node { v := G.Must(G.Mul(x, w)); return G.Must(G.Mul(v, v)) }, ""},
		{"column", func(x, w *G.Node) *G.Node { return G.Must(G.Reshape(G.Must(G.Mul(x, w)), tensor.Shape{4, 1})) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var data *G.Node
			r, theirs, copied, err := replayed(t, tensor.Float64, func(in G.Nodes) (*G.Node, error) {
				data = in[0]
				return c.cost(in[0], in[1]), nil
			}, []int{4, 3}, []int{3})
			if err != nil {
				t.Fatal(err)
			}
			losses, err := r.Losses(theirs, 4, G.Nodes{data})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want one with %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			mean := func(n *G.Node) (sum float64) {
				program, err := symbolic.Compile(n)
				if err != nil {
					t.Fatal(err)
				}
				plan, err := program.Plan(n)
				if err != nil {
					t.Fatal(err)
				}
				if err := plan.Run(); err != nil {
					t.Fatal(err)
				}
				all := program.Value(n).(*tensor.Dense).Float64s()
				for _, v := range all {
					sum += v / float64(len(all))
				}
				return sum
			}
			if got, want := mean(losses), mean(copied); got-want > 1e-13 || want-got > 1e-13 {
				t.Errorf("mean of the losses %v, cost %v", got, want)
			}
		})
	}
}

// The bias of a convolution is not spread over the images, as Gorgonia does.
func TestBiasIsAddedToChannels(t *testing.T) {
	_, _, copied, err := replayed(t, tensor.Float64, binary(func(x, b *G.Node) (*G.Node, error) {
		return G.BroadcastAdd(x, b, nil, []byte{0, 2, 3})
	}), []int{2, 3, 4, 5}, []int{1, 3, 1, 1})
	if err != nil || !strings.HasPrefix(copied.Op().String(), "AddAlong") {
		t.Errorf("%v, error %v; want AddAlong", copied, err)
	}
}
