package difftest_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// wrong is a·b element by element with a derivative that is off, from the
// order of derivative on that is given.
type wrong struct {
	G.SDOp // that of op.Mul
	order  int
}

func (o wrong) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	if o.order > 1 {
		da, err := product(o.order - 1)(G.Nodes{grad, in[1]})
		if err != nil {
			return nil, err
		}
		db, err := product(o.order - 1)(G.Nodes{grad, in[0]})
		return G.Nodes{da, db}, err
	}
	da, err := op.Mul(grad, in[1])
	return G.Nodes{da, grad}, err // ∂/∂b is a, not 1
}

func (o wrong) Hashcode() uint32 { return o.SDOp.Hashcode() + uint32(o.order) }

// product builds a·b, wrong from the given order of derivative on.
func product(order int) func(in G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) {
		right, err := op.Mul(in[0], in[1])
		if err != nil {
			return nil, err
		}
		return G.ApplyOp(wrong{right.Op().(G.SDOp), order}, in...)
	}
}

func at(values ...float64) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(values)), tensor.WithBacking(values))
}

func TestCheckFindsTheOrderThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name    string
		build   func(in G.Nodes) (*G.Node, error)
		correct []bool // each order as the derivative of the one below
	}{
		{"right", func(in G.Nodes) (*G.Node, error) { return op.Mul(in[0], in[1]) }, []bool{true, true}},
		{"wrong at once", product(1), []bool{false, true}},
		{"wrong the second time", product(2), []bool{true, false}},
	} {
		f := difftest.Function{Build: c.build, At: []*tensor.Dense{at(0.5, -1), at(2, 3)}}
		errs, err := difftest.Check(f, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range errs {
			// 1e-3⁴ of truncation; a wrong term is of the order of 1.
			if correct := e < 1e-9; correct != c.correct[i] {
				t.Errorf("%s: derivative %d has error %.2g", c.name, i+1, e)
			}
		}
	}
}

// A derivative that is missing, not wrong, is found too.
func TestCheckFindsALostDerivative(t *testing.T) {
	lost := func(in G.Nodes) (*G.Node, error) {
		right, err := op.Tanh(in[0])
		if err != nil {
			return nil, err
		}
		return G.ApplyOp(constant{right.Op().(G.SDOp)}, in...)
	}
	errs, err := difftest.Check(difftest.Function{Build: lost, At: []*tensor.Dense{at(0.5, -1)}}, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(errs) != 1 || errs[0] < 0.01 {
		t.Errorf("errors %v, want one for the lost derivative", errs)
	}
}

// constant claims to be differentiable in nothing.
type constant struct{ G.SDOp }

func (constant) DiffWRT(int) []bool { return []bool{false} }

func (o constant) Hashcode() uint32 { return o.SDOp.Hashcode() + 1 }

func TestCheckLeavesThePointAsItWas(t *testing.T) {
	x := at(0.1, math.Pi, -1e-300)
	want := slices.Clone(x.Float64s())
	tanh := func(in G.Nodes) (*G.Node, error) { return op.Tanh(in[0]) }
	first, err := difftest.Check(difftest.Function{Build: tanh, At: []*tensor.Dense{x}}, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Float64s(), want) {
		t.Errorf("the point is %v, was %v", x.Float64s(), want)
	}
	again, err := difftest.Check(difftest.Function{Build: tanh, At: []*tensor.Dense{x}}, 3, 1)
	if err != nil || !slices.Equal(first, again) {
		t.Errorf("with the same seed: %v and %v, error %v", first, again, err)
	}
}

func TestFixedInputsAreNotDifferentiated(t *testing.T) {
	f := difftest.Function{Build: product(1), At: []*tensor.Dense{at(0.5, -1), at(2, 3)}, Fixed: []int{1}}
	errs, err := difftest.Check(f, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !(errs[0] < 1e-9) { // the wrong derivative is that of the second input
		t.Errorf("error %.2g of the first input alone", errs[0])
	}
}

// A step over the kink of a rectifier is what Step is for.
func TestStep(t *testing.T) {
	relu := func(in G.Nodes) (*G.Node, error) { return op.ReLU(in[0]) }
	for step, ok := range map[float64]bool{0: false, 1e-6: true} {
		f := difftest.Function{Build: relu, At: []*tensor.Dense{at(1e-4, -1e-4)}, Step: step}
		errs, err := difftest.Check(f, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if (errs[0] < 1e-8) != ok { // rounding: 1e-16·1e-4/1e-6
			t.Errorf("step %g: error %.2g", step, errs[0])
		}
	}
}

func TestErrors(t *testing.T) {
	identity := func(in G.Nodes) (*G.Node, error) { return in[0], nil }
	single := tensor.New(tensor.WithShape(2), tensor.Of(tensor.Float32))
	for _, c := range []struct {
		name string
		f    difftest.Function
		want string
	}{
		{"float32", difftest.Function{Build: identity, At: []*tensor.Dense{single}}, "input 0 "},
		{"nil", difftest.Function{Build: identity, At: []*tensor.Dense{at(1), nil}}, "input 1 "},
		{"scalar", difftest.Function{Build: identity, At: []*tensor.Dense{tensor.New(tensor.FromScalar(1.0))}}, "input 0 "},
		{"not built", difftest.Function{Build: func(G.Nodes) (*G.Node, error) { return nil, errors.New("no bricks") }, At: []*tensor.Dense{at(1)}}, "no bricks"},
		{"no node", difftest.Function{Build: func(G.Nodes) (*G.Node, error) { return nil, nil }, At: []*tensor.Dense{at(1)}}, "no node"},
		{"refused", difftest.Function{Build: func(in G.Nodes) (*G.Node, error) { return G.SoftMax(in[0]) }, At: []*tensor.Dense{at(1, 2)}}, "derivative 1: symbolic: operation Softmax"},
	} {
		if _, err := difftest.Check(c.f, 1, 1); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "difftest: ") {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestNormal(t *testing.T) {
	a, b := difftest.Normal(rand.New(rand.NewPCG(1, 2)), 50, 40), difftest.Normal(rand.New(rand.NewPCG(1, 2)), 50, 40)
	if !slices.Equal(a.Float64s(), b.Float64s()) {
		t.Error("the same generator gave different tensors")
	}
	mean, square := 0.0, 0.0
	for _, v := range a.Float64s() {
		mean += v / 2000
		square += v * v / 2000
	}
	// Standard errors 1/√2000 = 0.02 and √(2/2000) = 0.03.
	if math.Abs(mean) > 0.1 || math.Abs(square-1) > 0.15 {
		t.Errorf("mean %g and mean square %g of 2000 standard normal numbers", mean, square)
	}
}
