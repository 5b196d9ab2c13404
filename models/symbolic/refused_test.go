package symbolic_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
)

func TestCheckRefusesWhatIsUnsound(t *testing.T) {
	along := func(f func(*G.Node, ...int) (*G.Node, error), axes ...int) build {
		return unary(func(x *G.Node) (*G.Node, error) { return f(x, axes...) })
	}
	m, v, image := []int{4, 4}, []int{4}, []int{2, 3, 4, 4}
	for _, c := range []struct {
		name   string
		build  build
		shapes [][]int
		want   []string // the operation, what is wrong, what to use
	}{
		{"InverseSqrt", unary(G.InverseSqrt), [][]int{m}, []string{"invSqrt", "wrong derivative", "op.Power"}},
		{"Log2", unary(G.Log2), [][]int{m}, []string{"log2", "wrong derivative", "Log, divided by"}},
		{"Sum 2,3", along(G.Sum, 2, 3), [][]int{image}, []string{"Σ[2 3]", "wrong sums", "one Sum an axis"}},
		{"Sum 0,1 of 3-D", along(G.Sum, 0, 1), [][]int{{2, 3, 4}}, []string{"Σ[0 1]", "wrong sums", "one Sum an axis"}},
		{"Sum 1,0", along(G.Sum, 1, 0), [][]int{m}, []string{"Σ[1 0]", "out of order", "Sum without axes"}},
		{"Mean 2,3", along(G.Mean, 2, 3), [][]int{image}, []string{"Σ[2 3]", "wrong sums", "one Sum an axis"}},
		{"Max all", along(G.Max), [][]int{m}, []string{"MaxAlong[0 1]", "no second derivative", "one Max an axis"}},
		{"SoftMax", along(G.SoftMax), [][]int{m}, []string{"Softmax", "wrong or missing", "op.Softmax, or op.SoftmaxCrossEntropy"}},
		{"LogSoftMax", along(G.LogSoftMax), [][]int{m}, []string{"Softmax", "wrong or missing", "op.SoftmaxCrossEntropy"}},
		{"Sparsemax", along(G.Sparsemax), [][]int{m}, []string{"Sparsemax", "wrong or missing", "op.Softmax"}},
		{"Slice", unary(func(x *G.Node) (*G.Node, error) { return G.Slice(x, G.S(1, 3)) }), [][]int{m}, []string{"T[1:3:1...]", "wrong second derivative", "op.Gather"}},
		{"At", unary(func(x *G.Node) (*G.Node, error) { return G.At(x, 1, 2) }), [][]int{m}, []string{"At([1 2])", "wrong or missing", "op.Gather"}},
		{"Im2Col", unary(func(x *G.Node) (*G.Node, error) {
			return G.Im2Col(x, tensor.Shape{2, 2}, tensor.Shape{0, 0}, tensor.Shape{1, 1}, tensor.Shape{1, 1})
		}), [][]int{image}, []string{"im2col", "wrong or missing", "a dense layer"}},
		{"Conv2d", binary(conv2d), [][]int{image, {2, 3, 2, 2}}, []string{"im2col", "wrong or missing", "a dense layer"}},
		{"MaxPool2D", unary(func(x *G.Node) (*G.Node, error) {
			return G.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})
		}), [][]int{image}, []string{"MaxPool", "wrong or missing", "a dense layer"}},
		{"AveragePool2D", unary(func(x *G.Node) (*G.Node, error) {
			return G.AveragePool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})
		}), [][]int{image}, []string{"AvgPool", "wrong or missing", "op.Scatter"}},
		{"GlobalAveragePool2D", unary(G.GlobalAveragePool2D), [][]int{image}, []string{"GlobalAveragePool", "wrong or missing", "op.Scatter"}},
		{"Upsample2D", unary(func(x *G.Node) (*G.Node, error) { return G.Upsample2D(x, 2) }), [][]int{image}, []string{"Upsample", "wrong or missing", "op.Gather"}},
		{"BatchNorm", unary(func(x *G.Node) (*G.Node, error) {
			y, _, _, _, err := G.BatchNorm(x, nil, nil, 0.9, 1e-5)
			return y, err
		}), [][]int{m}, []string{"batchnorm", "wrong or missing", "folded into its neighbours"}},
		{"GroupNorm", func(in G.Nodes) (*G.Node, error) { return G.GroupNorm(in[0], in[1], in[2], 1, 3, 1e-5) }, [][]int{image, {1, 3, 1, 1}, {1, 3, 1, 1}}, []string{"GroupNorm", "wrong or missing", "Mean, Sub"}},
		{"Dropout", unary(func(x *G.Node) (*G.Node, error) { return G.Dropout(x, 0.5) }), [][]int{m}, []string{"Dropout", "wrong or missing", "weight decay"}},
		{"ByIndices", unary(func(x *G.Node) (*G.Node, error) {
			rows := G.NewVector(x.Graph(), tensor.Int, G.WithShape(2), G.WithName("rows"))
			return G.ByIndices(x, rows, 0)
		}), [][]int{m}, []string{"ByIndices", "wrong or missing", "op.Gather"}},
		{"Mul matrix·vector", binary(G.Mul), [][]int{m, v}, []string{"A × b", "matrix times vector", "(n, 1) matrix, or op.MatMul"}},
		{"Mul vector·matrix", binary(G.Mul), [][]int{v, m}, []string{"Aᵀ × b", "matrix times vector", "(n, 1) matrix, or op.MatMul"}},
		{"OuterProd", binary(G.OuterProd), [][]int{v, v}, []string{"a ⊗ b", "no derivative", "op.MatMul"}},
		{"Tensordot", binary(func(a, b *G.Node) (*G.Node, error) { return G.Tensordot([]int{1}, []int{0}, a, b) }), [][]int{m, m}, []string{"Tensordot", "wrong or missing", "BatchedMatMul"}},
		{"MinBetween", binary(G.MinBetween), [][]int{m, m}, []string{"MinBetween", "wrong or missing", "a − Rectify(a − b)"}},
		{"MaxBetween", binary(G.MaxBetween), [][]int{m, m}, []string{"MaxBetween", "wrong or missing", "a + Rectify(b − a)"}},
		{"long Concat", func(in G.Nodes) (*G.Node, error) { return G.Concat(0, in...) }, [][]int{{128}, {128}}, []string{"Concat(axis=0)", "past 255 entries", "op.Scatter of every part"}},
		{"own operation", unary(func(x *G.Node) (*G.Node, error) { return G.ApplyOp(opaque{}, x) }), [][]int{m}, []string{"opaque", "no symbolic derivative", "package op"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := G.NewGraph()
			in := inputs(g, normal(rand.New(rand.NewPCG(1, 2)))(c.shapes...))
			out, err := c.build(in)
			if err != nil {
				t.Fatal(err)
			}
			errs := map[string]error{"Check": symbolic.Check(G.Nodes{out}, in)}
			if !strings.HasPrefix(c.name, "Slice") { // right once
				_, errs["Pullback"] = symbolic.Pullback(G.Nodes{out}, likewise(g, "seed", G.Nodes{out}, rand.New(rand.NewPCG(3, 4))), in)
			}
			for by, err := range errs {
				if err == nil {
					t.Errorf("%s: not refused", by)
					continue
				}
				for _, want := range append(c.want, "symbolic: operation ", " of node ", "; use ") {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: error %q does not contain %q", by, err, want)
					}
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: error of more than one line: %q", by, err)
				}
			}
		})
	}
}

func conv2d(im, filter *G.Node) (*G.Node, error) {
	return G.Conv2d(im, filter, tensor.Shape{2, 2}, []int{0, 0}, []int{1, 1}, []int{1, 1})
}

func TestLogSumExpDoesNotBuild(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2, 2}, 1, 2, 3, 4))
	if n, err := G.LogSumExp(x, 1); err == nil {
		t.Errorf("Gorgonia built %v; decide whether to refuse it", n)
	}
}

// What does not lie between wrt and outs is not differentiated.
func TestCheckLooksAtThePathOnly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	at := normal(rng)([]int{2, 1, 4, 4}, []int{3, 1, 2, 2})
	g := G.NewGraph()
	in := inputs(g, at)
	out, err := conv2d(in[0], in[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := symbolic.Check(G.Nodes{out}, in[1:]); err != nil {
		t.Errorf("a convolution of a fixed image: %v", err)
	}
	f := difftest.Function{Build: composed(binary(conv2d)), At: at}
	if _, err := difftest.Check(f, 2, 7); err == nil {
		t.Error("a convolution of an image that is not fixed was not refused")
	}
	f.Build = func(in G.Nodes) (*G.Node, error) {
		y, err := conv2d(in[0], in[1])
		if err != nil {
			return nil, err
		}
		return G.Square(y)
	}
	f.Fixed = []int{0}
	errs, err := difftest.Check(f, 2, 7)
	if err != nil {
		t.Fatal(err)
	}
	for order, e := range errs {
		if !(e <= 1e-9) {
			t.Errorf("derivative %d in the filter: relative error %.2g", order+1, e)
		}
	}
}

// A node of wrt is differentiated through for the sake of one below it.
func TestCheckLooksBetweenNodesOfWRT(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 1, 2))
	y, err := G.InverseSqrt(x)
	if err != nil {
		t.Fatal(err)
	}
	z, err := G.Square(y)
	if err != nil {
		t.Fatal(err)
	}
	if err := symbolic.Check(G.Nodes{z}, G.Nodes{y}); err != nil {
		t.Errorf("above the refused operation: %v", err)
	}
	if err := symbolic.Check(G.Nodes{z}, G.Nodes{x, y}); err == nil {
		t.Error("through the refused operation: not refused")
	}
}

func TestOwnOperationsWithDerivativesPass(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 1, 2))
	y, err := G.ApplyOp(&tap{calls: new(int)}, x)
	if err != nil {
		t.Fatal(err)
	}
	if err := symbolic.Check(G.Nodes{y}, G.Nodes{x}); err != nil {
		t.Error(err)
	}
}

// Gorgonia rewrites log(1 + a), which the derivative of a power contains, when
// the graph holds a certain constant of its own, and then recycles the sum.
func TestRemovedOperandsAreNoticed(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 0.2, 0.4))
	p, err := G.Sigmoid(x)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := G.BinaryXent(p, x)
	if err != nil {
		t.Fatal(err)
	}
	y, err := G.Add(G.NewConstant(1.0), x)
	if err != nil {
		t.Fatal(err)
	}
	power, err := G.Pow(y, G.NewConstant(3.0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = symbolic.Pullback(G.Nodes{loss, power}, likewise(x.Graph(), "seed", G.Nodes{loss, power}, rand.New(rand.NewPCG(1, 2))), G.Nodes{x})
	if err == nil || !strings.Contains(err.Error(), "log(1 + a)") {
		t.Errorf("error %v, want one on the rewriting of log(1 + a)", err)
	}
}

// After a node was removed, a Gorgonia graph answers for the node that moved
// into the place of the one it is asked about.
func TestChildrenSurviveARemoval(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 0.2, 0.4))
	nodes := G.Nodes{x}
	for _, f := range []func(*G.Node) (*G.Node, error){G.Sigmoid, G.Sin, G.Tanh, G.Exp} {
		n, err := f(nodes[len(nodes)-1])
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	for range 2 {
		for i, n := range nodes[2:] {
			if c := symbolic.Children(n); len(c) != 1 || c[0] != nodes[i+1] {
				t.Errorf("children of %v are %v, want %v", n, c, nodes[i+1])
			}
		}
		x.Graph().RemoveNode(nodes[1])
	}
}
