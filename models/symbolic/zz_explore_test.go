package symbolic_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

type bf = func(in G.Nodes) (*G.Node, error)

func pos(rng *rand.Rand, shape ...int) *tensor.Dense {
	t := difftest.Normal(rng, shape...)
	for i, v := range t.Float64s() {
		t.Float64s()[i] = 0.6 + math.Abs(v)
	}
	return t
}

func TestExplore(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	un := func(f func(*G.Node) (*G.Node, error)) bf {
		return func(in G.Nodes) (*G.Node, error) { return f(in[0]) }
	}
	bi := func(f func(a, b *G.Node) (*G.Node, error)) bf {
		return func(in G.Nodes) (*G.Node, error) { return f(in[0], in[1]) }
	}
	bc := func(f func(a, b *G.Node, l, r []byte) (*G.Node, error), l, r []byte) bf {
		return func(in G.Nodes) (*G.Node, error) { return f(in[0], in[1], l, r) }
	}
	c := func(v float64) *G.Node { return G.NewConstant(v) }
	type cs struct {
		name string
		f    bf
		at   []*tensor.Dense
	}
	T := func(t ...*tensor.Dense) []*tensor.Dense { return t }
	p := func(s ...int) *tensor.Dense { return pos(rng, s...) }
	n := func(s ...int) *tensor.Dense { return difftest.Normal(rng, s...) }
	cases := []cs{
		{"Mul mm", bi(G.Mul), T(n(3, 4), n(4, 2))},
		{"Mul mm col", bi(G.Mul), T(n(3, 4), n(4, 1))},
		{"Mul mm row", bi(G.Mul), T(n(1, 4), n(4, 2))},
		{"Mul mm outer", bi(G.Mul), T(n(3, 1), n(1, 2))},
		{"Mul mm inner", bi(G.Mul), T(n(1, 3), n(3, 1))},
		{"Mul mm square", bi(G.Mul), T(n(3, 3), n(3, 3))},
		{"Mul mm 1", bi(G.Mul), T(n(1, 1), n(1, 1))},
		{"Mul vv", bi(G.Mul), T(n(3), n(3))},
		{"Mul mv", bi(G.Mul), T(n(3, 4), n(4))},
		{"Mul vm", bi(G.Mul), T(n(3), n(3, 4))},
		{"BatchedMatMul", bi(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b) }), T(n(2, 3, 4), n(2, 4, 2))},
		{"BatchedMatMul tt", bi(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, true, true) }), T(n(2, 4, 3), n(2, 2, 4))},
		{"BatchedMatMul tf", bi(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, true, false) }), T(n(2, 4, 3), n(2, 4, 2))},
		{"BatchedMatMul ft", bi(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, false, true) }), T(n(2, 3, 4), n(2, 2, 4))},
		{"BatchedMatMul 1", bi(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b) }), T(n(2, 3, 1), n(2, 1, 2))},
		{"BatchedMatMul 4d", bi(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b) }), T(n(2, 3, 3, 2), n(2, 3, 2, 4))},
		{"Tensordot", bi(func(a, b *G.Node) (*G.Node, error) { return G.Tensordot([]int{1}, []int{0}, a, b) }), T(n(3, 4), n(4, 2))},
		{"Add", bi(G.Add), T(n(3, 4), n(3, 4))},
		{"Sub", bi(G.Sub), T(n(3, 4), n(3, 4))},
		{"HP", bi(G.HadamardProd), T(n(3, 4), n(3, 4))},
		{"HD", bi(G.HadamardDiv), T(n(3, 4), p(3, 4))},
		{"HP vec", bi(G.HadamardProd), T(n(4), n(4))},
		{"HP 1", bi(G.HadamardProd), T(n(1), n(1))},
		{"HP 1,1", bi(G.HadamardProd), T(n(1, 1), n(1, 1))},
		{"HP (1) x (3,4)", bi(G.HadamardProd), T(n(1), n(3, 4))},
		{"Pow self", bi(G.Pow), T(p(3, 4), p(3, 4))},
		{"Pow 3", un(func(x *G.Node) (*G.Node, error) { return G.Pow(x, c(3)) }), T(p(3, 4))},
		{"Pow 2.5", un(func(x *G.Node) (*G.Node, error) { return G.Pow(x, c(2.5)) }), T(p(3, 4))},
		{"Pow 2 neg x", un(func(x *G.Node) (*G.Node, error) { return G.Pow(x, c(2)) }), T(n(3, 4))},
		{"Pow 1+x", un(func(x *G.Node) (*G.Node, error) {
			y, err := G.Add(c(1), x)
			if err != nil {
				return nil, err
			}
			return G.Pow(y, c(3))
		}), T(p(3, 4))},
		{"Pow 1-x", un(func(x *G.Node) (*G.Node, error) {
			y, err := G.Sub(c(1), x)
			if err != nil {
				return nil, err
			}
			return G.Pow(y, c(3))
		}), T(p(3, 4))},
		{"Pow const^x", un(func(x *G.Node) (*G.Node, error) { return G.Pow(c(3), x) }), T(p(3, 4))},
		{"x-const", un(func(x *G.Node) (*G.Node, error) { return G.Sub(x, c(3)) }), T(p(3, 4))},
		{"const/x", un(func(x *G.Node) (*G.Node, error) { return G.HadamardDiv(c(3), x) }), T(p(3, 4))},
		{"const*x", un(func(x *G.Node) (*G.Node, error) { return G.HadamardProd(c(3), x) }), T(p(3, 4))},
		{"x/const", un(func(x *G.Node) (*G.Node, error) { return G.HadamardDiv(x, c(3)) }), T(p(3, 4))},
		{"const-x", un(func(x *G.Node) (*G.Node, error) { return G.Sub(c(3), x) }), T(p(3, 4))},
		{"const+x", un(func(x *G.Node) (*G.Node, error) { return G.Add(c(3), x) }), T(p(3, 4))},
		{"exp(x)-1", un(func(x *G.Node) (*G.Node, error) {
			y, err := G.Exp(x)
			if err != nil {
				return nil, err
			}
			return G.Sub(y, c(1))
		}), T(p(3, 4))},
		{"log(1+x)", un(func(x *G.Node) (*G.Node, error) {
			y, err := G.Add(x, c(1))
			if err != nil {
				return nil, err
			}
			return G.Log(y)
		}), T(p(3, 4))},
		{"y log y", un(func(x *G.Node) (*G.Node, error) {
			y, err := G.Add(x, c(1))
			if err != nil {
				return nil, err
			}
			l, err := G.Log(y)
			if err != nil {
				return nil, err
			}
			return G.HadamardProd(y, l)
		}), T(p(3, 4))},
		{"Abs", un(G.Abs), T(p(3, 4))},
		{"Neg", un(G.Neg), T(n(3, 4))},
		{"Sin", un(G.Sin), T(n(3, 4))},
		{"Cos", un(G.Cos), T(n(3, 4))},
		{"Log2", un(G.Log2), T(p(3, 4))},
		{"Inverse", un(G.Inverse), T(p(3, 4))},
		{"InverseSqrt", un(G.InverseSqrt), T(p(3, 4))},
		{"Cube", un(G.Cube), T(n(3, 4))},
		{"Square", un(G.Square), T(n(3, 4))},
		{"Sqrt", un(G.Sqrt), T(p(3, 4))},
		{"Exp", un(G.Exp), T(n(3, 4))},
		{"Expm1", un(G.Expm1), T(n(3, 4))},
		{"Log", un(G.Log), T(p(3, 4))},
		{"Log1p", un(G.Log1p), T(p(3, 4))},
		{"Rectify", un(G.Rectify), T(p(3, 4))},
		{"LeakyRelu", un(func(x *G.Node) (*G.Node, error) { return G.LeakyRelu(x, 0.1) }), T(p(3, 4))},
		{"Tanh", un(G.Tanh), T(n(3, 4))},
		{"Sigmoid", un(G.Sigmoid), T(n(3, 4))},
		{"Softplus", un(G.Softplus), T(n(3, 4))},
		{"Mish", un(G.Mish), T(n(3, 4))},
		{"Sum0", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 0) }), T(n(3, 4))},
		{"Sum1", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 1) }), T(n(3, 4))},
		{"Sum1 (3,1)", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 1) }), T(n(3, 1))},
		{"Sum0 (1,3)", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 0) }), T(n(1, 3))},
		{"Sum0 (3,1)", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 0) }), T(n(3, 1))},
		{"Sum1 (1,3)", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 1) }), T(n(1, 3))},
		{"Sum 3d 0", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 0) }), T(n(2, 3, 4))},
		{"Sum 3d 1", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 1) }), T(n(2, 3, 4))},
		{"Sum 3d 2", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 2) }), T(n(2, 3, 4))},
		{"Sum 3d 0,1", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 0, 1) }), T(n(2, 3, 4))},
		{"Sum 4d 2,3", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 2, 3) }), T(n(2, 3, 4, 2))},
		{"Sum 4d 1", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 1) }), T(n(2, 3, 4, 2))},
		{"Sum all", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x) }), T(n(3, 4))},
		{"Sum all 1,0", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x, 1, 0) }), T(n(3, 4))},
		{"Sum all vec", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x) }), T(n(4))},
		{"Sum all 3d", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x) }), T(n(2, 3, 4))},
		{"Sum all (1)", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x) }), T(n(1))},
		{"Sum all (1,1)", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x) }), T(n(1, 1))},
		{"Sum all (3,1)", un(func(x *G.Node) (*G.Node, error) { return G.Sum(x) }), T(n(3, 1))},
		{"Mean0", un(func(x *G.Node) (*G.Node, error) { return G.Mean(x, 0) }), T(n(3, 4))},
		{"Mean1", un(func(x *G.Node) (*G.Node, error) { return G.Mean(x, 1) }), T(n(3, 4))},
		{"Mean all", un(func(x *G.Node) (*G.Node, error) { return G.Mean(x) }), T(n(3, 4))},
		{"Mean vec", un(func(x *G.Node) (*G.Node, error) { return G.Mean(x) }), T(n(4))},
		{"Max0", un(func(x *G.Node) (*G.Node, error) { return G.Max(x, 0) }), T(n(3, 4))},
		{"Max1", un(func(x *G.Node) (*G.Node, error) { return G.Max(x, 1) }), T(n(3, 4))},
		{"Max all", un(func(x *G.Node) (*G.Node, error) { return G.Max(x) }), T(n(3, 4))},
		{"Max vec", un(func(x *G.Node) (*G.Node, error) { return G.Max(x) }), T(n(4))},
		{"Max 3d 1", un(func(x *G.Node) (*G.Node, error) { return G.Max(x, 1) }), T(n(2, 3, 4))},
		{"Max vec axis0", un(func(x *G.Node) (*G.Node, error) { return G.Max(x, 0) }), T(n(4))},
		{"Reshape", un(func(x *G.Node) (*G.Node, error) { return G.Reshape(x, tensor.Shape{2, 6}) }), T(n(3, 4))},
		{"Reshape vec", un(func(x *G.Node) (*G.Node, error) { return G.Reshape(x, tensor.Shape{12}) }), T(n(3, 4))},
		{"Reshape col", un(func(x *G.Node) (*G.Node, error) { return G.Reshape(x, tensor.Shape{12, 1}) }), T(n(3, 4))},
		{"Ravel", un(G.Ravel), T(n(3, 4))},
		{"Transpose", un(func(x *G.Node) (*G.Node, error) { return G.Transpose(x) }), T(n(3, 4))},
		{"Transpose col", un(func(x *G.Node) (*G.Node, error) { return G.Transpose(x) }), T(n(3, 1))},
		{"Transpose sq", un(func(x *G.Node) (*G.Node, error) { return G.Transpose(x) }), T(n(3, 3))},
		{"Transpose 3d", un(func(x *G.Node) (*G.Node, error) { return G.Transpose(x, 2, 0, 1) }), T(n(2, 3, 4))},
		{"Concat0", bi(func(a, b *G.Node) (*G.Node, error) { return G.Concat(0, a, b) }), T(n(3, 4), n(2, 4))},
		{"Concat1", bi(func(a, b *G.Node) (*G.Node, error) { return G.Concat(1, a, b) }), T(n(3, 4), n(3, 2))},
		{"Concat1 one", bi(func(a, b *G.Node) (*G.Node, error) { return G.Concat(1, a, b) }), T(n(3, 4), n(3, 1))},
		{"Concat vec", bi(func(a, b *G.Node) (*G.Node, error) { return G.Concat(0, a, b) }), T(n(3), n(2))},
		{"Concat vec 1", bi(func(a, b *G.Node) (*G.Node, error) { return G.Concat(0, a, b) }), T(n(3), n(1))},
		{"Concat same", un(func(a *G.Node) (*G.Node, error) { return G.Concat(0, a, a) }), T(n(3, 4))},
		{"Concat 256", bi(func(a, b *G.Node) (*G.Node, error) { return G.Concat(0, a, b) }), T(n(256), n(256))},
		{"Slice", un(func(a *G.Node) (*G.Node, error) { return G.Slice(a, G.S(1, 3)) }), T(n(4, 3))},
		{"KeepDims0", un(func(a *G.Node) (*G.Node, error) {
			return G.KeepDims(a, true, func(a *G.Node) (*G.Node, error) { return G.Sum(a, 0) })
		}), T(n(4, 3))},
		{"KeepDims1", un(func(a *G.Node) (*G.Node, error) {
			return G.KeepDims(a, false, func(a *G.Node) (*G.Node, error) { return G.Sum(a, 1) })
		}), T(n(4, 3))},
		{"SizeOf", un(func(a *G.Node) (*G.Node, error) {
			s, err := G.SizeOf(1, a)
			if err != nil {
				return nil, err
			}
			return G.HadamardProd(a, s)
		}), T(n(4, 3))},
		{"MinBetween", bi(G.MinBetween), T(n(3, 4), n(3, 4))},
		{"MaxBetween", bi(G.MaxBetween), T(n(3, 4), n(3, 4))},
		{"At", un(func(a *G.Node) (*G.Node, error) { return G.At(a, 1, 1) }), T(n(4, 3))},
		{"Norm", un(func(a *G.Node) (*G.Node, error) { return G.Norm(a, 0, 2) }), T(n(4, 3))},
		{"Sparsemax", un(func(a *G.Node) (*G.Node, error) { return G.Sparsemax(a) }), T(n(4, 3))},
	}
	type pat struct {
		l, r   []byte
		sa, sb []int
	}
	for name, f := range map[string]func(a, b *G.Node, l, r []byte) (*G.Node, error){
		"BAdd": G.BroadcastAdd, "BSub": G.BroadcastSub, "BHP": G.BroadcastHadamardProd, "BHD": G.BroadcastHadamardDiv,
		"BPow": G.BroadcastPow} {
		for _, q := range []pat{
			{nil, []byte{0}, []int{3, 4}, []int{4}},
			{nil, []byte{0}, []int{3, 4}, []int{1, 4}},
			{nil, []byte{1}, []int{3, 4}, []int{3, 1}},
			{nil, []byte{1}, []int{3, 4}, []int{3}},
			{[]byte{0}, nil, []int{4}, []int{3, 4}},
			{[]byte{1}, nil, []int{3, 1}, []int{3, 4}},
			{nil, []byte{0, 1}, []int{3, 4}, []int{1, 1}},
			{[]byte{1}, []byte{0}, []int{3, 1}, []int{1, 4}},
			{nil, []byte{0}, []int{2, 3, 4}, []int{1, 3, 4}},
			{nil, []byte{0, 1}, []int{2, 3, 4}, []int{1, 1, 4}},
			{nil, []byte{0, 2}, []int{2, 3, 4}, []int{1, 3, 1}},
			{nil, []byte{0, 1}, []int{2, 3, 4}, []int{4}},
			{nil, []byte{0, 2}, []int{2, 3, 4}, []int{3}},
			{nil, []byte{0}, []int{3, 3}, []int{3}},
			{nil, []byte{0}, []int{1, 4}, []int{1, 4}},
			{nil, []byte{0, 2, 3}, []int{2, 3, 2, 2}, []int{1, 3, 1, 1}},
		} {
			cases = append(cases, cs{fmt.Sprint(name, q), bc(f, q.l, q.r), T(p(q.sa...), p(q.sb...))})
		}
	}
	for _, k := range cases {
		for _, mode := range []string{"bare", "wrap"} {
			func() {
				defer func() {
					if r := recover(); r != nil {
						fmt.Printf("%-40s %s PANIC %v\n", k.name, mode, r)
					}
				}()
				b := k.f
				if mode == "wrap" {
					b = wrapped(k.f)
				}
				errs, err := difftest.Check(difftest.Function{Build: b, At: k.at}, 3, 7)
				bad := ""
				for _, e := range errs {
					if !(e < 1e-8) {
						bad = "   <<<<<< BAD"
					}
				}
				if err != nil {
					bad = "   ERR"
				}
				fmt.Printf("%-40s %s %.1g %v%s\n", k.name, mode, errs, err, bad)
			}()
		}
	}
}

// wrapped: out = f(tanh(x)+x...)^2 + f
func wrapped(f bf) bf {
	return func(in G.Nodes) (*G.Node, error) {
		w := make(G.Nodes, len(in))
		for i, x := range in {
			y, err := op.Tanh(x)
			if err != nil {
				return nil, err
			}
			if w[i], err = op.Add(y, x); err != nil {
				return nil, err
			}
		}
		out, err := f(w)
		if err != nil {
			return nil, err
		}
		if out.IsScalar() {
			return G.Square(out)
		}
		return op.Mul(out, out)
	}
}
