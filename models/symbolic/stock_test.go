package symbolic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// function is an operation of Gorgonia with a point to differentiate it at.
type function struct {
	name  string
	build build
	at    []*tensor.Dense
}

// stockFunctions are the operations of Gorgonia that are sound twice.
func stockFunctions() []function {
	rng := rand.New(rand.NewPCG(1, 2))
	return slices.Concat(products(rng), elementwise(rng), broadcasts(rng), reductions(rng), shapes(rng))
}

func products(rng *rand.Rand) []function {
	n := normal(rng)
	batched := func(transposed ...bool) build {
		return binary(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, transposed...) })
	}
	return []function{
		{"Mul", binary(G.Mul), n([]int{3, 4}, []int{4, 2})},
		{"Mul square", binary(G.Mul), n([]int{3, 3}, []int{3, 3})},
		{"Mul column", binary(G.Mul), n([]int{3, 4}, []int{4, 1})},
		{"Mul row", binary(G.Mul), n([]int{1, 4}, []int{4, 2})},
		{"Mul outer", binary(G.Mul), n([]int{3, 1}, []int{1, 2})},
		{"Mul inner", binary(G.Mul), n([]int{1, 3}, []int{3, 1})},
		{"Mul 1", binary(G.Mul), n([]int{1, 1}, []int{1, 1})},
		{"Mul vectors", binary(G.Mul), n([]int{4}, []int{4})},
		{"BatchedMatMul", batched(), n([]int{2, 3, 4}, []int{2, 4, 2})},
		{"BatchedMatMul ᵀᵀ", batched(true, true), n([]int{2, 4, 3}, []int{2, 2, 4})},
		{"BatchedMatMul ᵀ left", batched(true, false), n([]int{2, 4, 3}, []int{2, 4, 2})},
		{"BatchedMatMul right ᵀ", batched(false, true), n([]int{2, 3, 4}, []int{2, 2, 4})},
		{"BatchedMatMul outer", batched(), n([]int{2, 3, 1}, []int{2, 1, 2})},
		{"BatchedMatMul 4-D", batched(), n([]int{2, 3, 3, 2}, []int{2, 3, 2, 4})},
	}
}

// normal makes standard normal tensors of several shapes.
func normal(rng *rand.Rand) func(shapes ...[]int) []*tensor.Dense {
	return func(shapes ...[]int) []*tensor.Dense {
		all := make([]*tensor.Dense, len(shapes))
		for i, s := range shapes {
			all[i] = difftest.Normal(rng, s...)
		}
		return all
	}
}

func elementwise(rng *rand.Rand) []function {
	m, p, apart := difftest.Normal(rng, 3, 4), positive(rng, 3, 4), parted(rng, 3, 4)
	with := func(c float64, f func(a, b *G.Node) (*G.Node, error)) build {
		return unary(func(x *G.Node) (*G.Node, error) { return f(x, G.NewConstant(c)) })
	}
	of := func(c float64, f func(a, b *G.Node) (*G.Node, error)) build {
		return unary(func(x *G.Node) (*G.Node, error) { return f(G.NewConstant(c), x) })
	}
	one := func(t *tensor.Dense) []*tensor.Dense { return []*tensor.Dense{t} }
	return []function{
		{"Add", binary(G.Add), []*tensor.Dense{m, p}},
		{"Sub", binary(G.Sub), []*tensor.Dense{m, p}},
		{"HadamardProd", binary(G.HadamardProd), []*tensor.Dense{m, p}},
		{"HadamardDiv", binary(G.HadamardDiv), []*tensor.Dense{m, p}},
		{"Pow", binary(G.Pow), []*tensor.Dense{p, m}},
		{"Pow 3", with(3, G.Pow), one(p)},
		{"Pow 2 of a negative", with(2, G.Pow), one(apart)},
		{"Pow 2.5", with(2.5, G.Pow), one(p)},
		{"Pow −½", with(-0.5, G.Pow), one(p)},
		{"power of a constant", of(3, G.Pow), one(p)},
		{"plus a constant", with(3, G.Add), one(m)},
		{"minus a constant", with(3, G.Sub), one(m)},
		{"from a constant", of(3, G.Sub), one(m)},
		{"times a constant", of(3, G.HadamardProd), one(m)},
		{"over a constant", with(3, G.HadamardDiv), one(m)},
		{"constant over", of(3, G.HadamardDiv), one(p)},
		{"Neg", unary(G.Neg), one(m)},
		{"Abs", unary(G.Abs), one(apart)},
		{"Sin", unary(G.Sin), one(m)},
		{"Cos", unary(G.Cos), one(m)},
		{"Inverse", unary(G.Inverse), one(p)},
		{"Cube", unary(G.Cube), one(m)},
		{"Square", unary(G.Square), one(m)},
		{"Sqrt", unary(G.Sqrt), one(p)},
		{"Exp", unary(G.Exp), one(m)},
		{"Expm1", unary(G.Expm1), one(m)},
		{"Log", unary(G.Log), one(p)},
		{"Log1p", unary(G.Log1p), one(p)},
		{"Rectify", unary(G.Rectify), one(apart)},
		{"LeakyRelu", unary(func(x *G.Node) (*G.Node, error) { return G.LeakyRelu(x, 0.1) }), one(apart)},
		{"Tanh", unary(G.Tanh), one(m)},
		{"Sigmoid", unary(G.Sigmoid), one(m)},
		{"Softplus", unary(G.Softplus), one(m)},
		{"Mish", unary(G.Mish), one(m)},
	}
}

// broadcasts are all broadcasting operations with all the patterns there are.
func broadcasts(rng *rand.Rand) (all []function) {
	for _, broadcast := range []struct {
		name string
		f    func(a, b *G.Node, left, right []byte) (*G.Node, error)
	}{
		{"BroadcastAdd", G.BroadcastAdd},
		{"BroadcastSub", G.BroadcastSub},
		{"BroadcastHadamardProd", G.BroadcastHadamardProd},
		{"BroadcastHadamardDiv", G.BroadcastHadamardDiv},
	} {
		for _, pattern := range []struct {
			left, right []byte
			a, b        []int
		}{
			{nil, []byte{0}, []int{3, 4}, []int{4}},
			{nil, []byte{0}, []int{3, 3}, []int{3}},
			{nil, []byte{0}, []int{3, 4}, []int{1, 4}},
			{nil, []byte{0}, []int{1, 4}, []int{1, 4}},
			{nil, []byte{1}, []int{3, 4}, []int{3}},
			{nil, []byte{1}, []int{3, 4}, []int{3, 1}},
			{nil, []byte{0, 1}, []int{3, 4}, []int{1, 1}},
			{[]byte{0}, nil, []int{4}, []int{3, 4}},
			{[]byte{1}, nil, []int{3, 1}, []int{3, 4}},
			{[]byte{1}, []byte{0}, []int{3, 1}, []int{1, 4}},
			{nil, []byte{0}, []int{2, 3, 4}, []int{1, 3, 4}},
			{nil, []byte{0, 1}, []int{2, 3, 4}, []int{4}},
			{nil, []byte{0, 2}, []int{2, 3, 4}, []int{3}},
			{nil, []byte{0, 2}, []int{2, 3, 4}, []int{1, 3, 1}},
			{nil, []byte{0, 2, 3}, []int{2, 3, 2, 2}, []int{1, 3, 1, 1}},
		} {
			all = append(all, function{
				name:  fmt.Sprintf("%s %v%v %v%v", broadcast.name, pattern.a, pattern.left, pattern.b, pattern.right),
				build: binary(func(a, b *G.Node) (*G.Node, error) { return broadcast.f(a, b, pattern.left, pattern.right) }),
				at:    []*tensor.Dense{positive(rng, pattern.a...), positive(rng, pattern.b...)},
			})
		}
	}
	return all
}

func reductions(rng *rand.Rand) (all []function) {
	for _, reduce := range []struct {
		name string
		f    func(a *G.Node, along ...int) (*G.Node, error)
	}{{"Sum", G.Sum}, {"Mean", G.Mean}, {"Max", G.Max}} {
		for _, c := range []struct{ shape, along []int }{
			{[]int{3, 4}, []int{0}},
			{[]int{3, 4}, []int{1}},
			{[]int{3, 1}, []int{0}},
			{[]int{1, 3}, []int{1}},
			{[]int{2, 3, 4}, []int{0}},
			{[]int{2, 3, 4}, []int{1}},
			{[]int{2, 3, 4}, []int{2}},
			{[]int{2, 3, 2, 2}, []int{1}},
			{[]int{4}, nil},
			{[]int{1}, nil},
			{[]int{3, 4}, nil},
			{[]int{3, 1}, nil},
			{[]int{1, 1}, nil},
			{[]int{2, 3, 4}, nil},
		} {
			if reduce.name == "Max" && c.along == nil && len(c.shape) > 1 {
				continue // refused
			}
			all = append(all, function{
				name:  fmt.Sprintf("%s of %v along %v", reduce.name, c.shape, c.along),
				build: unary(func(a *G.Node) (*G.Node, error) { return reduce.f(a, c.along...) }),
				at:    []*tensor.Dense{distinct(rng, c.shape...)},
			})
		}
	}
	return all
}

func shapes(rng *rand.Rand) []function {
	n := normal(rng)
	reshape := func(to ...int) build {
		return unary(func(a *G.Node) (*G.Node, error) { return G.Reshape(a, to) })
	}
	transpose := func(axes ...int) build {
		return unary(func(a *G.Node) (*G.Node, error) { return G.Transpose(a, axes...) })
	}
	concat := func(axis int) build {
		return func(in G.Nodes) (*G.Node, error) { return G.Concat(axis, in...) }
	}
	keep := func(left bool, axis int) build {
		return unary(func(a *G.Node) (*G.Node, error) {
			return G.KeepDims(a, left, func(a *G.Node) (*G.Node, error) { return G.Sum(a, axis) })
		})
	}
	return []function{
		{"Reshape", reshape(2, 6), n([]int{3, 4})},
		{"Reshape to a vector", reshape(12), n([]int{3, 4})},
		{"Reshape to a column", reshape(12, 1), n([]int{3, 4})},
		{"Transpose", transpose(), n([]int{3, 4})},
		{"Transpose square", transpose(), n([]int{3, 3})},
		{"Transpose column", transpose(), n([]int{3, 1})},
		{"Transpose 3-D", transpose(2, 0, 1), n([]int{2, 3, 4})},
		{"Concat rows", concat(0), n([]int{3, 4}, []int{2, 4})},
		{"Concat columns", concat(1), n([]int{3, 4}, []int{3, 1})},
		{"Concat vectors", concat(0), n([]int{3}, []int{1})},
		{"Concat three", concat(0), n([]int{3, 2}, []int{1, 2}, []int{2, 2})},
		{"Concat 3-D", concat(2), n([]int{2, 2, 3}, []int{2, 2, 2})},
		{"Concat to the longest", concat(0), n([]int{128}, []int{127})},
		{"KeepDims left", keep(true, 0), n([]int{4, 3})},
		{"KeepDims right", keep(false, 1), n([]int{4, 3})},
		{"SizeOf", unary(func(a *G.Node) (*G.Node, error) {
			size, err := G.SizeOf(1, a)
			if err != nil {
				return nil, err
			}
			return G.HadamardDiv(a, size)
		}), n([]int{4, 3})},
	}
}

// composed puts f between operations of package op that are not linear, so
// that the second derivative goes through all of the first one's nodes even
// where f is linear.
func composed(f build) build {
	return func(in G.Nodes) (*G.Node, error) {
		bent := make(G.Nodes, len(in))
		for i, x := range in {
			y, err := op.Tanh(x)
			if err != nil {
				return nil, err
			}
			if bent[i], err = op.Add(x, y); err != nil {
				return nil, err
			}
		}
		out, err := f(bent)
		if err != nil {
			return nil, err
		}
		if out.IsScalar() {
			return G.Square(out)
		}
		return op.Mul(out, out)
	}
}

func TestStockOperationsAreSoundTwice(t *testing.T) {
	for _, f := range stockFunctions() {
		t.Run(f.name, func(t *testing.T) {
			for form, build := range map[string]build{"alone": f.build, "composed": composed(f.build)} {
				errs, err := difftest.Check(difftest.Function{Build: build, At: f.at, Step: 3e-4}, 2, 7)
				if err != nil {
					t.Errorf("%s: %v", form, err)
				}
				for order, e := range errs {
					// At step 3e-4 rounding costs about 1e-12 of the largest
					// term, and the five-point formula less.
					if !(e <= 1e-9) {
						t.Errorf("%s: derivative %d: relative error %.2g from finite differences", form, order+1, e)
					}
				}
			}
		})
	}
}

func TestCheckPassesWhatIsSound(t *testing.T) {
	for _, f := range stockFunctions() {
		g := G.NewGraph()
		in := inputs(g, f.at)
		out, err := composed(f.build)(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := symbolic.Check(G.Nodes{out}, in); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

func inputs(g *G.ExprGraph, at []*tensor.Dense) G.Nodes {
	in := make(G.Nodes, len(at))
	for i, v := range at {
		in[i] = input(g, fmt.Sprint("in", i), v)
	}
	return in
}
