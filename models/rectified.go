package models

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/replay"
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
	for _, z := range kinked(n) {
		if !slices.Contains(once, z) {
			once = append(once, z)
		}
	}
	return once
}

// rectified reads the layers of a network from its graph. The arguments z₁, z₂, … of
// its rectifiers must be a chain, so that each depends on the input by the one before
// it alone. Then each is read as zₗ₊₁ = W·σ(zₗ) + b from its values at 0 and at
// multiples of the eᵢ, and must agree with that at random points of all magnitudes.
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
	possible := []Activation{ReLU, LeakyReLU} // that agree with all layers so far
	from := r.Input
	for _, to := range append(chain, r.Logits) {
		m, err := f.stretch(from, to)
		if err != nil {
			return nil, "", false
		}
		layer, err := m.read()
		if err != nil {
			return nil, "", false
		}
		if from == r.Input { // which is taken as it is
			ok, err = m.agrees(layer, 1)
		} else {
			possible = slices.DeleteFunc(possible, func(a Activation) bool {
				slope, _ := a.Slope()
				holds, failed := m.agrees(layer, slope)
				err = cmp.Or(err, failed)
				return !holds
			})
			ok = len(possible) > 0
		}
		if !ok || err != nil {
			return nil, "", false
		}
		layers, from = append(layers, layer), to
	}
	return layers, possible[0], true
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
// input. It is an error if to depends on the network's input in another way.
func (f *Field) stretch(from, to *G.Node) (*stretch, error) {
	r := f.replicas[0]
	m := &stretch{rows: f.size, width: from.Shape().TotalSize() / f.size, out: to.Shape().TotalSize() / f.size}
	g := G.NewGraph()
	input := zeros(g, "input", r.Input.Dtype(), r.Input.Shape())
	copies := map[*G.Node]*G.Node{r.Input: input}
	for i, p := range r.Params {
		copies[p] = G.NewTensor(g, p.Dtype(), p.Dims(), G.WithShape(p.Shape()...), G.WithName(p.Name()), G.WithValue(f.params[i]))
	}
	m.from = input
	if from != r.Input {
		m.from = zeros(g, "from", from.Dtype(), from.Shape())
		copies[from] = m.from
	}
	var err error
	if m.to, err = replay.New(g, from.Dtype(), copies, nil).Node(to); err != nil {
		return nil, err
	}
	for n := range dependencies(m.to) {
		if n == input && m.from != input {
			return nil, errors.New("models: the layers are no chain")
		}
	}
	if m.program, err = symbolic.Compile(m.to); err != nil {
		return nil, err
	}
	m.plan, err = m.program.Plan(m.to)
	return m, err
}

// read returns the layer that rows of no negative values go through, W·u + b.
func (m *stretch) read() (Dense, error) {
	points := make([]float64, (m.width+1)*m.width) // 0, and reach·eᵢ
	for i := range m.width {
		points[(i+1)*m.width+i] = reach
	}
	values, err := m.at(points)
	if err != nil {
		return Dense{}, err
	}
	l := Dense{Weight: make([]float64, m.out*m.width), Bias: values[:m.out]}
	for i := range m.width {
		for k, b := range l.Bias {
			l.Weight[k*m.width+i] = (values[(i+1)*m.out+k] - b) / reach
		}
	}
	return l, finite("a layer", l.Weight)
}

// agrees reports whether random rows u go to W·σ(u) + b, with σ the rectifier of a
// slope below zero.
func (m *stretch) agrees(l Dense, slope float64) (bool, error) {
	rng := rand.New(rand.NewPCG(1, uint64(m.width)))
	var points []float64
	for range readAgain {
		size := math.Pow(10, 8*rng.Float64()-4)
		for range m.width {
			points = append(points, size*rng.NormFloat64())
		}
	}
	values, err := m.at(points)
	if err != nil {
		return false, err
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
				return false, nil
			}
		}
	}
	return true, nil
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
