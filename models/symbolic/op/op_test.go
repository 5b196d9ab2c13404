package op_test

import (
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// unary and binary make a difftest function of an operation.
func unary(f func(*G.Node) (*G.Node, error)) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0]) }
}

func binary(f func(a, b *G.Node) (*G.Node, error)) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0], in[1]) }
}

// shifted is Normal, moved away from 0 so that no difference quotient steps
// over the kink of a rectifier.
func shifted(rng *rand.Rand, shape ...int) *tensor.Dense {
	t := difftest.Normal(rng, shape...)
	for i, v := range t.Float64s() {
		t.Float64s()[i] = v + math.Copysign(0.1, v)
	}
	return t
}

func oneHot(rows, columns int) *tensor.Dense {
	t := tensor.New(tensor.WithShape(rows, columns), tensor.Of(tensor.Float64))
	for i := range rows {
		t.Float64s()[i*columns+i%columns] = 1
	}
	return t
}

func matMul(transA, transB bool) func(G.Nodes) (*G.Node, error) {
	return binary(func(a, b *G.Node) (*G.Node, error) { return op.MatMul(a, b, transA, transB) })
}

type function struct {
	build func(G.Nodes) (*G.Node, error)
	at    []*tensor.Dense
	fixed []int
}

// functions are all operations, with a point to check them at.
func functions() map[string]function {
	rng := rand.New(rand.NewPCG(1, 2))
	normal := func(shape ...int) *tensor.Dense { return difftest.Normal(rng, shape...) }
	one := func(t ...*tensor.Dense) []*tensor.Dense { return t }
	soft := normal(4, 3) // targets that are distributions, not one-hot
	for i := range 4 {
		row, sum := soft.Float64s()[i*3:i*3+3], 0.0
		for j, v := range row {
			row[j] = v * v
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
		}
	}
	return map[string]function{
		"MatMul":         {matMul(false, false), one(normal(4, 3), normal(3, 5)), nil},
		"MatMul ᵀ left":  {matMul(true, false), one(normal(3, 4), normal(3, 5)), nil},
		"MatMul right ᵀ": {matMul(false, true), one(normal(4, 3), normal(5, 3)), nil},
		"MatMul ᵀᵀ":      {matMul(true, true), one(normal(3, 4), normal(5, 3)), nil},
		// Larger than one tile in every dimension, and odd.
		"MatMul tiles":             {matMul(false, false), one(normal(67, 70), normal(70, 131)), nil},
		"MatMul tilesᵀ":            {matMul(true, true), one(normal(70, 67), normal(131, 70)), nil},
		"AddRow":                   {binary(op.AddRow), one(normal(4, 3), normal(3)), nil},
		"ColSum":                   {unary(op.ColSum), one(normal(4, 3)), nil},
		"RepeatRow":                {unary(func(b *G.Node) (*G.Node, error) { return op.RepeatRow(b, 4) }), one(normal(3)), nil},
		"RowDot":                   {binary(op.RowDot), one(normal(4, 3), normal(4, 3)), nil},
		"RowScale":                 {binary(op.RowScale), one(normal(4), normal(4, 3)), nil},
		"Add":                      {binary(op.Add), one(normal(4, 3), normal(4, 3)), nil},
		"Sub":                      {binary(op.Sub), one(normal(4, 3), normal(4, 3)), nil},
		"Mul":                      {binary(op.Mul), one(normal(4, 3), normal(4, 3)), nil},
		"Mul square":               {unary(func(a *G.Node) (*G.Node, error) { return op.Mul(a, a) }), one(normal(4, 3)), nil},
		"Scale":                    {unary(func(a *G.Node) (*G.Node, error) { return op.Scale(a, -1.5) }), one(normal(4, 3)), nil},
		"ReLU":                     {unary(op.ReLU), one(shifted(rng, 4, 3)), nil},
		"LeakyReLU":                {unary(func(z *G.Node) (*G.Node, error) { return op.LeakyReLU(z, 0.01) }), one(shifted(rng, 4, 3)), nil},
		"Tanh":                     {unary(op.Tanh), one(normal(4, 3)), nil},
		"Sigmoid":                  {unary(op.Sigmoid), one(normal(4, 3)), nil},
		"Softplus":                 {unary(op.Softplus), one(normal(4, 3)), nil},
		"GELU":                     {unary(op.GELU), one(normal(4, 3)), nil},
		"Softmax":                  {unary(op.Softmax), one(normal(4, 3)), nil},
		"SoftmaxCrossEntropy":      {binary(op.SoftmaxCrossEntropy), one(normal(4, 3), oneHot(4, 3)), []int{1}},
		"SoftmaxCrossEntropy soft": {binary(op.SoftmaxCrossEntropy), one(normal(4, 3), soft), []int{1}},
		"SquaredError":             {binary(op.SquaredError), one(normal(4, 3), normal(4, 3)), []int{1}},
	}
}

func TestDerivatives(t *testing.T) {
	for name, f := range functions() {
		t.Run(name, func(t *testing.T) {
			errs, err := difftest.Check(difftest.Function{Build: f.build, At: f.at, Fixed: f.fixed}, 3, 7)
			if err != nil {
				t.Fatal(err)
			}
			for order, e := range errs {
				// The five-point formula at step 1e-3 is right to about 1e-11.
				if !(e <= 1e-9) {
					t.Errorf("derivative %d: relative error %.2g from finite differences", order+1, e)
				}
			}
		})
	}
}

// evaluate runs build at inputs converted to dtype.
func evaluate(t *testing.T, f function, dtype tensor.Dtype) []float64 {
	t.Helper()
	g := G.NewGraph()
	in := make(G.Nodes, len(f.at))
	for i, v := range f.at {
		in[i] = G.NewTensor(g, dtype, v.Dims(), G.WithShape(v.Shape()...), G.WithName(string(rune('a'+i))))
	}
	out, err := f.build(in)
	if err != nil {
		t.Fatal(err)
	}
	vals := make(map[*G.Node]G.Value)
	for i, v := range f.at {
		vals[in[i]] = converted(v, dtype)
	}
	return run(t, out, vals)
}

func converted(v *tensor.Dense, dtype tensor.Dtype) *tensor.Dense {
	if dtype == tensor.Float64 {
		return v
	}
	data := make([]float32, v.DataSize())
	for i, x := range v.Float64s() {
		data[i] = float32(x)
	}
	return tensor.New(tensor.WithShape(v.Shape()...), tensor.WithBacking(data))
}

// run evaluates a graph whose nodes are all op applications, recursively.
func run(t *testing.T, n *G.Node, vals map[*G.Node]G.Value) []float64 {
	t.Helper()
	var eval func(n *G.Node) G.Value
	eval = func(n *G.Node) G.Value {
		if v, ok := vals[n]; ok {
			return v
		}
		var in []G.Value
		for it := n.Graph().From(n.ID()); it.Next(); {
			in = append(in, eval(it.Node().(*G.Node)))
		}
		v, err := n.Op().Do(in...)
		if err != nil {
			t.Fatal(err)
		}
		vals[n] = v
		return v
	}
	d := eval(n).(*tensor.Dense)
	if d.Dtype() == tensor.Float64 {
		return d.Float64s()
	}
	wide := make([]float64, d.DataSize())
	for i, v := range d.Float32s() {
		wide[i] = float64(v)
	}
	return wide
}

func TestFloat32AgreesWithFloat64(t *testing.T) {
	for name, f := range functions() {
		t.Run(name, func(t *testing.T) {
			want, got := evaluate(t, f, tensor.Float64), evaluate(t, f, tensor.Float32)
			for i := range want {
				// float32 carries 6e-8; products here sum up to 70 terms.
				if math.Abs(got[i]-want[i]) > 1e-5*math.Max(1, math.Abs(want[i])) {
					t.Errorf("element %d: float32 %g, float64 %g", i, got[i], want[i])
				}
			}
		})
	}
}

func TestMixedPrecisionIsRefused(t *testing.T) {
	g := G.NewGraph()
	a := G.NewMatrix(g, tensor.Float64, G.WithShape(2, 2), G.WithName("a"))
	b := G.NewMatrix(g, tensor.Float32, G.WithShape(2, 2), G.WithName("b"))
	if _, err := op.Add(a, b); err == nil {
		t.Error("Add of float64 and float32 succeeded")
	}
}

func TestShapeErrors(t *testing.T) {
	g := G.NewGraph()
	matrix := func(r, c int, name string) *G.Node {
		return G.NewMatrix(g, tensor.Float64, G.WithShape(r, c), G.WithName(name))
	}
	a, b := matrix(2, 3, "a"), matrix(2, 2, "b")
	v := G.NewVector(g, tensor.Float64, G.WithShape(5), G.WithName("v"))
	for name, f := range map[string]func() (*G.Node, error){
		"MatMul inner":   func() (*G.Node, error) { return op.MatMul(a, b, false, false) },
		"MatMul vector":  func() (*G.Node, error) { return op.MatMul(a, v, false, false) },
		"AddRow":         func() (*G.Node, error) { return op.AddRow(a, v) },
		"AddRow matrix":  func() (*G.Node, error) { return op.AddRow(a, b) },
		"ColSum":         func() (*G.Node, error) { return op.ColSum(v) },
		"RepeatRow":      func() (*G.Node, error) { return op.RepeatRow(a, 2) },
		"RowDot":         func() (*G.Node, error) { return op.RowDot(a, b) },
		"RowScale":       func() (*G.Node, error) { return op.RowScale(v, a) },
		"Mul":            func() (*G.Node, error) { return op.Mul(a, b) },
		"CrossEntropy":   func() (*G.Node, error) { return op.SoftmaxCrossEntropy(a, b) },
		"SquaredError":   func() (*G.Node, error) { return op.SquaredError(a, b) },
		"Softmax vector": func() (*G.Node, error) { return op.Softmax(v) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error for wrong shapes", name)
		}
	}
}
