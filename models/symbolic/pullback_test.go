package symbolic_test

import (
	"hash"
	"math"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// point is a vector (2, −1), seeds for vectors like it, and another vector.
type point struct{ x, seed, other *G.Node }

func newPoint() point {
	g := G.NewGraph()
	return point{
		x:     input(g, "x", dense([]int{2}, 2, -1)),
		seed:  input(g, "seed", dense([]int{2}, 1, 10)),
		other: input(g, "other", dense([]int{2}, 3, 4)),
	}
}

func (p point) square() *G.Node { return must(op.Mul(p.x, p.x)) }

func TestPullback(t *testing.T) {
	type nodes = G.Nodes
	for _, c := range []struct {
		name string
		f    func(p point) (outs, seeds, wrt nodes)
		want [][]float64 // nil for no dependence
	}{
		{"x²", func(p point) (outs, seeds, wrt nodes) {
			return nodes{p.square()}, nodes{p.seed}, nodes{p.x}
		}, [][]float64{{4, -20}}},
		{"an output that is asked for", func(p point) (outs, seeds, wrt nodes) {
			y := p.square()
			return nodes{y}, nodes{p.seed}, nodes{y}
		}, [][]float64{{1, 10}}},
		{"an input that is an output", func(p point) (outs, seeds, wrt nodes) {
			return nodes{p.x}, nodes{p.seed}, nodes{p.x}
		}, [][]float64{{1, 10}}},
		{"an output below another", func(p point) (outs, seeds, wrt nodes) {
			y := p.square() // x², and x⁴ above it
			return nodes{must(op.Mul(y, y)), y}, nodes{p.seed, p.other}, nodes{y, p.x}
		}, [][]float64{{8 + 3, 20 + 4}, {44, -48}}},
		{"the same in another order", func(p point) (outs, seeds, wrt nodes) {
			y := p.square()
			return nodes{y, must(op.Mul(y, y))}, nodes{p.other, p.seed}, nodes{p.x, y}
		}, [][]float64{{44, -48}, {11, 24}}},
		{"one asked for below another", func(p point) (outs, seeds, wrt nodes) {
			y := p.square()
			return nodes{must(op.Mul(y, p.x))}, nodes{p.seed}, nodes{p.x, y}
		}, [][]float64{{12, 30}, {2, -10}}}, // ∂x³ in full, and the direct part by y
		{"one asked for alone", func(p point) (outs, seeds, wrt nodes) {
			y := p.square()
			return nodes{must(op.Mul(y, p.x))}, nodes{p.seed}, nodes{y}
		}, [][]float64{{2, -10}}},
		{"asked for twice", func(p point) (outs, seeds, wrt nodes) {
			return nodes{p.square()}, nodes{p.seed}, nodes{p.x, p.x}
		}, [][]float64{{4, -20}, {4, -20}}},
		{"no dependence", func(p point) (outs, seeds, wrt nodes) {
			return nodes{p.square()}, nodes{p.seed}, nodes{p.other, p.x}
		}, [][]float64{nil, {4, -20}}},
		{"an operand without a derivative", func(p point) (outs, seeds, wrt nodes) {
			sign := must(G.Sign(p.x))
			return nodes{must(op.Mul(sign, p.other))}, nodes{p.seed}, nodes{p.x, p.other}
		}, [][]float64{nil, {1, -10}}},
		{"nothing asked for", func(p point) (outs, seeds, wrt nodes) {
			return nodes{p.square()}, nodes{p.seed}, nil
		}, [][]float64{}},
		{"several outputs with a part in common", func(p point) (outs, seeds, wrt nodes) {
			y := p.square()
			return nodes{must(op.Scale(y, 2)), must(op.Add(y, p.other)), must(op.Mul(y, p.other))},
				nodes{p.seed, p.seed, p.seed}, nodes{p.x, p.other}
		}, [][]float64{{4 * (2 + 1 + 3), -20 * (2 + 1 + 4)}, {1 + 4, 10 + 10}}},
		{"the same output twice", func(p point) (outs, seeds, wrt nodes) {
			y := p.square()
			return nodes{y, y}, nodes{p.seed, p.other}, nodes{p.x}
		}, [][]float64{{16, -28}}},
		{"the seed is the output", func(p point) (outs, seeds, wrt nodes) {
			y := p.square() // the gradient of ½x⁴
			return nodes{y}, nodes{y}, nodes{p.x}
		}, [][]float64{{16, -2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			outs, seeds, wrt := c.f(newPoint())
			grads := pullback(t, outs, seeds, wrt)
			if len(grads) != len(c.want) {
				t.Fatalf("%d gradients, want %d", len(grads), len(c.want))
			}
			for i, g := range grads {
				if g == nil || c.want[i] == nil {
					if g != nil || c.want[i] != nil {
						t.Errorf("gradient %d is %v, want %v", i, g, c.want[i])
					}
					continue
				}
				if got := values(t, g)[0]; !slices.Equal(got, c.want[i]) {
					t.Errorf("gradient %d is %v, want %v", i, got, c.want[i])
				}
			}
		})
	}
}

// Gorgonia's own Grad cannot be applied twice to one graph; the pullback must
// be right whatever was derived before it.
func TestPullbackThreeTimes(t *testing.T) {
	p := newPoint()
	y, err := G.Pow(p.x, G.NewConstant(4.0))
	if err != nil {
		t.Fatal(err)
	}
	ones := input(p.x.Graph(), "ones", dense([]int{2}, 1, 1))
	level := G.Nodes{y}
	// 4x³, 12x², 24x at 2 and −1
	for order, want := range [][]float64{{32, -4}, {48, 12}, {48, -24}} {
		level = pullback(t, level, G.Nodes{ones}, G.Nodes{p.x})
		got := values(t, level...)[0]
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-13*math.Abs(want[i]) {
				t.Errorf("derivative %d of x⁴ is %v, want %v", order+1, got, want)
			}
		}
	}
	again := pullback(t, G.Nodes{y}, G.Nodes{ones}, G.Nodes{p.x})
	if got := values(t, again...)[0]; got[0] != 32 || got[1] != -4 {
		t.Errorf("derivative 1, derived again, is %v, want [32 -4]", got)
	}
}

func TestPullbackErrors(t *testing.T) {
	p, q := newPoint(), newPoint()
	y := p.square()
	matrix := input(p.x.Graph(), "matrix", dense([]int{2, 1}, 1, 2))
	single := G.NewVector(p.x.Graph(), tensor.Float32, G.WithShape(2), G.WithName("single"))
	hidden := must(G.ApplyOp(opaque{}, y))
	bad := must(G.ApplyOp(&faulty{}, p.x))
	explosive := must(G.ApplyOp(&faulty{panics: true}, p.x))
	undecided := must(G.ApplyOp(&undecided{}, p.x))
	type nodes = G.Nodes
	for _, c := range []struct {
		name        string
		outs, seeds nodes
		want        string
	}{
		{"no outputs", nil, nil, "0 outputs and 0 seeds"},
		{"too few seeds", nodes{y, p.x}, nodes{p.seed}, "2 outputs and 1 seeds"},
		{"too many seeds", nodes{y}, nodes{p.seed, p.seed}, "1 outputs and 2 seeds"},
		{"seed of another shape", nodes{y}, nodes{matrix}, "of shape (2), its seed float64 of shape (2, 1)"},
		{"seed of another type", nodes{y}, nodes{single}, "is float64 of shape (2), its seed float32"},
		{"seed of another graph", nodes{y}, nodes{q.seed}, "of different graphs"},
		{"nil output", nodes{y, nil}, nodes{p.seed, p.seed}, "output or seed 1 is nil"},
		{"nil seed", nodes{y}, nodes{nil}, "output or seed 0 is nil"},
		{"no derivative", nodes{hidden}, nodes{p.seed}, "operation opaque of node"},
		{"wrong number of gradients", nodes{bad}, nodes{p.seed}, "not one gradient for each operand"},
		{"panic", nodes{explosive}, nodes{p.seed}, "panic: no derivative today"},
		{"panic before", nodes{undecided}, nodes{p.seed}, "panic: differentiable in what?"},
	} {
		_, err := symbolic.Pullback(c.outs, c.seeds, nodes{p.x})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "symbolic: ") {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if err := symbolic.Check(nodes{undecided}, nodes{p.x}); err == nil {
		t.Error("Check: no error for a panic of an operation")
	}
}

// undecided does not know what it is differentiable in.
type undecided struct{ tap }

func (*undecided) DiffWRT(int) []bool    { panic("differentiable in what?") }
func (*undecided) WriteHash(h hash.Hash) { h.Write([]byte("undecided")) }
func (*undecided) Hashcode() uint32      { return 4 }

// faulty has a derivative that does not work.
type faulty struct {
	opaque
	panics bool
}

func (o *faulty) DiffWRT(int) []bool { return []bool{true} }

func (o *faulty) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) {
	if o.panics {
		panic("no derivative today")
	}
	return nil, nil
}

func (o *faulty) Hashcode() uint32 {
	if o.panics {
		return 3
	}
	return 2
}
