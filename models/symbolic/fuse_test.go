package symbolic_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

func product(a, b *G.Node) *G.Node { return must(op.MatMul(a, b, false, false)) }

// fusible are functions of matrices x, y, z, all 4×4, and a row b. Of their
// values, 4×4 each, some are no longer stored when all inputs change together.
var fusible = []struct {
	name   string
	build  func(x, y, z, b *G.Node) *G.Node
	stored int
}{
	{"product + row", func(x, y, _, b *G.Node) *G.Node { return must(op.AddRow(product(x, y), b)) }, 1},
	{"row + product", func(x, y, _, b *G.Node) *G.Node {
		return must(op.Add(must(op.RepeatRow(b, 4)), product(x, y)))
	}, 1},
	{"matrix + product", func(x, y, z, _ *G.Node) *G.Node { return must(op.Add(z, product(x, y))) }, 1},
	{"product + its operand", func(x, y, _, _ *G.Node) *G.Node { return must(op.Add(product(x, y), y)) }, 1},
	{"gate of products", func(x, y, z, b *G.Node) *G.Node {
		sum := must(op.Add(must(op.AddRow(product(x, y), b)), product(y, z)))
		return must(op.Mul(x, must(op.Scale(sum, 0.3))))
	}, 1},
	{"chain", func(x, y, z, _ *G.Node) *G.Node {
		return must(op.Sub(z, must(op.Mul(must(op.Tanh(must(op.Add(x, y)))), x))))
	}, 1},
	{"activation", func(x, y, _, b *G.Node) *G.Node { // reads what it rectifies twice
		return must(op.ReLU(must(op.AddRow(product(x, y), b))))
	}, 2},
	{"product of a sum", func(x, y, z, _ *G.Node) *G.Node { return product(must(op.Add(x, y)), z) }, 2},
	{"view of a product", func(x, y, _, _ *G.Node) *G.Node {
		flat := must(op.Reshape(product(x, y), tensor.Shape{2, 8}))
		return must(op.Reshape(flat, tensor.Shape{4, 4}))
	}, 1},
	{"function of a view", func(x, y, _, _ *G.Node) *G.Node {
		return must(op.Tanh(must(op.Reshape(must(op.Reshape(must(op.Add(x, y)), tensor.Shape{16})), tensor.Shape{4, 4}))))
	}, 2},
	{"scale and shift", func(x, y, _, b *G.Node) *G.Node { // and three vectors, less than one value
		return must(op.FrozenBatchNorm(product(x, y), b, b, b, must(op.Mul(b, b)), 1e-5))
	}, 1},
	{"layer normalisation", func(x, y, _, b *G.Node) *G.Node { // the product and the result; and vectors
		return must(op.LayerNorm(product(x, y), b, b, 1e-5))
	}, 3},
	{"its gradient", func(x, y, z, b *G.Node) *G.Node {
		return must(symbolic.Pullback(G.Nodes{must(op.LayerNorm(x, b, b, 1e-5))}, G.Nodes{product(y, z)}, G.Nodes{x}))[0]
	}, 3},
	{"batch normalisation", func(x, y, _, b *G.Node) *G.Node {
		n, _, _, err := op.BatchNorm(product(x, y), b, b, 1e-5)
		return must(n, err)
	}, 3},
	{"its gradient, by channels", func(x, y, z, b *G.Node) *G.Node {
		n, _, _, err := op.BatchNorm(x, b, b, 1e-5)
		return must(symbolic.Pullback(G.Nodes{must(n, err)}, G.Nodes{product(y, z)}, G.Nodes{x}))[0]
	}, 3},
	{"twice the same", func(x, y, _, _ *G.Node) *G.Node {
		p := product(x, y)
		return must(op.Add(p, p))
	}, 2},
}

// below lists what is computed at and below n.
func below(n *G.Node) G.Nodes {
	var found G.Nodes
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if len(symbolic.Children(n)) == 0 || slices.Contains(found, n) {
			return
		}
		found = append(found, n)
		for _, c := range symbolic.Children(n) {
			visit(c)
		}
	}
	visit(n)
	return found
}

// A fused program must give to the bit what one gives that stores every value,
// also when only one of its inputs has changed.
func TestFusion(t *testing.T) {
	for _, f := range fusible {
		t.Run(f.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			g := G.NewGraph()
			in := G.Nodes{
				input(g, "x", difftest.Normal(rng, 4, 4)), input(g, "y", difftest.Normal(rng, 4, 4)),
				input(g, "z", difftest.Normal(rng, 4, 4)), input(g, "b", difftest.Normal(rng, 4)),
			}
			out := f.build(in[0], in[1], in[2], in[3])
			all, allPlan := compile(t, below(out)...)
			fused := must(symbolic.CompileTogether([]G.Nodes{in}, out))
			fusedPlan := must(fused.Plan(out))
			if got := fused.Bytes() / (16 * 8); got != int64(f.stored) {
				t.Errorf("%d values are stored, want %d", got, f.stored)
			}
			for i := range len(in) + 1 {
				run(t, allPlan)
				run(t, fusedPlan)
				if got, want := flat(t, fused.Value(out)), flat(t, all.Value(out)); !slices.Equal(got, want) {
					t.Errorf("after %d changes: %v, want %v", i, got, want)
				}
				if i < len(in) {
					next := difftest.Normal(rng, in[i].Shape()...)
					set(t, all, in[i], next)
					set(t, fused, in[i], next)
				}
			}
		})
	}
}

// What an input does not reach is kept when it changes, not fused with what it
// reaches.
func TestFusionRepeatsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	g := G.NewGraph()
	x, y := input(g, "x", difftest.Normal(rng, 4, 4)), input(g, "y", difftest.Normal(rng, 4, 4))
	v := input(g, "v", difftest.Normal(rng, 4, 4))
	kept := product(x, y)
	out := must(op.Add(kept, v))
	for _, c := range []struct {
		groups []G.Nodes
		stored bool
	}{
		{nil, true},
		{[]G.Nodes{{x, y}, {v}}, true},
		{[]G.Nodes{{x, y}}, true},
		{[]G.Nodes{{x, y, v}}, false},
	} {
		p := must(symbolic.CompileTogether(c.groups, out))
		_, err := p.Plan(kept)
		if stored := err == nil; stored != c.stored {
			t.Errorf("groups %v: stored is %t, want %t", c.groups, stored, c.stored)
		}
	}
	if p := must(symbolic.CompileTogether([]G.Nodes{{x, y, v}}, out, kept)); second(p.Plan(kept)) != nil {
		t.Error("an output was fused")
	}
	b := input(g, "b", difftest.Normal(rng, 4))
	row := must(op.RepeatRow(b, 4))
	if p := must(symbolic.Compile(must(op.Add(row, kept)))); second(p.Plan(kept)) != nil || second(p.Plan(row)) == nil {
		t.Error("a product was fused with a row that changes on its own, or the row is stored as a matrix")
	}
}
