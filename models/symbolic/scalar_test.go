package symbolic_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// scalars are numbers computed from a tensor, most of them by a function of
// another number. Gorgonia holds some of them in tensors, halfway through a
// derivative, and cannot go on with that.
var scalars = []struct {
	name  string
	build func(x *G.Node) (*G.Node, error)
}{
	{"sum", sum},
	{"mean", mean},
	{"max", func(x *G.Node) (*G.Node, error) { return G.Max(must(G.Ravel(x))) }},
	{"norm", func(x *G.Node) (*G.Node, error) { return G.Norm(must(G.Ravel(x)), 0, 2) }},
	{"x·x", func(x *G.Node) (*G.Node, error) {
		v, err := G.Ravel(x)
		if err != nil {
			return nil, err
		}
		return G.Mul(v, v)
	}},
	{"sum of squares", func(x *G.Node) (*G.Node, error) { return sum(must(G.Square(x))) }},
	{"√mean", func(x *G.Node) (*G.Node, error) { return G.Sqrt(must(mean(x))) }},
	{"exp mean", func(x *G.Node) (*G.Node, error) { return G.Exp(must(mean(x))) }},
	{"tanh mean", func(x *G.Node) (*G.Node, error) { return G.Tanh(must(mean(x))) }},
	{"sigmoid mean", func(x *G.Node) (*G.Node, error) { return G.Sigmoid(must(mean(x))) }},
	{"softplus mean", func(x *G.Node) (*G.Node, error) { return G.Softplus(must(mean(x))) }},
	{"log(1 + mean)", func(x *G.Node) (*G.Node, error) { return G.Log1p(must(mean(x))) }},
	{"1/mean", func(x *G.Node) (*G.Node, error) { return G.Inverse(must(mean(x))) }},
	{"mean³", func(x *G.Node) (*G.Node, error) { return G.Cube(must(mean(x))) }},
	{"mean^2.5", func(x *G.Node) (*G.Node, error) { return G.Pow(must(mean(x)), G.NewConstant(2.5)) }},
	{"rectified mean", func(x *G.Node) (*G.Node, error) { return G.Rectify(must(mean(x))) }},
}

func sum(x *G.Node) (*G.Node, error)  { return G.Sum(x) }
func mean(x *G.Node) (*G.Node, error) { return G.Mean(x) }

func TestScalarsInTheMiddleOfAGraph(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	combinations := []struct {
		name string
		f    func(a, b *G.Node) (*G.Node, error)
	}{{"+", G.Add}, {"−", G.Sub}, {"·", G.HadamardProd}, {"/", G.HadamardDiv}, {"^", G.Pow}}
	for _, shape := range [][]int{{3, 4}, {1}, {1, 1}} {
		at := mapped(distinct(rng, shape...), func(v float64) float64 { return v + 2.2 })
		for _, s := range scalars {
			check := func(name string, f func(s, x *G.Node) (*G.Node, error)) {
				t.Helper()
				build := unary(func(x *G.Node) (*G.Node, error) {
					number, err := s.build(x)
					if err != nil {
						return nil, err
					}
					return f(number, x)
				})
				errs, err := difftest.Check(difftest.Function{Build: build, At: []*tensor.Dense{at}, Step: 3e-4}, 2, 7)
				if err != nil {
					t.Errorf("%s of %v: %v", name, shape, err)
				}
				for order, e := range errs {
					if !(e <= 1e-9) { // as in TestStockOperationsAreSoundTwice
						t.Errorf("%s of %v: derivative %d: relative error %.2g from finite differences", name, shape, order+1, e)
					}
				}
			}
			check(s.name, func(s, _ *G.Node) (*G.Node, error) { return s, nil })
			check(s.name+" reshaped", func(s, _ *G.Node) (*G.Node, error) {
				m, err := G.Reshape(s, tensor.Shape{1, 1})
				if err != nil {
					return nil, err
				}
				return op.Mul(m, m)
			})
			for _, c := range combinations {
				check(fmt.Sprintf("%s %s x", s.name, c.name), c.f)
				check(fmt.Sprintf("x %s %s", c.name, s.name), func(s, x *G.Node) (*G.Node, error) { return c.f(x, s) })
				check(fmt.Sprintf("%s %s mean", s.name, c.name), func(s, x *G.Node) (*G.Node, error) { return c.f(s, must(mean(x))) })
			}
		}
	}
}

func TestScalarsInFloat32(t *testing.T) {
	g := G.NewGraph()
	x := G.NewVector(g, tensor.Float32, G.WithShape(3), G.WithName("x"),
		G.WithValue(tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{1, 2, 3}))))
	seed := G.NewScalar(g, tensor.Float32, G.WithName("seed"), G.WithValue(float32(1)))
	v := G.NewVector(g, tensor.Float32, G.WithShape(3), G.WithName("v"),
		G.WithValue(tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{1, 0, -2}))))
	s, err := G.Cube(must(G.Sum(x)))
	if err != nil {
		t.Fatal(err)
	}
	grads := pullback(t, G.Nodes{s}, G.Nodes{seed}, G.Nodes{x})
	hv := pullback(t, grads, G.Nodes{v}, G.Nodes{x})[0]
	program, plan := compile(t, s, hv)
	run(t, plan)
	if got := program.Value(s).Data(); got != float32(216) {
		t.Errorf("(1 + 2 + 3)³ = %v, want 216", got)
	}
	// ∂²(Σx)³ = 6·Σx for every pair, so that H·v = 6·Σx·Σv.
	for i, got := range program.Value(hv).Data().([]float32) {
		if got != -36 {
			t.Errorf("(H·v)[%d] = %v, want −36", i, got)
		}
	}
}

func TestOwnOperationsRefuseScalars(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 1, 2))
	s, err := G.Sum(x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := op.Mul(s, s); err == nil {
		t.Error("op.Mul of scalars succeeded")
	}
}
