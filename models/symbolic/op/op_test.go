package op_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
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

func batchedMatMul(transA, transB bool) func(G.Nodes) (*G.Node, error) {
	return binary(func(a, b *G.Node) (*G.Node, error) { return op.BatchedMatMul(a, b, transA, transB) })
}

func power(c float64) func(G.Nodes) (*G.Node, error) {
	return unary(func(a *G.Node) (*G.Node, error) { return op.Power(a, c) })
}

// bent makes a function that is not linear of one that is.
func bent(f func(*G.Node) (*G.Node, error)) func(G.Nodes) (*G.Node, error) {
	return unary(func(a *G.Node) (*G.Node, error) { return op.Tanh(must(f(must(op.Tanh(a))))) })
}

func must(n *G.Node, err error) *G.Node {
	if err != nil {
		panic(err)
	}
	return n
}

// positive is at least 1, distinct never nearer than 0.05 to another
// of its values or to a whole number.
func positive(rng *rand.Rand, shape ...int) *tensor.Dense {
	t := difftest.Normal(rng, shape...)
	for i, v := range t.Float64s() {
		t.Float64s()[i] = 1 + math.Abs(v)
	}
	return t
}

func distinct(shape ...int) *tensor.Dense {
	t := tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float64))
	for i := range t.Float64s() {
		t.Float64s()[i] = 0.55 + 0.7*float64((i*5)%t.DataSize()) - 3
	}
	return t
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
	all := map[string]function{
		"MatMul":         {matMul(false, false), one(normal(4, 3), normal(3, 5)), nil},
		"MatMul ᵀ left":  {matMul(true, false), one(normal(3, 4), normal(3, 5)), nil},
		"MatMul right ᵀ": {matMul(false, true), one(normal(4, 3), normal(5, 3)), nil},
		"MatMul ᵀᵀ":      {matMul(true, true), one(normal(3, 4), normal(5, 3)), nil},
		// Larger than one tile in every dimension, and odd.
		"MatMul tiles":          {matMul(false, false), one(normal(67, 70), normal(70, 131)), nil},
		"MatMul tilesᵀ":         {matMul(true, true), one(normal(70, 67), normal(131, 70)), nil},
		"AddRow":                {binary(op.AddRow), one(normal(4, 3), normal(3)), nil},
		"ColSum":                {unary(op.ColSum), one(normal(4, 3)), nil},
		"RepeatRow":             {unary(func(b *G.Node) (*G.Node, error) { return op.RepeatRow(b, 4) }), one(normal(3)), nil},
		"RowDot":                {binary(op.RowDot), one(normal(4, 3), normal(4, 3)), nil},
		"RowScale":              {binary(op.RowScale), one(normal(4), normal(4, 3)), nil},
		"Add":                   {binary(op.Add), one(normal(4, 3), normal(4, 3)), nil},
		"Sub":                   {binary(op.Sub), one(normal(4, 3), normal(4, 3)), nil},
		"Mul":                   {binary(op.Mul), one(normal(4, 3), normal(4, 3)), nil},
		"Mul square":            {unary(func(a *G.Node) (*G.Node, error) { return op.Mul(a, a) }), one(normal(4, 3)), nil},
		"Scale":                 {unary(func(a *G.Node) (*G.Node, error) { return op.Scale(a, -1.5) }), one(normal(4, 3)), nil},
		"ReLU":                  {unary(op.ReLU), one(shifted(rng, 4, 3)), nil},
		"LeakyReLU":             {unary(func(z *G.Node) (*G.Node, error) { return op.LeakyReLU(z, 0.01) }), one(shifted(rng, 4, 3)), nil},
		"Tanh":                  {unary(op.Tanh), one(normal(4, 3)), nil},
		"BatchedMatMul":         {batchedMatMul(false, false), one(normal(2, 4, 3), normal(2, 3, 5)), nil},
		"BatchedMatMul ᵀ left":  {batchedMatMul(true, false), one(normal(2, 3, 4), normal(2, 3, 5)), nil},
		"BatchedMatMul right ᵀ": {batchedMatMul(false, true), one(normal(2, 2, 4, 3), normal(2, 2, 5, 3)), nil},
		"BatchedMatMul ᵀᵀ":      {batchedMatMul(true, true), one(normal(2, 3, 4), normal(2, 5, 3)), nil},
		"Div":                   {binary(op.Div), one(normal(4, 3), positive(rng, 4, 3)), nil},
		"Div by itself squared": {unary(func(a *G.Node) (*G.Node, error) { return op.Div(must(op.Exp(a)), must(op.Mul(a, a))) }), one(positive(rng, 4, 3)), nil},
		"Exp":                   {unary(op.Exp), one(normal(4, 3)), nil},
		"Expm1":                 {unary(op.Expm1), one(normal(4, 3)), nil},
		"Log":                   {unary(op.Log), one(positive(rng, 4, 3)), nil},
		"Log1p":                 {unary(op.Log1p), one(positive(rng, 4, 3)), nil},
		"Sin":                   {unary(op.Sin), one(normal(4, 3)), nil},
		"Cos":                   {unary(op.Cos), one(normal(4, 3)), nil},
		"Abs":                   {unary(op.Abs), one(shifted(rng, 4, 3)), nil},
		"Power 2":               {power(2), one(normal(4, 3)), nil},
		"Power 3":               {power(3), one(normal(4, 3)), nil},
		"Power ½":               {power(0.5), one(positive(rng, 4, 3)), nil},
		"Power −½":              {power(-0.5), one(positive(rng, 4, 3)), nil},
		"Power −1":              {power(-1), one(positive(rng, 4, 3)), nil},
		"Power 2.5":             {power(2.5), one(positive(rng, 4, 3)), nil},
		"Power 0":               {power(0), one(positive(rng, 4, 3)), nil},
		"Shift":                 {unary(func(a *G.Node) (*G.Node, error) { return op.Power(must(op.Shift(a, 2)), 3) }), one(normal(4, 3)), nil},
		"Gather": {bent(func(a *G.Node) (*G.Node, error) {
			return op.Gather(a, op.Index{5, 0, 0, -1, 11, 3}, tensor.Shape{2, 3})
		}), one(normal(4, 3)), nil},
		"Scatter":                   {bent(func(a *G.Node) (*G.Node, error) { return op.Scatter(a, op.Index{1, 0, 0, -1, 4, 3}, tensor.Shape{5}) }), one(normal(2, 3)), nil},
		"MaxOver":                   {bent(func(a *G.Node) (*G.Node, error) { return op.MaxOver(a, op.Index{1, 0, 0, -1, 1, 0}, tensor.Shape{2}) }), one(distinct(2, 3)), nil},
		"Reshape":                   {bent(func(a *G.Node) (*G.Node, error) { return op.Reshape(a, tensor.Shape{2, 6}) }), one(normal(4, 3)), nil},
		"times a comparison":        {unary(func(a *G.Node) (*G.Node, error) { return op.Mul(a, must(op.CompareConstant(a, ">=", 0))) }), one(shifted(rng, 4, 3)), nil},
		"times a comparison of two": {binary(func(a, b *G.Node) (*G.Node, error) { return op.Mul(a, must(op.Compare(a, "<", b))) }), one(distinct(4, 3), positive(rng, 4, 3)), nil},
		"plus its integer part":     {unary(func(a *G.Node) (*G.Node, error) { return op.Mul(a, must(op.Round("Floor", a, math.Floor))) }), one(distinct(4, 3)), nil},
		"LogSoftmax":                {unary(op.LogSoftmax), one(normal(4, 3)), nil},
		"Sigmoid":                   {unary(op.Sigmoid), one(normal(4, 3)), nil},
		"Softplus":                  {unary(op.Softplus), one(normal(4, 3)), nil},
		"GELU":                      {unary(op.GELU), one(normal(4, 3)), nil},
		"Softmax":                   {unary(op.Softmax), one(normal(4, 3)), nil},
		"SoftmaxCrossEntropy":       {binary(op.SoftmaxCrossEntropy), one(normal(4, 3), oneHot(4, 3)), []int{1}},
		"SoftmaxCrossEntropy soft":  {binary(op.SoftmaxCrossEntropy), one(normal(4, 3), soft), []int{1}},
		"SquaredError":              {binary(op.SquaredError), one(normal(4, 3), normal(4, 3)), []int{1}},
	}
	maps.Copy(all, imageFunctions())
	return all
}

func TestDerivatives(t *testing.T) {
	for name, f := range functions() {
		t.Run(name, func(t *testing.T) {
			errs, err := difftest.Check(difftest.Function{Build: f.build, At: f.at, Fixed: f.fixed, Step: 5e-4}, 3, 7)
			if err != nil {
				t.Fatal(err)
			}
			for order, e := range errs {
				// The five-point formula at step 5e-4 is right to about 1e-12, rounding costs as much.
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

// Reapply keeps an operation and changes its precision.
func TestReapply(t *testing.T) {
	for name, f := range functions() {
		t.Run(name, func(t *testing.T) {
			again := func(in G.Nodes) (*G.Node, error) {
				scratch := G.NewGraph()
				var same G.Nodes
				for i, n := range in {
					same = append(same, G.NewTensor(scratch, tensor.Float32, n.Dims(), G.WithShape(n.Shape()...), G.WithName(string(rune('a'+i)))))
				}
				out, err := f.build(same)
				if err != nil {
					return nil, err
				}
				return rebuilt(out, same, in)
			}
			want := evaluate(t, f, tensor.Float64)
			got := evaluate(t, function{again, f.at, f.fixed}, tensor.Float64)
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
	if _, ours, err := op.Reapply(G.NewConstant(1.0).Op()); ours || err != nil {
		t.Errorf("a constant of Gorgonia is ours: %t, %v", ours, err)
	}
}

func rebuilt(n *G.Node, leaves, with G.Nodes) (*G.Node, error) {
	if i := slices.Index(leaves, n); i >= 0 {
		return with[i], nil
	}
	var in G.Nodes
	for it := n.Graph().From(n.ID()); it.Next(); {
		c, err := rebuilt(it.Node().(*G.Node), leaves, with)
		if err != nil {
			return nil, err
		}
		in = append(in, c)
	}
	out, _, err := op.Reapply(n.Op(), in...)
	return out, err
}

func TestNoOperationAllocatesOnceBound(t *testing.T) {
	for name, f := range functions() {
		for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
			g := G.NewGraph()
			var in G.Nodes
			vals := make(map[*G.Node]G.Value)
			for i, v := range f.at {
				in = append(in, G.NewTensor(g, dtype, v.Dims(), G.WithShape(v.Shape()...), G.WithName(string(rune('a'+i)))))
				vals[in[i]] = converted(v, dtype)
			}
			out, err := f.build(in)
			if err != nil {
				t.Fatal(err)
			}
			run(t, out, vals) // sets the values of all nodes
			for n, v := range vals {
				if n.Op() == nil {
					continue
				}
				var operands []G.Value
				for it := g.From(n.ID()); it.Next(); {
					operands = append(operands, vals[it.Node().(*G.Node)])
				}
				compute, err := n.Op().(op.Binder).Bind(v, operands...)
				if err != nil {
					t.Fatal(err)
				}
				if allocated := testing.AllocsPerRun(5, compute); allocated > 0 {
					t.Errorf("%s, %v: %v allocates %v times", name, dtype, n.Op(), allocated)
				}
			}
		}
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
		"LogSoftmax":     func() (*G.Node, error) { return op.LogSoftmax(v) },
		"Div":            func() (*G.Node, error) { return op.Div(a, b) },
		"Compare":        func() (*G.Node, error) { return op.Compare(a, "<", b) },
		"relation":       func() (*G.Node, error) { return op.Compare(a, "≺", a) },
		"relation to 0":  func() (*G.Node, error) { return op.CompareConstant(a, "≺", 0) },
		"Reshape":        func() (*G.Node, error) { return op.Reshape(a, tensor.Shape{4}) },
		"Gather":         func() (*G.Node, error) { return op.Gather(a, op.Index{0, 1}, tensor.Shape{3}) },
		"Gather beyond":  func() (*G.Node, error) { return op.Gather(a, op.Index{0, 6}, tensor.Shape{2}) },
		"Scatter":        func() (*G.Node, error) { return op.Scatter(a, op.Index{0, 1}, tensor.Shape{2}) },
		"MaxOver":        func() (*G.Node, error) { return op.MaxOver(a, op.Index{0, 1}, tensor.Shape{2}) },
		"batches":        func() (*G.Node, error) { return op.BatchedMatMul(a, a, false, true) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error for wrong shapes", name)
		}
	}
}
