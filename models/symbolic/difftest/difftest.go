package difftest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// A Function of tensors, as a graph, and the point to check it at.
type Function struct {
	// Build returns the value of the function at the nodes in.
	Build func(in G.Nodes) (*G.Node, error)
	// At are the values of in, float64. They are restored after the check.
	At []*tensor.Dense
	// Fixed are the indices of inputs that are not differentiated.
	Fixed []int
	// Step of the difference quotients; 1e-3 if zero, where the error of the
	// five-point formula and that of rounding are about equal. Take a smaller
	// one near kinks.
	Step float64
}

// Check compares derivatives of orders 1 to orders with five-point central
// differences of the derivative one order below, each contracted with random
// vectors. It returns the error of each order, relative to the derivative or to 1
// if that is larger. Orders end at a derivative that is structurally zero.
func Check(f Function, orders int, seed uint64) ([]float64, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	graph := G.NewGraph()
	in := make(G.Nodes, len(f.At))
	for i, t := range f.At {
		if t == nil || t.Dtype() != tensor.Float64 || t.Dims() == 0 {
			return nil, fmt.Errorf("difftest: input %d is %v; want a float64 tensor of one dimension or more", i, t)
		}
		in[i] = input(graph, fmt.Sprintf("in%d", i), t)
	}
	out, err := f.Build(in)
	switch {
	case err != nil:
		return nil, fmt.Errorf("difftest: building the function: %w", err)
	case out == nil:
		return nil, errors.New("difftest: the function built no node")
	}
	c := &check{function: f, graph: graph, in: in, rng: rng}
	level := G.Nodes{out}
	for order := range orders {
		seeds := c.random(level, fmt.Sprintf("seed%d.", order))
		grads, err := symbolic.Pullback(level, seeds, c.free())
		if err != nil {
			return nil, fmt.Errorf("difftest: derivative %d: %w", order+1, err)
		}
		c.levels = append(c.levels, derivative{of: level, seeds: seeds, grads: grads})
		level = nil
		for _, g := range grads {
			if g != nil {
				level = append(level, g)
			}
		}
		if len(level) == 0 {
			break
		}
	}
	return c.compare()
}

type check struct {
	function Function
	graph    *G.ExprGraph
	in       G.Nodes
	rng      *rand.Rand
	levels   []derivative
}

// derivative is one order: grads[i] = Σₖ (∂of[k]/∂in[i])ᵀ·seeds[k].
type derivative struct{ of, seeds, grads G.Nodes }

func (c *check) free() G.Nodes {
	var free G.Nodes
	for i, n := range c.in {
		if !slices.Contains(c.function.Fixed, i) {
			free = append(free, n)
		}
	}
	return free
}

// random adds an input with a random value for each node, of its shape.
func (c *check) random(like G.Nodes, name string) G.Nodes {
	nodes := make(G.Nodes, len(like))
	for i, n := range like {
		if n.IsScalar() {
			nodes[i] = G.NewScalar(c.graph, tensor.Float64, G.WithName(fmt.Sprint(name, i)), G.WithValue(c.rng.NormFloat64()))
			continue
		}
		nodes[i] = input(c.graph, fmt.Sprint(name, i), Normal(c.rng, n.Shape()...))
	}
	return nodes
}

func input(g *G.ExprGraph, name string, t *tensor.Dense) *G.Node {
	return G.NewTensor(g, tensor.Float64, t.Dims(), G.WithShape(t.Shape()...), G.WithName(name), G.WithValue(t))
}

// Normal returns a float64 tensor of independent standard normal numbers.
func Normal(rng *rand.Rand, shape ...int) *tensor.Dense {
	data := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range data {
		data[i] = rng.NormFloat64()
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
}

// compare evaluates ⟨seed, of⟩ along a random direction and the derivative's
// own ⟨grad, direction⟩ for every order.
func (c *check) compare() ([]float64, error) {
	var all G.Nodes
	for _, l := range c.levels {
		all = append(all, l.of...)
		for _, g := range l.grads {
			if g != nil {
				all = append(all, g)
			}
		}
	}
	program, err := symbolic.Compile(all...)
	if err != nil {
		return nil, err
	}
	plan, err := program.Plan(all...)
	if err != nil {
		return nil, err
	}
	errs := make([]float64, len(c.levels))
	for i, l := range c.levels {
		if errs[i], err = c.compareLevel(program, plan, l); err != nil {
			return nil, err
		}
	}
	return errs, nil
}

func (c *check) compareLevel(program *symbolic.Program, plan *symbolic.Plan, l derivative) (float64, error) {
	h := c.function.Step
	if h == 0 {
		h = 1e-3
	}
	free := c.free()
	start, directions := make([][]float64, len(free)), make([][]float64, len(free))
	for i, n := range free {
		start[i] = append([]float64(nil), flat(n.Value())...)
		directions[i] = flat(Normal(c.rng, n.Shape()...))
	}
	defer func() {
		for i, n := range free {
			copy(flat(n.Value()), start[i])
		}
	}()
	at := func(t float64) error {
		for i, n := range free {
			for j, d := range directions[i] {
				flat(n.Value())[j] = start[i][j] + t*d
			}
		}
		program.Changed(free...)
		return plan.Run()
	}
	value := func(t float64) (sum float64, err error) {
		if err := at(t); err != nil {
			return 0, err
		}
		for k, n := range l.of {
			sum += dot(flat(program.Value(n)), flat(l.seeds[k].Value()))
		}
		return sum, nil
	}
	quotient := 0.0
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		v, err := value(s.at * h)
		if err != nil {
			return 0, err
		}
		quotient += s.weight * v / (12 * h)
	}
	if err := at(0); err != nil {
		return 0, err
	}
	exact, scale := 0.0, 0.0
	for i, g := range l.grads {
		if g != nil {
			exact += dot(flat(program.Value(g)), directions[i])
			scale += math.Abs(dot(flat(program.Value(g)), directions[i]))
		}
	}
	return math.Abs(exact-quotient) / math.Max(scale, 1), nil
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// flat is the value's elements, row-major and shared where it is a tensor.
func flat(v G.Value) []float64 {
	switch v := v.(type) {
	case *G.F64:
		return []float64{float64(*v)}
	case *tensor.Dense:
		return v.Float64s()
	default:
		panic(fmt.Sprintf("difftest: value of type %T", v))
	}
}
