package models

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

const (
	mostRectified = 4096    // units of a network that is read by its values
	reach         = 1 << 20 // at which a layer is read: its bias hardly counts there
	readAgain     = 64      // random points at which what was read must hold
	readWithin    = 1e-11   // relative to the sum of the absolute values of the terms
)

// kinks are the arguments of the rectifiers, each one once.
func (f *Field) kinks() G.Nodes { return kinksBelow(f.replicas[0].Logits) }

func kinksBelow(n *G.Node) G.Nodes {
	var once G.Nodes
	for _, z := range kinked(n, make(map[*G.Node]bool)) {
		if !slices.Contains(once, z) {
			once = append(once, z)
		}
	}
	return once
}

// rectified reads the layers of a network from its graph. The arguments z₁, z₂, … of
// its rectifiers must be a chain, so that each depends on the input by the one before
// it alone. Then each is read as zₗ₊₁ = W·σ(zₗ) + b from its values at ±eᵢ, and must
// agree with that at random points of all magnitudes.
func (f *Field) rectified() (layers []Dense, activation Activation, ok bool) {
	r := f.replicas[0]
	chain := f.kinks()
	units := 0
	depth := make(map[*G.Node]int)
	for _, z := range chain {
		depth[z] = len(kinksBelow(z))
		units += z.Shape().TotalSize() / f.size
	}
	if units > mostRectified {
		return nil, "", false
	}
	slices.SortStableFunc(chain, func(a, b *G.Node) int { return cmp.Compare(depth[a], depth[b]) })
	for _, activation := range []Activation{ReLU, LeakyReLU} {
		slope, _ := activation.Slope()
		layers = layers[:0]
		from, below := r.Input, 1.0 // the input is taken as it is
		for _, to := range append(slices.Clone(chain), r.Logits) {
			m, err := f.stretch(from, to)
			if err != nil {
				return nil, "", false
			}
			layer, ok := m.read(below)
			if !ok {
				layers = nil
				break
			}
			layers = append(layers, layer)
			from, below = to, slope
		}
		if layers != nil {
			return layers, activation, true
		}
	}
	return nil, "", false
}

// stretch is the part of a network between two nodes, as a map of rows.
type stretch struct {
	program *symbolic.Program
	plan    *symbolic.Plan
	from    *G.Node
	to      *G.Node
	rows    int // that are computed at once
	width   int // of a row of from
	out     int // of a row of to
}

// stretch builds the nodes between from and to again, on a graph where from is an
// input.
func (f *Field) stretch(from, to *G.Node) (*stretch, error) {
	m := &stretch{rows: f.size, width: from.Shape().TotalSize() / f.size, out: to.Shape().TotalSize() / f.size}
	g := G.NewGraph()
	m.from = zeros(g, "from", from.Dtype(), from.Shape())
	r := f.replicas[0]
	c := copier{graph: g, input: r.Input, program: r.program, copies: map[*G.Node]*G.Node{from: m.from}}
	var err error
	if m.to, err = c.copy(to); err != nil {
		return nil, err
	}
	if m.program, err = symbolic.Compile(m.to); err != nil {
		return nil, err
	}
	m.plan, err = m.program.Plan(m.to)
	return m, err
}

// copier copies nodes and what they depend on to another graph.
type copier struct {
	graph   *G.ExprGraph
	input   *G.Node // must not be needed
	program *symbolic.Program
	copies  map[*G.Node]*G.Node
}

func (c *copier) copy(n *G.Node) (*G.Node, error) {
	if known, ok := c.copies[n]; ok {
		return known, nil
	}
	children := symbolic.Children(n)
	if len(children) == 0 {
		v, ok := c.program.Value(n).(*tensor.Dense)
		if n == c.input || !ok {
			return nil, fmt.Errorf("models: node %q is not between two layers", n.Name())
		}
		c.copies[n] = G.NewTensor(c.graph, v.Dtype(), v.Dims(), G.WithShape(v.Shape()...), G.WithName(n.Name()), G.WithValue(v))
		return c.copies[n], nil
	}
	in := make(G.Nodes, len(children))
	for i, child := range children {
		var err error
		if in[i], err = c.copy(child); err != nil {
			return nil, err
		}
	}
	again, ours, err := op.Reapply(n.Op(), in...)
	if !ours {
		again, err = G.ApplyOp(n.Op(), in...)
	}
	c.copies[n] = again
	return again, err
}

// read returns the layer that the rows u go through as W·σ(u) + b, with σ the rectifier
// of a slope below zero. It reports false if they do not.
func (m *stretch) read(slope float64) (Dense, bool) {
	points := make([]float64, (m.width+1)*m.width) // 0, and reach·eᵢ
	for i := range m.width {
		points[(i+1)*m.width+i] = reach
	}
	values, err := m.at(points)
	if err != nil {
		return Dense{}, false
	}
	l := Dense{Weight: make([]float64, m.out*m.width), Bias: values[:m.out]}
	for i := range m.width {
		for k, b := range l.Bias {
			l.Weight[k*m.width+i] = (values[(i+1)*m.out+k] - b) / reach
		}
	}
	rng := rand.New(rand.NewPCG(1, uint64(m.width)))
	points = points[:0]
	for range readAgain {
		size := math.Pow(10, 8*rng.Float64()-4)
		for range m.width {
			points = append(points, size*rng.NormFloat64())
		}
	}
	if values, err = m.at(points); err != nil {
		return Dense{}, false
	}
	for p := range readAgain {
		u := points[p*m.width : (p+1)*m.width]
		for i, v := range u {
			u[i] = max(v, slope*v)
		}
		for k, have := range values[p*m.out : (p+1)*m.out] {
			want, size := l.Bias[k], math.Abs(l.Bias[k])
			for i, w := range l.Weight[k*m.width : (k+1)*m.width] {
				want += w * u[i]
				size += math.Abs(w * u[i])
			}
			if !(math.Abs(have-want) <= readWithin*size) {
				return Dense{}, false
			}
		}
	}
	return l, finite("a layer", l.Weight) == nil
}

// at returns the rows that the rows of u go to.
func (m *stretch) at(u []float64) ([]float64, error) {
	var values []float64
	in := m.from.Value().(*tensor.Dense).Float64s()
	for len(u) > 0 {
		rows := min(m.rows, len(u)/m.width)
		for i := range m.rows { // what is left over are copies of the first row
			row := 0
			if i < rows {
				row = i
			}
			copy(in[i*m.width:(i+1)*m.width], u[row*m.width:])
		}
		m.program.Changed(m.from)
		if err := m.plan.Run(); err != nil {
			return nil, err
		}
		out := m.program.Value(m.to).(*tensor.Dense).Float64s()
		values = append(values, out[:rows*m.out]...)
		u = u[rows*m.width:]
	}
	return values, nil
}
