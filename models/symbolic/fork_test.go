package symbolic_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// network of one layer, wide enough that its weights and direction are packed, with
// taps on what depends on the weights alone, on the samples, and on the direction.
type forked struct {
	x, w, v, product      *G.Node
	weights, base, moving *G.Node
}

func newForked(t *testing.T, x, w, v *tensor.Dense) forked {
	t.Helper()
	g := G.NewGraph()
	f := forked{x: input(g, "x", x), w: input(g, "w", w), v: input(g, "v", v)}
	f.weights = tapped(must(op.Mul(f.w, f.w)))
	f.base = tapped(must(op.Tanh(must(op.MatMul(f.x, f.w, false, true)))))
	image := must(op.MatMul(f.base, f.weights, false, false))
	f.moving = tapped(must(op.MatMul(f.x, f.v, false, true)))
	f.product = must(op.MatMul(must(op.Mul(f.moving, f.base)), image, true, false))
	return f
}

// Forks in any order give what programs of their own give. What depends on the
// weights alone is computed once for all, what depends on the samples once for each,
// and the rest anew whenever another fork has been run.
func TestForks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, in, out, forks = 20, 30, 40, 3
	w, v := difftest.Normal(rng, out, in), difftest.Normal(rng, out, in)
	f := newForked(t, difftest.Normal(rng, n, in), w, v)
	base, err := symbolic.CompileTogether([]G.Nodes{{f.x}, {f.w}, {f.v}}, f.product, f.weights, f.base, f.moving)
	if err != nil {
		t.Fatal(err)
	}
	programs, plans, wants := make([]*symbolic.Program, forks), make([]*symbolic.Plan, forks), make([]func() []float64, forks)
	for i := range forks {
		if programs[i], err = base.Fork(G.Nodes{f.x}, G.Nodes{f.v}); err != nil {
			t.Fatal(err)
		}
		if plans[i], err = programs[i].Plan(f.product); err != nil {
			t.Fatal(err)
		}
		data := difftest.Normal(rng, n, in)
		copy(programs[i].Value(f.x).(*tensor.Dense).Float64s(), data.Float64s())
		programs[i].Changed(f.x)
		wants[i] = func() []float64 { // with nothing packed or shared
			alone := newForked(t, data, w.Clone().(*tensor.Dense), v.Clone().(*tensor.Dense))
			return values(t, alone.product)[0]
		}
	}
	check := func(i int) {
		t.Helper()
		run(t, plans[i])
		if got, want := flat(t, programs[i].Value(f.product)), wants[i](); !slices.Equal(got, want) {
			t.Fatalf("fork %d is not what a program of its own gives", i)
		}
	}
	count := func(n *G.Node) int { return *n.Op().(*tap).calls }
	for i := range forks {
		check(i)
	}
	for _, i := range []int{0, 2, 2, 1, 0} {
		check(i)
	}
	if got := [3]int{count(f.weights), count(f.base), count(f.moving)}; got != [3]int{1, forks, forks + 4} {
		t.Errorf("computed %v times; want once, once a fork, and at each change of forks", got)
	}
	v.Float64s()[3]++
	base.Changed(f.v)
	check(1)
	check(0)
	if got := [2]int{count(f.weights), count(f.base)}; got != [2]int{1, forks} {
		t.Errorf("after a change of the direction: computed %v times; want no more", got)
	}
	w.Float64s()[3]++
	programs[2].Changed(f.w)
	for i := range forks {
		check(i)
	}
	if got := [2]int{count(f.weights), count(f.base)}; got != [2]int{2, 2 * forks} {
		t.Errorf("after a change of the weights: computed %v times; want once more, and once a fork", got)
	}
	if got, want := programs[0].OwnBytes(), int64(8*(n*in+2*n*out+n*in)); got < want-8*n*out || got > want {
		t.Errorf("a fork has %d bytes of its own; want about %d: samples, activations", got, want)
	}
	if allocs := testing.AllocsPerRun(5, func() {
		programs[0].Changed(f.v)
		for _, p := range plans {
			if err := p.Run(); err != nil {
				t.Error(err)
			}
		}
	}); allocs > 10*forks { // the taps are no Binders, and clone their operands
		t.Errorf("%v allocations", allocs)
	}
	if _, err := base.Fork(G.Nodes{f.product}, nil); err == nil {
		t.Error("no error for a fork with its own tensor for a result")
	}
}

// Forks on goroutines of their own give what they give one after the other, where a
// direction is shared and packed once for all.
func TestForksOnGoroutines(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, in, out, forks = 20, 30, 40, 4
	w, v := difftest.Normal(rng, out, in), difftest.Normal(rng, out, in)
	network := func(x *tensor.Dense) (inputs G.Nodes, y *G.Node) {
		g := G.NewGraph()
		inputs = G.Nodes{input(g, "x", x), input(g, "w", w), input(g, "v", v)}
		return inputs, must(op.Mul(must(op.MatMul(inputs[0], inputs[1], false, true)), must(op.MatMul(inputs[0], inputs[2], false, true))))
	}
	nodes, y := network(difftest.Normal(rng, n, in))
	base, err := symbolic.CompileTogether([]G.Nodes{{nodes[0]}, {nodes[1]}, {nodes[2]}}, y)
	if err != nil {
		t.Fatal(err)
	}
	if !base.Concurrent() {
		t.Fatal("operations of package op are not concurrent")
	}
	programs, plans := make([]*symbolic.Program, forks), make([]*symbolic.Plan, forks)
	for i := range forks {
		if programs[i], err = base.Fork(nodes[:1], nil); err != nil {
			t.Fatal(err)
		}
		if plans[i], err = programs[i].Plan(y); err != nil {
			t.Fatal(err)
		}
	}
	for pass := range 3 {
		copy(v.Float64s(), difftest.Normal(rng, out, in).Float64s())
		base.Changed(nodes[2])
		if err := plans[0].RunShared(); err != nil {
			t.Fatal(err)
		}
		if base.Value(y) != nil || pass == 0 && programs[0].Value(y) != nil {
			t.Fatal("what forks do not share was computed")
		}
		data := make([]*tensor.Dense, forks)
		for i := range data {
			data[i] = difftest.Normal(rng, n, in)
		}
		var wait sync.WaitGroup
		for i := range forks {
			wait.Go(func() {
				copy(programs[i].Value(nodes[0]).(*tensor.Dense).Float64s(), data[i].Float64s())
				programs[i].Changed(nodes[0])
				if err := plans[i].Run(); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for i := range forks {
			_, want := network(data[i])
			if !slices.Equal(flat(t, programs[i].Value(y)), values(t, want)[0]) {
				t.Errorf("fork %d is not what a program of its own gives", i)
			}
		}
	}
	if p, err := symbolic.Compile(tapped(y)); err != nil || p.Concurrent() {
		t.Errorf("an operation that is no Binder is concurrent (%v)", err)
	}
}

func TestBytesOf(t *testing.T) {
	g := G.NewGraph()
	matrix := func(name string, rows, cols int) *G.Node {
		return input(g, name, tensor.New(tensor.WithShape(rows, cols), tensor.Of(tensor.Float64)))
	}
	x, v, w := matrix("x", 5, 3), matrix("v", 3, 3), matrix("w", 3, 2)
	y := must(op.MatMul(x, must(op.MatMul(v, w, false, false)), false, false))
	p, err := symbolic.Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := [3]int64{p.Bytes(), p.BytesOf(x), p.BytesOf(x, w)}, [3]int64{8 * 16, 8 * (15 + 10), 8 * (15 + 6 + 16)}; got != want {
		t.Errorf("the program, x and what depends on it, and so x and w: %v bytes; want %v", got, want)
	}
}
