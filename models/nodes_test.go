package models_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// foreign is a graph of stock operations only, x·w + b through tanh and another
// layer, built without this package.
type foreign struct {
	g          *G.ExprGraph
	x, logits  *G.Node
	learnables G.Nodes
}

func randomTensor(dtype tensor.Dtype, seed uint64, shape ...int) *tensor.Dense {
	v := tensor.New(tensor.WithShape(shape...), tensor.Of(dtype))
	models.SetValues(v, normal(v.DataSize(), seed))
	return v
}

func newForeign(n int, dtype tensor.Dtype) *foreign {
	f := &foreign{g: G.NewGraph()}
	matrix := func(name string, rows, cols int, opts ...G.NodeConsOpt) *G.Node {
		return G.NewMatrix(f.g, dtype, append(opts, G.WithShape(rows, cols), G.WithName(name))...)
	}
	learnable := func(name string, rows, cols int) *G.Node {
		w := matrix(name, rows, cols, G.WithValue(randomTensor(dtype, uint64(len(f.learnables)), rows, cols)))
		f.learnables = append(f.learnables, w)
		return w
	}
	layer := func(h, w, b *G.Node) *G.Node { return G.Must(G.BroadcastAdd(G.Must(G.Mul(h, w)), b, nil, []byte{0})) }
	f.x = matrix("x", n, 2)
	h := G.Must(G.Tanh(layer(f.x, learnable("w1", 2, 5), learnable("b1", 1, 5))))
	f.logits = layer(h, learnable("w2", 5, 3), learnable("b2", 1, 3))
	return f
}

func (f *foreign) model(t *testing.T) models.Model {
	t.Helper()
	m, err := models.FromNodes(f.x, f.logits, f.learnables)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFromNodes(t *testing.T) {
	for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		const n = 7
		f := newForeign(n, dtype)
		nodes := len(f.g.AllNodes())
		m := f.model(t)
		if b := m.(models.Fixed).BatchSize(); b != n || m.Classes() != 3 || !slices.Equal(m.InputShape(), []int{2}) || models.Precision(m) != dtype {
			t.Errorf("batch size %d, %d classes, input %v, precision %v", b, m.Classes(), m.InputShape(), models.Precision(m))
		}
		for i, p := range m.Parameters() {
			if p.Name != f.learnables[i].Name() || p.Value != f.learnables[i].Value() {
				t.Errorf("parameter %d is %s", i, p.Name)
			}
		}

		split := blobs(n, 2, 3, 1)
		e, err := models.Express(m, models.CrossEntropy, n, dtype)
		if err != nil {
			t.Fatal(err)
		}
		e.Fill(split, []int{0, 1, 2, 3, 4, 5, 6}, 1)
		program, err := symbolic.Compile(e.Logits)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range m.Parameters() {
			if err := program.Set(e.Params[i], p.Value); err != nil {
				t.Fatal(err)
			}
		}
		plan, err := program.Plan(e.Logits)
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Run(); err != nil {
			t.Fatal(err)
		}
		got := models.Values(program.Value(e.Logits).(*tensor.Dense))
		if after := len(f.g.AllNodes()); after != nodes {
			t.Errorf("the graph had %d nodes and now has %d", nodes, after)
		}

		x := tensor.New(tensor.WithShape(n, 2), tensor.Of(dtype))
		models.SetValues(x, split.X)
		if err := G.Let(f.x, x); err != nil {
			t.Fatal(err)
		}
		machine := G.NewTapeMachine(f.g)
		defer machine.Close()
		if err := machine.RunAll(); err != nil {
			t.Fatal(err)
		}
		want := models.Values(f.logits.Value().(*tensor.Dense))
		rounding := map[tensor.Dtype]float64{tensor.Float64: 1e-14, tensor.Float32: 1e-6}[dtype]
		if !floats.EqualApprox(got, want, rounding) {
			t.Errorf("%v: logits %v, of the tape machine %v", dtype, got, want)
		}
	}
}

func TestFromNodesErrors(t *testing.T) {
	matrix := func(g *G.ExprGraph, name string, rows, cols int) *G.Node {
		return G.NewMatrix(g, G.Float64, G.WithShape(rows, cols), G.WithName(name), G.WithValue(randomTensor(tensor.Float64, 1, rows, cols)))
	}
	for _, test := range []struct {
		name  string
		build func(t *testing.T) (x, logits *G.Node, learnables G.Nodes)
		want  string // is part of the error
	}{
		{"no value", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			w := G.NewMatrix(f.g, G.Float64, G.WithShape(3, 3), G.WithName("w3"))
			return f.x, G.Must(G.Mul(f.logits, w)), append(f.learnables, w)
		}, `models: learnable "w3" holds a <nil>; want a tensor or a scalar (give it a value before)`},
		{"unnamed", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			w := G.NewMatrix(f.g, G.Float64, G.WithShape(3, 3), G.WithValue(randomTensor(tensor.Float64, 1, 3, 3)))
			return f.x, G.Must(G.Mul(f.logits, w)), append(f.learnables, w)
		}, "models: learnable 4 has no name, by which files and messages know it; give it one with gorgonia.WithName"},
		{"listed twice", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, f.logits, append(f.learnables, f.learnables[1])
		}, `models: learnable "b1" is listed twice`},
		{"nil input", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return nil, f.logits, f.learnables
		}, "models: the node of the input is nil"},
		{"nil logits", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, nil, f.learnables
		}, "models: the node of the logits is nil"},
		{"nil learnable", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, f.logits, append(f.learnables, nil)
		}, "models: learnable 4 is nil"},
		{"forgotten without a name", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			mask := G.NewMatrix(f.g, G.Float64, G.WithShape(1, 3), G.WithValue(randomTensor(tensor.Float64, 1, 1, 3)))
			return f.x, G.Must(G.BroadcastHadamardProd(f.logits, mask, nil, []byte{0})), f.learnables
		}, "models: node without a name, of shape (1, 3), feeds the network and is neither the input nor a learnable"},
		{"two roles", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, f.logits, append(f.learnables, f.x)
		}, `models: node "x" is listed as input and as learnable; want one of them`},
		{"integers", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			w := G.NewMatrix(f.g, G.Int, G.WithShape(1, 2), G.WithName("w"), G.WithValue(tensor.New(tensor.WithBacking([]int{1, 2}), tensor.WithShape(1, 2))))
			return f.x, f.logits, append(f.learnables, w)
		}, `models: learnable "w" is int; want float32 or float64`},
		{"learnables of another graph", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f, other := newForeign(4, tensor.Float64), newForeign(4, tensor.Float64)
			return f.x, G.Must(G.Mul(f.x, G.NewConstant(2.0))), other.learnables
		}, "models: neither the logits nor the cost depend on a learnable: are they nodes of the same graph?"},
		{"forgotten", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, f.logits, append(f.learnables[1:2:2], f.learnables[2])
		}, `models: nodes "w1", "b2" feed the network and are neither the input nor learnables: they would stay as they are now; add them to the learnables or, if training does not change them, name them by models.WithConstants`},
		{"shared name", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			w := matrix(f.g, "w1", 3, 3)
			return f.x, G.Must(G.Mul(f.logits, w)), append(f.learnables, w)
		}, `models: two learnables are named "w1"; Gorgonia takes equal inputs of one name for one`},
		{"no learnables", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, f.logits, nil
		}, "models: no learnable nodes"},
		{"types", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f, other := newForeign(4, tensor.Float64), newForeign(4, tensor.Float32)
			return f.x, f.logits, append(f.learnables[1:], other.learnables[0])
		}, `models: learnable "w1" is float32, "b1" is float64; want the same type`},
		{"samples", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return matrix(f.g, "other", 5, 2), f.logits, f.learnables
		}, "models: input of shape (5, 2) and logits of shape (4, 3); want (n, …) and (n, classes)"},
		{"transposed value", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			v := randomTensor(tensor.Float64, 1, 5, 2)
			if err := v.T(); err != nil {
				t.Fatal(err)
			}
			if err := G.Let(f.learnables[0], v); err != nil {
				t.Fatal(err)
			}
			return f.x, f.logits, f.learnables
		}, `models: learnable "w1" has strides [1 2]; want a row-major tensor`},
		{"SoftMax", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, G.Must(G.SoftMax(f.logits)), f.learnables
		}, "are probabilities, and the loss would apply a SoftMax to them again; hand over the node before the SoftMax"},
		{"SoftMax, reshaped", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, G.Must(G.Reshape(G.Must(G.SoftMax(f.logits)), tensor.Shape{4, 3})), f.learnables
		}, "are probabilities, and the loss would apply a SoftMax to them again; hand over the node before the SoftMax"},
		{"op.Softmax", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, G.Must(op.Softmax(f.logits)), f.learnables
		}, "are probabilities, and the loss would apply a Softmax to them again; hand over the node before the Softmax"},
		{"sigmoids", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, G.Must(G.Sigmoid(f.logits)), f.learnables
		}, "are probabilities, and the loss would apply a Sigmoid to them again; hand over the node before the Sigmoid"},
		{"sigmoids by hand", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, G.Must(G.Inverse(G.Must(G.Add(G.NewConstant(1.0), G.Must(G.Exp(G.Must(G.Neg(f.logits)))))))), f.learnables
		}, "are probabilities, and the loss would apply a Sigmoid to them again; hand over the node before the Sigmoid"},
		{"sigmoids as a quotient", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, G.Must(G.HadamardDiv(G.NewConstant(1.0), G.Must(G.Add(G.Must(G.Exp(f.logits)), G.NewConstant(1.0))))), f.learnables
		}, "are probabilities, and the loss would apply a Sigmoid to them again; hand over the node before the Sigmoid"},
		{"SoftMax by hand", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			return f.x, softmaxByHand(f.logits), f.learnables
		}, "are positive and sum to 1: they are probabilities, and the loss would apply a softmax to them again; hand over the node before the softmax"},
		{"random numbers", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			noise := G.GaussianRandomNode(f.g, tensor.Float64, 0, 1, 4, 3)
			return f.x, G.Must(G.Add(f.logits, noise)), f.learnables
		}, "draws random numbers; a network that changes by itself has no Hessian"},
		{"wrong in Gorgonia", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			w := G.NewTensor(f.g, G.Float64, 2, G.WithShape(3, 24), G.WithName("w"), G.WithValue(randomTensor(tensor.Float64, 5, 3, 24)))
			wide := G.Must(G.Reshape(G.Must(G.Mul(f.logits, w)), tensor.Shape{4, 2, 3, 4}))
			return f.x, G.Must(G.Sum(wide, 2, 3)), append(f.learnables, w)
		}, "in Gorgonia where"},
		{"average pooling that is wrong in Gorgonia", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			g := G.NewGraph()
			image := G.NewTensor(g, G.Float64, 4, G.WithShape(4, 1, 6, 6), G.WithName("image"))
			pooled := G.Must(G.AveragePool2D(image, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
			w := matrix(g, "w", 9, 3)
			return image, G.Must(G.Mul(G.Must(G.Reshape(pooled, tensor.Shape{4, 9})), w)), G.Nodes{w}
		}, "in Gorgonia where"},
		{"another input", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f := newForeign(4, tensor.Float64)
			mask := G.NewMatrix(f.g, G.Float64, G.WithShape(4, 3), G.WithName("mask"))
			return f.x, G.Must(G.HadamardProd(f.logits, mask)), f.learnables
		}, `models: node "mask" feeds the network, has no value and is neither the input nor a learnable; hand it over as one of them, or as a target of the cost (models.WithCost)`},
		{"another graph", func(t *testing.T) (x, logits *G.Node, learnables G.Nodes) {
			f, other := newForeign(4, tensor.Float64), newForeign(4, tensor.Float64)
			return other.x, f.logits, f.learnables
		}, `node "x" feeds the network, has no value and is neither the input nor a learnable`},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, logits, learnables := test.build(t)
			m, err := models.FromNodes(x, logits, learnables)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v\nwant  %s", err, test.want)
			}
			if m != nil {
				t.Error("a model with an error")
			}
		})
	}
}

func TestForeignLearnablesMayMove(t *testing.T) {
	split := blobs(20, 2, 3, 2) // chunks of 7, 7 and 6
	f := newForeign(7, tensor.Float64)
	m := f.model(t)
	o := newObjective(t, m, models.CrossEntropy, split, 2)
	loss := func(o *models.Objective) float64 {
		t.Helper()
		if err := o.Refresh(); err != nil {
			t.Fatal(err)
		}
		e, err := o.Evaluate(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return e.Loss
	}
	fresh := func() float64 {
		t.Helper()
		return loss(newObjective(t, f.model(t), models.CrossEntropy, split, 1))
	}
	first := loss(o)

	f.learnables[2].Value().(*tensor.Dense).Float64s()[4] += 1 // as a solver does
	inPlace := loss(o)
	if inPlace == first || inPlace != fresh() {
		t.Errorf("updated in place: loss %v, was %v, want %v", inPlace, first, fresh())
	}

	if err := G.Let(f.learnables[1], randomTensor(tensor.Float64, 77, 1, 5)); err != nil {
		t.Fatal(err)
	}
	let := loss(o)
	if let == inPlace || let != fresh() {
		t.Errorf("replaced by Let: loss %v, was %v, want %v", let, inPlace, fresh())
	}

	v := randomTensor(tensor.Float64, 78, 5, 2)
	if err := v.T(); err != nil {
		t.Fatal(err)
	}
	if err := G.Let(f.learnables[0], v); err != nil {
		t.Fatal(err)
	}
	wantError(t, o.Refresh(), `models: parameter "w1" has shape (2, 5), strides [1 2]; want a row-major tensor of shape (2, 5)`)
}

// Two inputs that are neither data nor learnable stay two, even if Gorgonia
// would print their values alike.
func TestForeignConstantsStayApart(t *testing.T) {
	const n, width = 50, 60
	g := G.NewGraph()
	matrix := func(name string, rows, cols int, v *tensor.Dense) *G.Node {
		return G.NewMatrix(g, G.Float64, G.WithShape(rows, cols), G.WithName(name), G.WithValue(v))
	}
	x := G.NewMatrix(g, G.Float64, G.WithShape(n, 2), G.WithName("x"))
	w1 := matrix("w1", 2, width, randomTensor(tensor.Float64, 1, 2, width))
	w2 := matrix("w2", width, 3, randomTensor(tensor.Float64, 2, width, 3))
	ones, two := make([]float64, n*width), make([]float64, n*width)
	for i := range ones {
		ones[i], two[i] = 1, 1
		if row := i / width; row > 10 && row < n-10 {
			two[i] = 2
		}
	}
	a := matrix("a", n, width, tensor.New(tensor.WithShape(n, width), tensor.WithBacking(ones)))
	b := matrix("b", n, width, tensor.New(tensor.WithShape(n, width), tensor.WithBacking(two)))
	// tanh(x·w1)∘a − tanh(x·w1)∘b is zero only if the two are one.
	h := G.Must(G.Tanh(G.Must(G.Mul(x, w1))))
	difference := G.Must(G.Sub(G.Must(G.HadamardProd(h, a)), G.Must(G.HadamardProd(h, b))))
	m, err := models.FromNodes(x, G.Must(G.Mul(difference, w2)), G.Nodes{w1, w2}, models.WithConstants(a, b))
	if err != nil {
		t.Fatal(err)
	}
	e, err := newObjective(t, m, models.CrossEntropy, blobs(n, 2, 3, 3), 1).Evaluate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(e.Loss-math.Log(3)) < 1e-9 { // that of logits 0
		t.Error("the two inputs were taken for one")
	}
}

// Batches that are not full are padded with samples of no weight: all results
// are those of the same network of free batch size.
func TestForeignGraphIsPadded(t *testing.T) {
	for _, samples := range []int{3, 7, 20} {
		f := newForeign(7, tensor.Float64)
		split := blobs(samples, 2, 3, 4)
		got := objectiveResults(t, newObjective(t, f.model(t), models.CrossEntropy, split, 2))

		free := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3, Activation: models.Tanh})
		copyTransposed(free, f)
		want := objectiveResults(t, newObjective(t, free, models.CrossEntropy, split, 1))
		// Weights are stored transposed; so are their gradients.
		if !floats.EqualApprox(sorted(got), sorted(want), 1e-13) {
			t.Errorf("%d samples: results differ", samples)
		}
	}
}

// copyTransposed gives an MLP the weights of f.
func copyTransposed(m *models.MLP, f *foreign) {
	for i, p := range m.Parameters() {
		v := f.learnables[i].Value().(*tensor.Dense)
		rows, cols := v.Shape()[0], v.Shape()[1]
		values := make([]float64, rows*cols)
		for r := range rows {
			for c := range cols {
				values[c*rows+r] = v.Float64s()[r*cols+c]
			}
		}
		models.SetValues(p.Value, values)
	}
}

// objectiveResults are loss, gradient and slopes along the gradient.
func objectiveResults(t *testing.T, o *models.Objective) []float64 {
	t.Helper()
	g, loss := gradient(t, o)
	slopes := make([]float64, o.Samples())
	if err := o.Slopes(context.Background(), row(slopes), row(g)); err != nil {
		t.Fatal(err)
	}
	hg := product(t, o, g)
	return slices.Concat([]float64{loss}, g, slopes, hg)
}

func sorted(v []float64) []float64 { return slices.Sorted(slices.Values(v)) }

// A foreign graph in float32 is measured in float64, from the same values.
func TestForeignFloat32(t *testing.T) {
	f, wide := newForeign(8, tensor.Float32), newForeign(8, tensor.Float64)
	for i, n := range f.learnables {
		models.SetValues(wide.learnables[i].Value().(*tensor.Dense), models.Values(n.Value().(*tensor.Dense)))
	}
	split := blobs(30, 2, 3, 5)
	o := newObjective(t, f.model(t), models.CrossEntropy, split, 1)
	if o.Precision() != tensor.Float64 {
		t.Errorf("measured in %v", o.Precision())
	}
	got := objectiveResults(t, o)
	want := objectiveResults(t, newObjective(t, wide.model(t), models.CrossEntropy, split, 1))
	if !slices.Equal(got, want) {
		t.Error("the results are not those of a float64 graph with the same values")
	}
}

func softmaxByHand(z *G.Node) *G.Node {
	e := G.Must(G.Exp(z))
	return G.Must(G.BroadcastHadamardDiv(e, G.Must(G.Sum(e, 1)), nil, []byte{1}))
}

func batchNormByHand(z *G.Node) *G.Node {
	centred := G.Must(G.BroadcastSub(z, G.Must(G.Mean(z, 0)), nil, []byte{0}))
	deviation := G.Must(G.Sqrt(G.Must(G.Mean(G.Must(G.Square(centred)), 0))))
	return G.Must(G.BroadcastHadamardDiv(centred, deviation, nil, []byte{0}))
}
