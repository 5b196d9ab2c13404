package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
	"github.com/hessoscope/hessoscope/models/symbolic/replay"
)

// chooseType finds out whether the graph can be measured in float64. Only
// operations that are known neither to Gorgonia nor here can prevent that.
func (m *nodes) chooseType() error {
	known := true
	m.walk(func(n *G.Node, handed bool) {
		if o := n.Op(); !handed && o != nil && symbolic.StockName(o) == "" && !op.Known(o) {
			known = false
		}
	})
	if known {
		return nil
	}
	if Precision(m) == tensor.Float64 {
		m.bound = true
		return nil
	}
	double, err := m.product(tensor.Float64)
	if err == nil {
		single, err := m.product(tensor.Float32)
		if err != nil {
			return err
		}
		// An operation that takes float64 for float32 gives numbers, too.
		if floats.Distance(single, double, 2) <= 1e-2*floats.Norm(double, 2) {
			return nil
		}
	}
	m.bound = true
	m.note("it is measured in float32: an operation of its graph cannot be computed in float64")
	return nil
}

// product is a Hessian-vector product at random numbers, in a precision.
func (m *nodes) product(dtype tensor.Dtype) ([]float64, error) {
	e, err := Express(m, m.loss(), m.BatchSize(), dtype)
	if err != nil {
		return nil, err
	}
	r, err := newReplica(e, slices.Repeat([]bool{true}, len(m.learnables)), first|second)
	if err != nil {
		return nil, err
	}
	for i, p := range m.Parameters() {
		t := tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(dtype))
		assign(t, p.Value)
		if err := r.program.Set(e.Params[i], t); err != nil {
			return nil, err
		}
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for _, n := range slices.Concat(e.Inputs(), r.direction) {
		randomize(n, rng)
	}
	if err := r.product.Run(); err != nil {
		return nil, err
	}
	image := make([]float64, Size(m))
	r.flatten(image, 0, r.image, false)
	return image, nil
}

// randomize fills a node with numbers between 0 and 1.
func randomize(n *G.Node, rng *rand.Rand) {
	v := n.Value().(*tensor.Dense)
	all := make([]float64, v.DataSize())
	for i := range all {
		all[i] = rng.Float64()
	}
	SetValues(v, all)
}

// loss is that by which the graph is tried out.
func (m *nodes) loss() Loss {
	if m.own != nil {
		return m.own
	}
	return CrossEntropy
}

// tryOut builds the graph again and computes it on random numbers, with which
// mistakes show that a graph alone does not.
func (m *nodes) tryOut() error {
	dtype := tensor.Float64
	if m.bound {
		dtype = Precision(m)
	}
	t, err := m.trial(dtype)
	if err != nil {
		return err
	}
	if err := t.replay.Verify(); err != nil {
		return err
	}
	z, losses, err := t.run()
	if err != nil {
		return err
	}
	if m.outputs() > 1 && sumToOne(z, m.outputs()) {
		return fmt.Errorf("models: the logits, node %q, are positive and sum to 1: they are probabilities, and the loss would apply a softmax to them again; hand over the node before the softmax", m.logits.Name())
	}
	if err := m.checkMean(t, losses); err != nil {
		return err
	}
	if m.dropout {
		m.note("dropout is left out where it is measured")
	}
	if len(m.norms) > 0 {
		m.note("batch normalization goes by its running statistics where it is measured")
	}
	if m.averagePool {
		m.note("Gorgonia's derivative of AveragePool2D is wrong: training does not follow the gradient of what is measured")
	}
	if err := m.findTogether(t, z, losses); err != nil {
		return err
	}
	// Errors of derivatives come here and not in the middle of a training.
	_, err = Express(m, m.loss(), m.BatchSize(), dtype)
	return err
}

// trial is the graph on random numbers.
type trial struct {
	replay       *replay.Replay
	rng          *rand.Rand
	x, y         *G.Node
	z, losses, c *G.Node // outputs; losses and the cost itself, if there is one
	program      *symbolic.Program
}

func (m *nodes) trial(dtype tensor.Dtype) (*trial, error) {
	g := G.NewGraph()
	n := m.BatchSize()
	t := &trial{rng: rand.New(rand.NewPCG(1, 1)), x: zeros(g, "input", dtype, append([]int{n}, m.InputShape()...))}
	if m.own != nil {
		t.y = zeros(g, "target", dtype, []int{n, m.own.width()})
	}
	t.draw()
	var params G.Nodes
	for i, p := range append(m.Parameters(), m.Buffers()...) {
		node := zeros(g, fmt.Sprint("value ", i), dtype, p.Value.Shape())
		SetValues(node.Value().(*tensor.Dense), t.disturbed(Values(p.Value)))
		params = append(params, node)
	}
	var err error
	if t.replay, err = m.replay(t.x, params, t.y); err != nil {
		return nil, err
	}
	if t.z, err = t.replay.Node(m.logits); err != nil {
		return nil, err
	}
	outs := G.Nodes{t.z}
	if m.own != nil {
		if t.losses, err = t.replay.Losses(m.own.cost, n, append(G.Nodes{m.input}, m.targets...)); err != nil {
			return nil, err
		}
		if t.c, err = t.replay.Node(m.own.cost); err != nil {
			return nil, err
		}
		outs = append(outs, t.losses, t.c)
	}
	t.program, err = symbolic.Compile(outs...)
	return t, err
}

// disturbed changes parameters by a tenth of their size: those that begin at zero,
// or all alike, would hide what they do.
func (t *trial) disturbed(values []float64) []float64 {
	size := floats.Norm(values, 2) / math.Sqrt(float64(len(values)))
	if size == 0 {
		size = 1
	}
	for i := range values {
		values[i] += 0.1 * size * t.rng.Float64()
	}
	return values
}

// draw fills input and targets with random numbers.
func (t *trial) draw() {
	for _, n := range present(G.Nodes{t.x, t.y}) {
		randomize(n, t.rng)
	}
}

// run computes the outputs and the losses.
func (t *trial) run() (z, losses []float64, err error) {
	outs := G.Nodes{t.z}
	if t.losses != nil {
		outs = append(outs, t.losses, t.c)
	}
	plan, err := t.program.Plan(outs...)
	if err != nil {
		return nil, nil, err
	}
	t.program.Changed(present(G.Nodes{t.x, t.y})...)
	if err := plan.Run(); err != nil {
		return nil, nil, err
	}
	z = Values(t.program.Value(t.z).(*tensor.Dense))
	if t.losses != nil {
		losses = Values(t.program.Value(t.losses).(*tensor.Dense))
	}
	return z, losses, nil
}

// checkMean returns an error unless the cost is the mean of the losses into which
// it was taken apart.
func (m *nodes) checkMean(t *trial, losses []float64) error {
	if t.losses == nil || !m.own.cost.IsScalar() {
		return nil
	}
	mean, size := 0.0, 0.0
	for _, l := range losses {
		mean += l / float64(len(losses))
		size += math.Abs(l) / float64(len(losses))
	}
	cost := at(t.program.Value(t.c).(*tensor.Dense), 0)
	if math.Abs(mean-cost) > m.tolerance()*size {
		return fmt.Errorf("models: the cost %q is %.6g, the mean of the losses found in it %.6g; hand over the node of the losses of the samples", m.own.cost.Name(), cost, mean)
	}
	return nil
}

// tolerance is the relative rounding of two ways to compute the same.
func (m *nodes) tolerance() float64 {
	if m.bound && Precision(m) == tensor.Float32 {
		return 1e-3
	}
	return 1e-7
}

// findTogether finds out whether what the graph gives for a sample depends on that
// sample alone. A batch of measuring holds other samples than one of training, in
// other places, and padding.
func (m *nodes) findTogether(t *trial, z, losses []float64) error {
	n := m.BatchSize()
	if n == 1 {
		return nil
	}
	first := rowsOf(t, n)
	t.draw()
	setRow(t, n, 0, first)
	setRow(t, n, n-1, first)
	again, lossesAgain, err := t.run()
	if err != nil {
		return err
	}
	if finite("an output", slices.Concat(z, again, losses, lossesAgain)) != nil {
		m.note("random numbers give values that are not finite, so that it was not tried out whether samples depend on each other")
		return nil
	}
	for _, v := range [][2][]float64{{z, again}, {losses, lossesAgain}} {
		width := len(v[0]) / n
		before, then, last := v[0][:width], v[1][:width], v[1][(n-1)*width:]
		switch {
		case !m.same(before, then):
			m.together = "depends on the other samples of its batch, as by batch statistics"
		case !m.same(then, last):
			m.together = "depends on its place in the batch, as by a learnable with a row for each place"
		default:
			continue
		}
		m.note("the output for a sample %s: it is measured on whole batches of %d samples, in the order of the data, and the samples left over are left out", m.together, n)
		return nil
	}
	return nil
}

func (m *nodes) same(a, b []float64) bool {
	for i, v := range a {
		if math.Abs(v-b[i]) > m.tolerance()*math.Max(1, math.Abs(v)) {
			return false
		}
	}
	return true
}

// rowsOf are the first rows of input and targets.
func rowsOf(t *trial, n int) [][]float64 {
	var rows [][]float64
	for _, node := range present(G.Nodes{t.x, t.y}) {
		all := Values(node.Value().(*tensor.Dense))
		rows = append(rows, all[:len(all)/n])
	}
	return rows
}

func setRow(t *trial, n, row int, values [][]float64) {
	for i, node := range present(G.Nodes{t.x, t.y}) {
		setValuesAt(node.Value().(*tensor.Dense), row*len(values[i]), values[i])
	}
}
