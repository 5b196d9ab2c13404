package symbolic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// dependsOn tells whether w is below n, or n itself.
func dependsOn(n, w *G.Node) bool {
	return n == w || slices.ContainsFunc(symbolic.Children(n), func(c *G.Node) bool { return dependsOn(c, w) })
}

// calls lists the taps at and below nodes, with how often each was computed.
func calls(nodes ...*G.Node) map[*G.Node]int {
	found := make(map[*G.Node]int)
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if o, ok := n.Op().(*tap); ok {
			found[n] = *o.calls
		}
		for _, c := range symbolic.Children(n) {
			visit(c)
		}
	}
	for _, n := range nodes {
		visit(n)
	}
	return found
}

func tapped(n *G.Node) *G.Node { return must(G.ApplyOp(&tap{calls: new(int)}, n)) }

// tappedProduct is a small Hessian-vector product with taps all along the
// forward, the first backward and the second backward pass.
func tappedProduct(t *testing.T) (w, seed, v, product *G.Node) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	g := G.NewGraph()
	w = input(g, "w", difftest.Normal(rng, 3, 2))
	z := tapped(must(op.Tanh(tapped(must(op.Mul(w, w))))))
	loss := tapped(must(op.ColSum(z)))
	seed = input(g, "seed", difftest.Normal(rng, 2))
	v = input(g, "v", difftest.Normal(rng, 3, 2))
	grads := pullback(t, G.Nodes{loss}, G.Nodes{seed}, G.Nodes{w})
	return w, seed, v, pullback(t, grads, G.Nodes{v}, G.Nodes{w})[0]
}

func TestOnlyWhatAChangeReachesIsComputedAgain(t *testing.T) {
	w, seed, v, product := tappedProduct(t)
	program, plan := compile(t, product)
	run(t, plan)
	counts := calls(product)
	above := map[*G.Node]int{w: 0, seed: 0, v: 0}
	for n, c := range counts {
		if c != 1 {
			t.Errorf("%s was computed %d times in the first run, want once", n.Name(), c)
		}
		for _, in := range []*G.Node{w, seed, v} {
			if dependsOn(n, in) {
				above[in]++
			}
		}
	}
	// A test that could not fail would have all taps, or none, above v.
	for in, n := range above {
		if n == 0 || n == len(counts) {
			t.Fatalf("of %d taps, %d are above %s", len(counts), n, in.Name())
		}
	}
	for _, changed := range []G.Nodes{{}, {v}, {v}, {seed}, {w}, {seed, v}} {
		before := calls(product)
		for i, n := range changed {
			if i%2 == 0 {
				program.Changed(n)
				continue
			}
			set(t, program, n, must(G.CloneValue(n.Value())))
		}
		run(t, plan)
		for n, c := range calls(product) {
			want := before[n]
			if slices.ContainsFunc(changed, func(in *G.Node) bool { return dependsOn(n, in) }) {
				want++
			}
			if c != want {
				t.Errorf("after a change of %v: %s was computed %d times, want %d", changed, n.Name(), c-before[n], want-before[n])
			}
		}
	}
}

func TestOnlyWhatIsAskedForIsComputed(t *testing.T) {
	g := G.NewGraph()
	x := input(g, "x", dense([]int{2}, 1, 2))
	wanted, other := tapped(x), tapped(x)
	unused := tapped(wanted)
	program, err := symbolic.Compile(wanted, other)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := program.Plan(wanted)
	if err != nil {
		t.Fatal(err)
	}
	run(t, plan)
	for n, want := range map[*G.Node]int{wanted: 1, other: 0, unused: 0} {
		if got := *n.Op().(*tap).calls; got != want {
			t.Errorf("%s was computed %d times, want %d", n.Name(), got, want)
		}
	}
	if got := program.Bytes(); got != 2*2*8 {
		t.Errorf("buffers of %d bytes, want those of two pairs of float64", got)
	}
	if v := program.Value(unused); v != nil {
		t.Errorf("value %v of a node that is not part of the program", v)
	}
	if v := program.Value(other); v != nil {
		t.Errorf("value %v of a node that was not computed", v)
	}
}

// Plans share what they compute.
func TestPlansOfOneProgram(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 1, 2))
	shared := tapped(x)
	a, b := must(op.Scale(shared, 2)), must(op.Scale(shared, 3))
	program, err := symbolic.Compile(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []*G.Node{a, b, shared} {
		run(t, must(program.Plan(n)))
	}
	if got := *shared.Op().(*tap).calls; got != 1 {
		t.Errorf("the shared node was computed %d times, want once", got)
	}
	if got := flat(t, program.Value(b)); !slices.Equal(got, []float64{3, 6}) {
		t.Errorf("3·x = %v", got)
	}
}

func TestConstantAsOutput(t *testing.T) {
	if got := values(t, G.NewConstant(3.0))[0]; got[0] != 3 {
		t.Errorf("the constant 3 is %v", got)
	}
}

func TestPanicsComeBackAsErrors(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 1, 2))
	armed := false
	y := must(G.ApplyOp(&tap{calls: new(int), do: func() {
		if armed {
			panic("out of cheese")
		}
	}}, x))
	z := must(op.Scale(y, 2))
	program, plan := compile(t, z)
	run(t, plan)
	armed = true
	program.Changed(x)
	err := plan.Run()
	for _, want := range []string{"symbolic: ", "tap", y.Name(), "out of cheese"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	armed = false
	set(t, program, x, dense([]int{2}, 5, 6))
	run(t, plan)
	if got := flat(t, program.Value(z)); !slices.Equal(got, []float64{10, 12}) {
		t.Errorf("after the error 2·x = %v, want [10 12]", got)
	}
}

func TestProgramErrors(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float64, G.WithShape(2, 3), G.WithName("x"))
	y := must(op.Tanh(x))
	program, plan := compile(t, y)
	foreign := input(G.NewGraph(), "foreign", dense([]int{1}, 1))
	turned := tensor.New(tensor.WithShape(3, 2), tensor.Of(tensor.Float64))
	if err := turned.T(); err != nil {
		t.Fatal(err)
	}
	random := must(G.Square(G.UniformRandomNode(g, tensor.Float64, 0, 1, 2, 3)))
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"missing value", plan.Run(), []string{`input "x" has no value`, y.Name()}},
		{"wrong shape", program.Set(x, tensor.New(tensor.WithShape(3, 2), tensor.Of(tensor.Float64))), []string{`input "x"`, "(3, 2)", "want float64 of shape (2, 3)"}},
		{"wrong type", program.Set(x, tensor.New(tensor.WithShape(2, 3), tensor.Of(tensor.Float32))), []string{`input "x"`, "float32", "want float64 of shape (2, 3)"}},
		{"scalar", program.Set(x, G.NewF64(1)), []string{`input "x"`, "want float64 of shape (2, 3)"}},
		{"no value", program.Set(x, nil), []string{`input "x"`, "want float64 of shape (2, 3)"}},
		{"transposed view", program.Set(x, turned), []string{`input "x"`, "row-major"}},
		{"computed node", program.Set(y, dense([]int{2, 3}, 1, 2, 3, 4, 5, 6)), []string{y.Name(), "only inputs"}},
		{"foreign plan", second(program.Plan(foreign)), []string{`"foreign"`, "not part of the program"}},
		{"nil output", second(symbolic.Compile(y, nil)), []string{"output 1 of the program is nil"}},
		{"nil in a plan", second(program.Plan(nil)), []string{"output 0 of the plan is nil"}},
		{"random node", second(symbolic.Compile(random)), []string{"make it an input"}},
	} {
		for _, want := range append(c.want, "symbolic: ") {
			if c.err == nil || !strings.Contains(c.err.Error(), want) {
				t.Errorf("%s: error %v, want one with %q", c.name, c.err, want)
			}
		}
	}
	if err := program.Set(foreign, dense([]int{1}, 1)); err != nil {
		t.Errorf("Set of a node that no output needs: %v", err)
	}
	program.Changed(foreign)
	if program.Value(foreign) != nil {
		t.Error("value of a node of another graph is not nil")
	}
}

func second[T any](_ T, err error) error { return err }

// Operations may give a view, or a number in a tensor; what comes after them
// relies on row-major tensors, and on scalars for scalar nodes.
func TestValuesAreBroughtIntoForm(t *testing.T) {
	view := dense([]int{3, 2}, 1, 4, 2, 5, 3, 6)
	if err := view.T(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		like  *tensor.Dense // the operand, whose shape the graph expects
		value G.Value
		want  []float64 // twice the value
		err   string
	}{
		{"row-major", dense([]int{3}, 0, 0, 0), dense([]int{3}, 1, 2, 3), []float64{2, 4, 6}, ""},
		{"transposed view", dense([]int{2, 3}, make([]float64, 6)...), view, []float64{2, 4, 6, 8, 10, 12}, ""},
		{"another shape", dense([]int{3}, 0, 0, 0), dense([]int{3, 1}, 1, 2, 3), nil, "gave shape (3, 1); the graph expects (3)"},
		{"a scalar", dense([]int{1}, 0), G.NewF64(1), nil, "gave shape (); the graph expects (1)"},
		{"nothing", dense([]int{3}, 0, 0, 0), nil, nil, "gave no value"},
	} {
		x := input(G.NewGraph(), "x", c.like)
		given := must(G.ApplyOp(&giver{value: c.value}, x))
		twice := must(op.Scale(given, 2))
		program, plan := compile(t, twice)
		err := plan.Run()
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want one with %q", c.name, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		default:
			if got := flat(t, program.Value(twice)); !slices.Equal(got, c.want) {
				t.Errorf("%s: twice the value is %v, want %v", c.name, got, c.want)
			}
		}
	}
}

// Stock Mul transposes its operands in place, and every tensor of parameters
// is an operand of programs in several goroutines.
func TestProgramsShareParameters(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	w1, w2 := difftest.Normal(rng, 3, 5), difftest.Normal(rng, 5, 2)
	build := func(x *tensor.Dense) (*symbolic.Program, *symbolic.Plan, G.Nodes) {
		g := G.NewGraph()
		in := G.Nodes{input(g, "w1", w1), input(g, "w2", w2)}
		h := must(G.Tanh(must(G.Mul(input(g, "x", x), in[0]))))
		y := must(G.Mul(h, in[1]))
		ones := input(g, "ones", mapped(difftest.Normal(rng, 4, 2), func(float64) float64 { return 1 }))
		grads := pullback(t, G.Nodes{must(G.Square(y))}, G.Nodes{ones}, in)
		products := pullback(t, grads, G.Nodes{in[0], in[1]}, in)
		out := slices.Concat(grads, products)
		program, plan := compile(t, out...)
		for _, n := range in {
			set(t, program, n, n.Value())
		}
		return program, plan, append(in, out...)
	}
	var wg sync.WaitGroup
	for range 4 {
		x := difftest.Normal(rng, 4, 3)
		alone, alonePlan, aloneNodes := build(x)
		run(t, alonePlan)
		want := vector(t, alone, aloneNodes)
		program, plan, nodes := build(x)
		wg.Go(func() {
			for range 50 {
				program.Changed(nodes[0], nodes[1])
				if err := plan.Run(); err != nil {
					t.Error(err)
					return
				}
				if got := vector(t, program, nodes); !slices.Equal(got, want) {
					t.Errorf("with others at work: %v, alone: %v", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if !slices.Equal(w1.Shape(), []int{3, 5}) || !slices.Equal(w2.Shape(), []int{5, 2}) {
		t.Errorf("the shared tensors now have shapes %v and %v", w1.Shape(), w2.Shape())
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	g := G.NewGraph()
	in := inputs(g, normal(rng)([]int{6, 2}, []int{2, 5}, []int{5}, []int{5, 3}, []int{6, 3}, []int{6}))
	x, params, y, weights := in[0], in[1:4], in[4], in[5]
	h := must(op.Tanh(must(op.AddRow(must(op.MatMul(x, params[0], false, false)), params[1]))))
	loss := must(op.SoftmaxCrossEntropy(must(op.MatMul(must(op.GELU(h)), params[2], false, false)), y))
	grads := pullback(t, G.Nodes{loss}, G.Nodes{weights}, params)
	v := likewise(g, "v", params, rng)
	products := pullback(t, grads, v, params)
	program, plan := compile(t, slices.Concat(G.Nodes{loss}, grads, products)...)
	for name, changed := range map[string]G.Nodes{"nothing": nil, "directions": v, "parameters": params, "samples": {x}} {
		allocs := testing.AllocsPerRun(20, func() {
			program.Changed(changed...)
			if err := plan.Run(); err != nil {
				t.Error(err)
			}
		})
		if allocs != 0 && !raceEnabled { // the race detector empties pools of scratch memory at random
			t.Errorf("a run after a change of %s allocates %v times, want never", name, allocs)
		}
	}
}

func TestCompileRefusesNil(t *testing.T) {
	x := input(G.NewGraph(), "x", dense([]int{2}, 1, 2))
	for i, outs := range []G.Nodes{{nil, x}, {x, nil}} {
		if _, err := symbolic.Compile(outs...); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("output %d of the program is nil", i)) {
			t.Errorf("error %v; want one about output %d", err, i)
		}
	}
}

// A sparse matrix has no buffer that could be seen in another shape.
func TestReshapeRefusesASparseMatrix(t *testing.T) {
	sparse := tensor.CSCFromCoord(tensor.Shape{2, 3}, []int{0, 1}, []int{1, 2}, []float64{5, 6})
	x := G.NewMatrix(G.NewGraph(), tensor.Float64, G.WithShape(2, 3), G.WithName("x"), G.WithValue(sparse))
	y, err := op.Reshape(x, tensor.Shape{3, 2})
	if err != nil {
		t.Fatal(err)
	}
	program, err := symbolic.Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := program.Plan(y)
	if err == nil {
		err = plan.Run()
	}
	if err == nil || !strings.Contains(err.Error(), "value is a *tensor.CS; want a dense tensor") {
		t.Errorf("error %v", err)
	}
}
