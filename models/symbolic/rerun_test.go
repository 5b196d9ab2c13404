package symbolic_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// differentiated is a function with its gradient and a Hessian-vector product.
type differentiated struct {
	in  G.Nodes // all inputs: those of the function, seed, direction
	out G.Nodes // all that can be computed: f, its gradient, the product
}

func differentiate(t *testing.T, f build, at []*tensor.Dense, rng *rand.Rand) differentiated {
	t.Helper()
	g := G.NewGraph()
	wrt := inputs(g, at)
	y, err := f(wrt)
	if err != nil {
		t.Fatal(err)
	}
	seeds := likewise(g, "seed", G.Nodes{y}, rng)
	grads := pullback(t, G.Nodes{y}, seeds, wrt)
	directions := likewise(g, "v", grads, rng)
	products := pullback(t, grads, directions, wrt)
	d := differentiated{in: slices.Concat(wrt, seeds, directions), out: G.Nodes{y}}
	for _, n := range slices.Concat(grads, products) {
		if n != nil {
			d.out = append(d.out, n)
		}
	}
	return d
}

// likewise adds an input for each node, of its shape and with random values.
func likewise(g *G.ExprGraph, name string, nodes G.Nodes, rng *rand.Rand) G.Nodes {
	in := make(G.Nodes, len(nodes))
	for i, n := range nodes {
		in[i] = G.NewTensor(g, tensor.Float64, n.Dims(), G.WithShape(n.Shape()...), G.WithName(name+n.Name()))
		if n.IsScalar() {
			in[i] = G.NewScalar(g, tensor.Float64, G.WithName(name+n.Name()))
		}
		if err := G.Let(in[i], draw(rng, n)); err != nil {
			panic(err)
		}
	}
	return in
}

// draw is a value for n that is positive and so in the domain of everything.
func draw(rng *rand.Rand, n *G.Node) G.Value {
	if n.IsScalar() {
		return G.NewF64(1 + rng.Float64())
	}
	return positive(rng, n.Shape()...)
}

// A program must give to the bit what one gives that runs for the first time,
// whatever its inputs were before and however they changed.
func TestRerunsEqualFirstRuns(t *testing.T) {
	functions := stockFunctions()
	for _, s := range scalars {
		rng := rand.New(rand.NewPCG(9, 9))
		functions = append(functions, function{"x/" + s.name, unary(func(x *G.Node) (*G.Node, error) {
			return G.HadamardDiv(x, must(s.build(x)))
		}), []*tensor.Dense{positive(rng, 3, 4)}})
	}
	for _, f := range functions {
		t.Run(f.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			d := differentiate(t, composed(f.build), f.at, rng)
			program, plan := compile(t, d.out...)
			current := make(map[*G.Node]G.Value)
			for _, n := range d.in {
				current[n] = must(G.CloneValue(n.Value()))
				set(t, program, n, current[n])
			}
			run(t, plan)
			for round := range 6 {
				for i, n := range d.in {
					if round%3 != 0 && i != rng.IntN(len(d.in)) {
						continue // mostly, only some of the inputs change
					}
					next := draw(rng, n)
					if now, ok := current[n].(*tensor.Dense); ok && round%2 == 0 {
						copy(now.Float64s(), next.(*tensor.Dense).Float64s())
						program.Changed(n)
						continue
					}
					current[n] = next
					set(t, program, n, next)
				}
				before := make(map[*G.Node][]float64)
				for n, v := range current {
					before[n] = flat(t, v)
				}
				run(t, plan)
				first, firstPlan := compile(t, d.out...)
				for n, v := range current {
					set(t, first, n, must(G.CloneValue(v)))
				}
				run(t, firstPlan)
				for k, n := range d.out {
					if got, want := flat(t, program.Value(n)), flat(t, first.Value(n)); !slices.Equal(got, want) {
						t.Errorf("round %d: output %d (%s) is %v, and %v when run for the first time", round, k, n.Name(), got, want)
					}
				}
				for n, v := range current {
					if !slices.Equal(flat(t, v), before[n]) || !slices.Equal(v.Shape(), n.Shape()) {
						t.Errorf("round %d: the run changed input %s", round, n.Name())
					}
				}
			}
		})
	}
}

func set(t *testing.T, p *symbolic.Program, n *G.Node, v G.Value) {
	t.Helper()
	if err := p.Set(n, v); err != nil {
		t.Fatal(err)
	}
}

// The shares of a concatenation are cut out of the gradient by an operation
// that adds to the buffer it is given.
func TestRepeatedRunsDoNotAccumulate(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	concat := func(in G.Nodes) (*G.Node, error) { return G.Concat(0, in...) }
	d := differentiate(t, composed(concat), normal(rng)([]int{3, 2}, []int{2, 2}), rng)
	program, plan := compile(t, d.out...)
	run(t, plan)
	last := d.out[len(d.out)-1]
	want := flat(t, program.Value(last))
	for range 3 {
		program.Changed(d.in...)
		run(t, plan)
		if got := flat(t, program.Value(last)); !slices.Equal(got, want) {
			t.Fatalf("run again with the same inputs: %v, want %v", got, want)
		}
	}
}
