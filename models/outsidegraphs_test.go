package models_test

import (
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// sketch is a graph as somebody else writes it, with nothing of this module: n
// samples of 4 values, x, and one-hot rows of 3 classes, y.
type sketch struct {
	g          *G.ExprGraph
	x, y       *G.Node
	learnables G.Nodes
	constants  G.Nodes
}

const sketchBatch, sketchWidth, sketchClasses = 6, 4, 3

func newSketch(dtype tensor.Dtype) *sketch {
	g := G.NewGraph()
	return &sketch{
		g: g,
		x: G.NewMatrix(g, dtype, G.WithShape(sketchBatch, sketchWidth), G.WithName("x")),
		y: G.NewMatrix(g, dtype, G.WithShape(sketchBatch, sketchClasses), G.WithName("y")),
	}
}

// learnable adds a learnable of small normal numbers.
func (s *sketch) learnable(name string, shape ...int) *G.Node {
	v := randomTensor(s.x.Dtype(), uint64(len(s.learnables)+10), shape...)
	half := models.Values(v)
	floats.Scale(0.5, half)
	models.SetValues(v, half)
	n := G.NewTensor(s.g, s.x.Dtype(), len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(v))
	s.learnables = append(s.learnables, n)
	return n
}

func (s *sketch) scalar(name string, value float64) *G.Node {
	n := G.NewScalar(s.g, G.Float64, G.WithName(name), G.WithValue(value))
	s.learnables = append(s.learnables, n)
	return n
}

func (s *sketch) number(v float64) *G.Node {
	if s.x.Dtype() == tensor.Float32 {
		return G.NewConstant(float32(v))
	}
	return G.NewConstant(v)
}

// dense is x·w + b, hidden the tanh of a first such layer.
func (s *sketch) dense(x *G.Node, name string, in, out int) *G.Node {
	return G.Must(G.BroadcastAdd(G.Must(G.Mul(x, s.learnable("w"+name, in, out))), s.learnable("b"+name, 1, out), nil, []byte{0}))
}

func (s *sketch) hidden() *G.Node { return G.Must(G.Tanh(s.dense(s.x, "0", sketchWidth, 5))) }

func (s *sketch) last(h *G.Node) *G.Node { return s.dense(h, "9", 5, sketchClasses) }

// crossEntropy is the loss of most examples.
func (s *sketch) crossEntropy(z *G.Node) *G.Node {
	normalizer := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(z)), 1))))
	return G.Must(G.Mean(G.Must(G.Sub(normalizer, G.Must(G.Sum(G.Must(G.HadamardProd(z, s.y)), 1))))))
}

// meanSquare is the mean of all squared elements.
func meanSquare(z *G.Node) *G.Node { return G.Must(G.Mean(G.Must(G.Square(z)))) }

// activated is a network with f between its layers.
func activated(f func(s *sketch, h *G.Node) *G.Node) func(s *sketch) (z, cost *G.Node) {
	return func(s *sketch) (z, cost *G.Node) {
		z = s.last(f(s, s.hidden()))
		return z, s.crossEntropy(z)
	}
}

// of makes an activation of an operation of Gorgonia.
func of(f func(*G.Node) (*G.Node, error)) func(s *sketch) (z, cost *G.Node) {
	return activated(func(_ *sketch, h *G.Node) *G.Node { return G.Must(f(h)) })
}

// positive is 1 + h², for functions that need it.
func positive(s *sketch, h *G.Node) *G.Node {
	return G.Must(G.Add(G.Must(G.Square(h)), s.number(1)))
}

// costed is a network with a cost of its own.
func costed(cost func(s *sketch, z *G.Node) *G.Node) func(s *sketch) (z, cost *G.Node) {
	return func(s *sketch) (z, c *G.Node) {
		z = s.last(s.hidden())
		return z, cost(s, z)
	}
}

// outsideGraphs are networks that other people might have.
var outsideGraphs = []struct {
	name  string
	build func(s *sketch) (z, cost *G.Node)
	// same is the same network in operations that Gorgonia differentiates rightly,
	// where it does not do so with build.
	same func(s *sketch) (z, cost *G.Node)
}{
	{"tanh", activated(func(_ *sketch, h *G.Node) *G.Node { return h }), nil},
	{"rectifier", of(G.Rectify), nil},
	{"leaky rectifier", of(func(h *G.Node) (*G.Node, error) { return G.LeakyRelu(h, 0.1) }), nil},
	{"sigmoid", of(G.Sigmoid), nil},
	{"softplus", of(G.Softplus), nil},
	{"Mish", of(G.Mish), nil},
	{"sine and cosine", activated(func(_ *sketch, h *G.Node) *G.Node {
		return G.Must(G.Add(G.Must(G.Sin(h)), G.Must(G.Cos(G.Must(G.Neg(h))))))
	}), nil},
	{"cube and absolute value", activated(func(_ *sketch, h *G.Node) *G.Node {
		return G.Must(G.Sub(G.Must(G.Cube(h)), G.Must(G.Abs(h))))
	}), nil},
	{"roots and logarithms", activated(func(s *sketch, h *G.Node) *G.Node {
		p := positive(s, h)
		return G.Must(G.HadamardDiv(G.Must(G.Sqrt(p)), G.Must(G.Log1p(p))))
	}), nil},
	{"Expm1 and Inverse", activated(func(s *sketch, h *G.Node) *G.Node {
		return G.Must(G.HadamardProd(G.Must(G.Expm1(h)), G.Must(G.Inverse(positive(s, h)))))
	}), nil},
	{"Pow", activated(func(s *sketch, h *G.Node) *G.Node { return G.Must(G.Pow(positive(s, h), s.number(2.5))) }), nil},
	{
		"InverseSqrt", activated(func(s *sketch, h *G.Node) *G.Node { return G.Must(G.InverseSqrt(positive(s, h))) }),
		activated(func(s *sketch, h *G.Node) *G.Node { return G.Must(G.Inverse(G.Must(G.Sqrt(positive(s, h))))) }),
	},
	{
		"Log2", activated(func(s *sketch, h *G.Node) *G.Node { return G.Must(G.Log2(positive(s, h))) }),
		activated(func(s *sketch, h *G.Node) *G.Node {
			return G.Must(G.HadamardDiv(G.Must(G.Log(positive(s, h))), s.number(0.6931471805599453)))
		}),
	},
	{
		"MaxBetween and MinBetween", activated(func(s *sketch, h *G.Node) *G.Node {
			return G.Must(G.Sub(G.Must(G.MaxBetween(h, G.Must(G.Neg(h)))), G.Must(G.MinBetween(G.Must(G.Square(h)), h))))
		}),
		activated(func(_ *sketch, h *G.Node) *G.Node {
			square := G.Must(G.Square(h))
			smaller := G.Must(G.Sub(square, G.Must(G.Rectify(G.Must(G.Sub(square, h))))))
			return G.Must(G.Sub(G.Must(G.Abs(h)), smaller))
		}),
	},
	{"vectors as biases", func(s *sketch) (z, cost *G.Node) {
		h := G.Must(G.Tanh(G.Must(G.BroadcastAdd(G.Must(G.Mul(s.x, s.learnable("w0", 4, 5))), s.learnable("b0", 5), nil, []byte{0}))))
		z = G.Must(G.BroadcastAdd(G.Must(G.Mul(h, s.learnable("w1", 5, 3))), s.learnable("b1", 3), nil, []byte{0}))
		return z, s.crossEntropy(z)
	}, nil},
	{"vector as a weight of one logit", func(s *sketch) (z, cost *G.Node) {
		h := s.hidden()
		z = G.Must(G.Add(G.Must(G.Mul(h, s.learnable("w", 5))), s.scalar("b", 0.3)))
		return z, meanSquare(G.Must(G.Sub(z, G.Must(G.Slice(s.y, nil, G.S(1))))))
	}, nil},
	{"scalars that scale and shift", activated(func(s *sketch, h *G.Node) *G.Node {
		return G.Must(G.Tanh(G.Must(G.Add(G.Must(G.HadamardProd(h, s.scalar("scale", 1.2))), G.Must(G.Exp(s.scalar("shift", -0.4)))))))
	}), nil},
	{"weights that are transposed and reshaped", func(s *sketch) (z, cost *G.Node) {
		h := G.Must(G.Tanh(G.Must(G.Mul(s.x, G.Must(G.Transpose(s.learnable("w0", 5, 4)))))))
		z = G.Must(G.Mul(h, G.Must(G.Reshape(s.learnable("w1", 15), tensor.Shape{5, 3}))))
		return z, s.crossEntropy(z)
	}, nil},
	{"weights that are slices of one", func(s *sketch) (z, cost *G.Node) {
		all := s.learnable("all", 9, 5)
		first, second := G.Must(G.Slice(all, G.S(0, 4))), G.Must(G.Slice(all, G.S(4, 7)))
		bias := G.Must(G.Slice(all, G.S(8)))
		h := G.Must(G.Tanh(G.Must(G.BroadcastAdd(G.Must(G.Mul(s.x, first)), bias, nil, []byte{0}))))
		z = G.Must(G.Mul(h, G.Must(G.Transpose(second))))
		return z, s.crossEntropy(z)
	}, nil},
	{"columns of the input apart", func(s *sketch) (z, cost *G.Node) {
		left, right := G.Must(G.Slice(s.x, nil, G.S(0, 2))), G.Must(G.Slice(s.x, nil, G.S(2, 4)))
		h := G.Must(G.Concat(1, G.Must(G.Tanh(s.dense(left, "l", 2, 3))), G.Must(G.Sigmoid(s.dense(right, "r", 2, 2)))))
		z = s.last(h)
		return z, s.crossEntropy(z)
	}, nil},
	{"skip connection", func(s *sketch) (z, cost *G.Node) {
		h := s.hidden()
		z = s.last(G.Must(G.Add(h, G.Must(G.Tanh(s.dense(h, "1", 5, 5))))))
		return z, s.crossEntropy(z)
	}, nil},
	{"attention", func(s *sketch) (z, cost *G.Node) {
		// Of two tokens of 2 values: softmax(q·kᵀ)·v.
		tokens := func(name string) *G.Node {
			return G.Must(G.Reshape(s.dense(s.x, name, 4, 4), tensor.Shape{sketchBatch, 2, 2}))
		}
		q, k, v := tokens("q"), tokens("k"), tokens("v")
		e := G.Must(G.Exp(G.Must(G.BatchedMatMul(q, G.Must(G.Transpose(k, 0, 2, 1))))))
		weighted := G.Must(G.BatchedMatMul(e, v))
		z = s.dense(G.Must(G.Reshape(weighted, tensor.Shape{sketchBatch, 4})), "9", 4, 3)
		return z, s.crossEntropy(z)
	}, nil},
	{
		"SoftMax inside", activated(func(_ *sketch, h *G.Node) *G.Node { return G.Must(G.SoftMax(h)) }),
		activated(func(_ *sketch, h *G.Node) *G.Node {
			e := G.Must(G.Exp(h))
			return G.Must(G.BroadcastHadamardDiv(e, G.Must(G.Sum(e, 1)), nil, []byte{1}))
		}),
	},
	{"layer norm by hand", activated(func(s *sketch, h *G.Node) *G.Node {
		centred := G.Must(G.BroadcastSub(h, G.Must(G.Mean(h, 1)), nil, []byte{1}))
		variance := G.Must(G.Add(G.Must(G.Mean(G.Must(G.Square(centred)), 1)), s.number(0.01)))
		return G.Must(G.BroadcastHadamardDiv(centred, G.Must(G.Sqrt(variance)), nil, []byte{1}))
	}), nil},
	{"maximum over units", func(s *sketch) (z, cost *G.Node) {
		wide := G.Must(G.Reshape(s.dense(s.x, "0", 4, 10), tensor.Shape{sketchBatch, 5, 2}))
		z = s.last(G.Must(G.Max(wide, 2)))
		return z, s.crossEntropy(z)
	}, nil},
	{"constant mask", activated(func(s *sketch, h *G.Node) *G.Node {
		mask := G.NewMatrix(s.g, s.x.Dtype(), G.WithShape(1, 5), G.WithName("mask"), G.WithValue(randomTensor(s.x.Dtype(), 3, 1, 5)))
		s.constants = append(s.constants, mask)
		return G.Must(G.BroadcastHadamardProd(h, mask, nil, []byte{0}))
	}), nil},
	{"two constant tensors", activated(func(s *sketch, h *G.Node) *G.Node {
		first, second := G.NewConstant(randomTensor(s.x.Dtype(), 1, 5, 5)), G.NewConstant(randomTensor(s.x.Dtype(), 2, 5, 5))
		return G.Must(G.Mul(G.Must(G.Tanh(G.Must(G.Mul(h, first)))), second))
	}), nil},
	{
		"rows of a table", func(s *sketch) (z, cost *G.Node) {
			rows := G.NewVector(s.g, tensor.Int, G.WithShape(5), G.WithName("rows"), G.WithValue(tensor.New(tensor.WithBacking([]int{2, 0, 1, 2, 2}))))
			s.constants = append(s.constants, rows)
			z = G.Must(G.Mul(s.hidden(), G.Must(G.ByIndices(s.learnable("table", 3, 3), rows, 0))))
			return z, s.crossEntropy(z)
		},
		func(s *sketch) (z, cost *G.Node) {
			oneHot := G.NewMatrix(s.g, G.Float64, G.WithShape(5, 3), G.WithName("one-hot"),
				G.WithValue(tensor.New(tensor.WithShape(5, 3), tensor.WithBacking([]float64{0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1}))))
			z = G.Must(G.Mul(s.hidden(), G.Must(G.Mul(oneHot, s.learnable("table", 3, 3)))))
			return z, s.crossEntropy(z)
		},
	},
	{"norm of the weights as a factor", activated(func(s *sketch, h *G.Node) *G.Node {
		w := s.learnable("direction", 5)
		length := G.Must(G.Sqrt(G.Must(G.Sum(G.Must(G.Square(w))))))
		return G.Must(G.BroadcastHadamardProd(h, G.Must(G.HadamardDiv(w, length)), nil, []byte{0}))
	}), nil},

	{"recurrent, of shared weights", func(s *sketch) (z, cost *G.Node) {
		u, w := s.learnable("u", 1, 5), s.learnable("w", 5, 5)
		h := G.Must(G.Tanh(G.Must(G.Mul(G.Must(G.Reshape(G.Must(G.Slice(s.x, nil, G.S(0))), tensor.Shape{sketchBatch, 1})), u))))
		for step := 1; step < sketchWidth; step++ {
			x := G.Must(G.Reshape(G.Must(G.Slice(s.x, nil, G.S(step))), tensor.Shape{sketchBatch, 1}))
			h = G.Must(G.Tanh(G.Must(G.Add(G.Must(G.Mul(x, u)), G.Must(G.Mul(h, w))))))
		}
		z = s.last(h)
		return z, s.crossEntropy(z)
	}, nil},
	{"gates, as in an LSTM", func(s *sketch) (z, cost *G.Node) {
		gate := func(name string) *G.Node { return G.Must(G.Sigmoid(s.dense(s.x, name, 4, 5))) }
		cell := G.Must(G.HadamardProd(gate("input"), G.Must(G.Tanh(s.dense(s.x, "cell", 4, 5)))))
		z = s.last(G.Must(G.HadamardProd(gate("output"), G.Must(G.Tanh(cell)))))
		return z, s.crossEntropy(z)
	}, nil},
	{"radial basis functions", func(s *sketch) (z, cost *G.Node) {
		// ‖x − c‖² = ‖x‖² − 2·x·cᵀ + ‖c‖².
		c := s.learnable("centres", 5, 4)
		cross := G.Must(G.Mul(s.x, G.Must(G.Transpose(c))))
		d := G.Must(G.BroadcastAdd(G.Must(G.HadamardProd(cross, s.number(-2))), G.Must(G.Sum(G.Must(G.Square(c)), 1)), nil, []byte{0}))
		d = G.Must(G.BroadcastAdd(d, G.Must(G.Sum(G.Must(G.Square(s.x)), 1)), nil, []byte{1}))
		z = s.last(G.Must(G.Exp(G.Must(G.HadamardProd(d, s.number(-0.3))))))
		return z, s.crossEntropy(z)
	}, nil},
	{"cost: auto-encoder of the input", func(s *sketch) (z, cost *G.Node) {
		z = s.dense(s.hidden(), "9", 5, sketchWidth)
		return z, meanSquare(G.Must(G.Sub(z, s.x)))
	}, nil},
	{"cost: squared error", costed(func(s *sketch, z *G.Node) *G.Node { return meanSquare(G.Must(G.Sub(z, s.y))) }), nil},
	{"cost: half the sum of squares, by the batch", costed(func(s *sketch, z *G.Node) *G.Node {
		sum := G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sub(s.y, z))))))
		return G.Must(G.HadamardDiv(sum, s.number(2*sketchBatch)))
	}), nil},
	{"cost: sum of rows, then mean", costed(func(s *sketch, z *G.Node) *G.Node {
		return G.Must(G.Mean(G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sub(z, s.y)))), 1))))
	}), nil},
	{"cost: mean of columns, then sum", costed(func(s *sketch, z *G.Node) *G.Node {
		return G.Must(G.Sum(G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sub(z, s.y)))), 0))))
	}), nil},
	{"cost: binary cross-entropies of sigmoids", costed(func(s *sketch, z *G.Node) *G.Node {
		p := G.Must(G.Sigmoid(z))
		return G.Must(G.Mean(G.Must(G.BinaryXent(p, s.y))))
	}), nil},
	{"cost: with weight decay", costed(func(s *sketch, z *G.Node) *G.Node {
		decay := G.Must(G.Mul(s.number(0.01), G.Must(G.Sum(G.Must(G.Square(s.learnables[0]))))))
		return G.Must(G.Add(s.crossEntropy(z), decay))
	}), nil},
	{
		"cost: −log of SoftMax", costed(func(s *sketch, z *G.Node) *G.Node {
			p := G.Must(G.SoftMax(z))
			return G.Must(G.Neg(G.Must(G.Mean(G.Must(G.HadamardProd(s.y, G.Must(G.Log(p))))))))
		}),
		costed(func(s *sketch, z *G.Node) *G.Node {
			return G.Must(G.HadamardDiv(s.crossEntropy(z), s.number(sketchClasses)))
		}),
	},
	{
		"cost: −SoftMax, as in Gorgonia's example", costed(func(s *sketch, z *G.Node) *G.Node {
			return G.Must(G.Neg(G.Must(G.Mean(G.Must(G.HadamardProd(G.Must(G.SoftMax(z)), s.y))))))
		}),
		costed(func(s *sketch, z *G.Node) *G.Node {
			e := G.Must(G.Exp(z))
			p := G.Must(G.BroadcastHadamardDiv(e, G.Must(G.Sum(e, 1)), nil, []byte{1}))
			return G.Must(G.Neg(G.Must(G.Mean(G.Must(G.HadamardProd(p, s.y))))))
		}),
	},
	{"cost: a loss for each sample", func(s *sketch) (z, cost *G.Node) {
		z = s.last(s.hidden())
		return z, G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sub(z, s.y)))), 1))
	}, func(s *sketch) (z, cost *G.Node) {
		z = s.last(s.hidden())
		return z, G.Must(G.Mean(G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sub(z, s.y)))), 1))))
	}},
}

// sketchData are samples and targets that are neither 0 nor 1.
func sketchData(n int) *datasets.Split {
	split := blobs(n, sketchWidth, sketchClasses, 5)
	for i := range split.X {
		split.X[i] /= 3
	}
	split.Targets = make([]float64, n*sketchClasses)
	for i, label := range split.Labels {
		for c := range sketchClasses {
			split.Targets[i*sketchClasses+c] = 0.1
		}
		split.Targets[i*sketchClasses+label] = 0.8
	}
	split.Labels = nil
	return split
}

// gorgonia is the gradient of the cost as Gorgonia computes it, on one batch, as a
// function of the learnables' values.
type gorgonia struct {
	*sketch
	machine G.VM
}

func newGorgonia(t *testing.T, build func(s *sketch) (z, cost *G.Node), split *datasets.Split) *gorgonia {
	t.Helper()
	s := newSketch(tensor.Float64)
	_, cost := build(s)
	if _, err := G.Grad(cost, s.learnables...); err != nil {
		t.Fatal(err)
	}
	for n, values := range map[*G.Node][]float64{s.x: split.X, s.y: split.Targets} {
		if err := G.Let(n, tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(values))); err != nil {
			t.Fatal(err)
		}
	}
	m := G.NewTapeMachine(s.g, G.BindDualValues(s.learnables...))
	t.Cleanup(func() { m.Close() })
	return &gorgonia{s, m}
}

// gradient moves the learnables by h·v and returns the gradient there.
func (g *gorgonia) gradient(t *testing.T, v []float64, h float64) []float64 {
	t.Helper()
	move := func(h float64) {
		rest := v
		for _, n := range g.learnables {
			switch value := n.Value().(type) {
			case *tensor.Dense:
				for i := range value.Float64s() {
					value.Float64s()[i] += h * rest[i]
				}
				rest = rest[value.DataSize():]
			case *G.F64:
				*value += G.F64(h * rest[0])
				rest = rest[1:]
			}
		}
	}
	move(h)
	defer move(-h)
	if err := g.machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	var all []float64
	for _, n := range g.learnables {
		d, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		switch d := d.(type) {
		case *tensor.Dense:
			all = append(all, d.Float64s()...)
		case *G.F64:
			all = append(all, float64(*d))
		}
	}
	zeroGradients(g.learnables)
	g.machine.Reset()
	return all
}

// zeroGradients is what a solver does after its step: gradients add up.
func zeroGradients(learnables G.Nodes) {
	for _, n := range learnables {
		d, err := n.Grad()
		if err != nil {
			continue
		}
		switch d := d.(type) {
		case *tensor.Dense:
			d.Zero()
		case *G.F64:
			*d = 0
		}
	}
}

// Everything that is accepted has the derivatives of what Gorgonia trains.
func TestOutsideGraphsAgreeWithGorgonia(t *testing.T) {
	for _, graph := range outsideGraphs {
		t.Run(graph.name, func(t *testing.T) {
			split := sketchData(sketchBatch)
			s := newSketch(tensor.Float64)
			z, cost := graph.build(s)
			model, err := models.FromNodes(s.x, z, s.learnables, models.WithCost(cost, s.y), models.WithConstants(s.constants...))
			if err != nil {
				t.Fatal(err)
			}
			o := newObjective(t, model, models.LossOf(model), split, 1)
			v := normal(o.Dim(), 2)
			floats.Scale(1/floats.Norm(v, 2), v)
			ours, _ := gradient(t, o)
			hv := product(t, o, v)

			build := graph.build
			if graph.same != nil {
				build = graph.same
			}
			theirs := newGorgonia(t, build, split)
			want := theirs.gradient(t, v, 0)
			if e := floats.Distance(ours, want, 2) / floats.Norm(want, 2); !(e <= 1e-10) {
				t.Errorf("gradient: relative error %.2g", e)
			}
			quotient := make([]float64, o.Dim())
			const h = 1e-4 // truncation h⁴, rounding 1e-16/h
			for _, point := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
				floats.AddScaled(quotient, point.weight/(12*h), theirs.gradient(t, v, point.at*h))
			}
			if e := floats.Distance(hv, quotient, 2) / floats.Norm(quotient, 2); !(e <= 1e-7) {
				t.Errorf("H·v: relative error %.2g from differences of Gorgonia's gradient", e)
			}
		})
	}
}

// In float32 the same graphs are measured in float64: to the rounding of their
// parameters, all is equal.
func TestOutsideGraphsInFloat32(t *testing.T) {
	for _, graph := range outsideGraphs {
		if graph.name == "vector as a weight of one logit" || graph.name == "scalars that scale and shift" {
			continue // their scalars are float64
		}
		t.Run(graph.name, func(t *testing.T) {
			split := sketchData(sketchBatch)
			results := func(dtype tensor.Dtype) []float64 {
				s := newSketch(dtype)
				z, cost := graph.build(s)
				model, err := models.FromNodes(s.x, z, s.learnables, models.WithCost(cost, s.y), models.WithConstants(s.constants...))
				if err != nil {
					t.Fatal(err)
				}
				o := newObjective(t, model, models.LossOf(model), split, 1)
				if o.Precision() != tensor.Float64 || models.Precision(model) != dtype {
					t.Errorf("measured in %v, parameters of %v", o.Precision(), models.Precision(model))
				}
				return objectiveResults(t, o)
			}
			single, double := results(tensor.Float32), results(tensor.Float64)
			if e := floats.Distance(single, double, 2) / floats.Norm(double, 2); e > 1e-5 {
				t.Errorf("relative difference %.2g", e)
			}
		})
	}
}

// Chunks that are not full do not change a result.
func TestOutsideGraphsArePadded(t *testing.T) {
	for _, graph := range outsideGraphs {
		t.Run(graph.name, func(t *testing.T) {
			s := newSketch(tensor.Float64)
			z, cost := graph.build(s)
			model, err := models.FromNodes(s.x, z, s.learnables, models.WithCost(cost, s.y), models.WithConstants(s.constants...))
			if err != nil {
				t.Fatal(err)
			}
			split := sketchData(2*sketchBatch + 1)
			whole, _ := gradient(t, newObjective(t, model, models.LossOf(model), split, 2))
			mean := make([]float64, len(whole))
			for row := range split.Len() {
				one, err := split.Subset([]int{row})
				if err != nil {
					t.Fatal(err)
				}
				g, _ := gradient(t, newObjective(t, model, models.LossOf(model), one, 1))
				floats.AddScaled(mean, 1/float64(split.Len()), g)
			}
			if e := floats.Distance(whole, mean, 2) / floats.Norm(whole, 2); !(e <= 1e-12) {
				t.Errorf("the gradient differs from the mean over single samples by %.2g", e)
			}
		})
	}
}
