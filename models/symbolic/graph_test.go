package symbolic_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
)

// build makes a node from others, as difftest.Function.Build does.
type build func(in G.Nodes) (*G.Node, error)

func unary(f func(*G.Node) (*G.Node, error)) build {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0]) }
}

func binary(f func(a, b *G.Node) (*G.Node, error)) build {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0], in[1]) }
}

// input adds a float64 tensor to g as an input that holds t.
func input(g *G.ExprGraph, name string, t *tensor.Dense) *G.Node {
	return G.NewTensor(g, tensor.Float64, t.Dims(), G.WithShape(t.Shape()...), G.WithName(name), G.WithValue(t))
}

func dense(shape []int, data ...float64) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
}

// positive is normally distributed, folded to 0.6 and above: far from the
// poles and kinks at 0.
func positive(rng *rand.Rand, shape ...int) *tensor.Dense {
	return mapped(difftest.Normal(rng, shape...), func(v float64) float64 { return 0.6 + math.Abs(v) })
}

// parted is normally distributed with a gap from −0.3 to 0.3.
func parted(rng *rand.Rand, shape ...int) *tensor.Dense {
	return mapped(difftest.Normal(rng, shape...), func(v float64) float64 { return v + math.Copysign(0.3, v) })
}

// distinct holds numbers that are at least 0.2 apart, in random order.
func distinct(rng *rand.Rand, shape ...int) *tensor.Dense {
	t := difftest.Normal(rng, shape...)
	order := rng.Perm(t.DataSize())
	i := -1
	return mapped(t, func(float64) float64 { i++; return 0.2*float64(order[i]) - 1 })
}

func mapped(t *tensor.Dense, f func(float64) float64) *tensor.Dense {
	for i, v := range t.Float64s() {
		t.Float64s()[i] = f(v)
	}
	return t
}

// flat is a copy of the elements of v.
func flat(t *testing.T, v G.Value) []float64 {
	t.Helper()
	switch v := v.(type) {
	case *G.F64:
		return []float64{float64(*v)}
	case *tensor.Dense:
		return slices.Clone(v.Float64s())
	}
	t.Fatalf("value of type %T", v)
	return nil
}

// must is for steps of a test that are not what it is about.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// compile returns a program for outs and the plan that runs all of it.
func compile(t *testing.T, outs ...*G.Node) (*symbolic.Program, *symbolic.Plan) {
	t.Helper()
	program, err := symbolic.Compile(outs...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := program.Plan(outs...)
	if err != nil {
		t.Fatal(err)
	}
	return program, plan
}

func pullback(t *testing.T, outs, seeds, wrt G.Nodes) G.Nodes {
	t.Helper()
	grads, err := symbolic.Pullback(outs, seeds, wrt)
	if err != nil {
		t.Fatal(err)
	}
	return grads
}

func run(t *testing.T, plan *symbolic.Plan) {
	t.Helper()
	if err := plan.Run(); err != nil {
		t.Fatal(err)
	}
}

// values computes nodes whose inputs all have values.
func values(t *testing.T, nodes ...*G.Node) [][]float64 {
	t.Helper()
	program, plan := compile(t, nodes...)
	run(t, plan)
	all := make([][]float64, len(nodes))
	for i, n := range nodes {
		all[i] = flat(t, program.Value(n))
	}
	return all
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
