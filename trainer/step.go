package trainer

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// stepper computes the gradients of mini-batches. It keeps one compiled program
// per batch size. There are at most two sizes, because the last batch of an epoch
// may be smaller.
type stepper struct {
	model   models.Model
	loss    models.Loss
	split   *datasets.Split
	seed    uint64
	augment *augmenter // nil for none
	batches map[int]*batch
	grads   []*tensor.Dense // gradients of the last batch, one per parameter; nil for zero
}

// batch is a compiled program for the losses and the gradient of a batch of one
// size.
type batch struct {
	*models.Expression
	program  *symbolic.Program
	plan     *symbolic.Plan
	gradient G.Nodes
	inputs   G.Nodes // nodes whose values change from step to step
	buffers  []models.Parameter
}

func newStepper(m models.Model, loss models.Loss, split *datasets.Split, seed uint64, augment *augmenter) *stepper {
	return &stepper{
		model: m, loss: loss, split: split, seed: seed, augment: augment,
		batches: make(map[int]*batch), grads: make([]*tensor.Dense, len(m.Parameters())),
	}
}

// gradient computes the gradient of the mean loss of the given samples into
// s.grads, for the step of that number, and returns the loss and the norm of the
// gradient. If one of them is not finite, the error wraps models.ErrNotFinite. It
// updates the model's buffers. Each step has a random stream of its own, so that it
// can be repeated without the steps before it.
func (s *stepper) gradient(rows []int, step int) (loss, norm float64, err error) {
	b, err := s.batch(len(rows))
	if err != nil {
		return 0, 0, err
	}
	b.Fill(s.split, rows, 1/float64(len(rows)))
	if len(b.Masks) > 0 {
		b.DrawMasks(Stream(s.seed, "dropout", step))
	}
	if s.augment != nil {
		s.augment.apply(b.Input.Value().(*tensor.Dense), len(rows), step)
	}
	b.program.Changed(b.inputs...)
	if err := b.plan.Run(); err != nil {
		return 0, 0, err
	}
	losses := b.program.Value(b.Losses).(*tensor.Dense)
	loss = sum(losses, len(rows)) / float64(len(rows))
	squares := 0.0
	for i, g := range b.gradient {
		if g == nil {
			continue
		}
		s.grads[i] = b.program.Value(g).(*tensor.Dense)
		squares += sumOfSquares(s.grads[i])
	}
	norm = math.Sqrt(squares)
	if !finite(loss) {
		return 0, 0, s.notFinite(models.Values(losses), rows)
	}
	if !finite(norm) {
		return 0, 0, fmt.Errorf("the norm of the gradient is %g: %w", norm, models.ErrNotFinite)
	}
	for i, update := range b.Updates {
		copyTensor(b.buffers[i].Value, b.program.Value(update).(*tensor.Dense))
	}
	return loss, norm, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// notFinite returns an error that names the first sample whose loss is not
// finite.
func (s *stepper) notFinite(losses []float64, rows []int) error {
	for i, row := range rows {
		if !finite(losses[i]) {
			return fmt.Errorf("the loss of sample %d of split %q is %g: %w", row, s.split.Name, losses[i], models.ErrNotFinite)
		}
	}
	return fmt.Errorf("the sum of the losses: %w", models.ErrNotFinite)
}

// batch returns the program for n samples. A model of fixed batch size has only
// one program, whose batches are padded.
func (s *stepper) batch(n int) (*batch, error) {
	if fixed, ok := s.model.(models.Fixed); ok {
		n = fixed.BatchSize()
	}
	if b, ok := s.batches[n]; ok {
		return b, nil
	}
	e, err := models.ExpressTraining(s.model, s.loss, n, models.Precision(s.model))
	if err != nil {
		return nil, err
	}
	b := &batch{Expression: e, inputs: slices.Concat(e.Inputs(), e.Params, e.Buffers)}
	for _, m := range e.Masks {
		b.inputs = append(b.inputs, m.Node)
	}
	if b.gradient, err = e.Gradient(); err != nil {
		return nil, err
	}
	outs := append(G.Nodes{e.Losses}, e.Updates...)
	for _, g := range b.gradient {
		if g != nil {
			outs = append(outs, g)
		}
	}
	if b.program, err = symbolic.CompileTogether([]G.Nodes{b.inputs}, outs...); err != nil {
		return nil, err
	}
	nodes, state := slices.Concat(e.Params, e.Buffers), models.State(s.model)
	b.buffers = state[len(e.Params):]
	for i, p := range state {
		if err := b.program.Set(nodes[i], p.Value); err != nil {
			return nil, err
		}
	}
	if b.plan, err = b.program.Plan(outs...); err != nil {
		return nil, err
	}
	s.batches[n] = b
	return b, nil
}

// sum returns the sum of the first n elements, in float64.
func sum(t *tensor.Dense, n int) (total float64) {
	if t.Dtype() == tensor.Float32 {
		for _, v := range t.Float32s()[:n] {
			total += float64(v)
		}
		return total
	}
	for _, v := range t.Float64s()[:n] {
		total += v
	}
	return total
}

// sumOfSquares returns the sum of the squares of all elements, in float64.
func sumOfSquares(t *tensor.Dense) float64 {
	if t.Dtype() == tensor.Float32 {
		return vec.SquaresWidened(t.Float32s())
	}
	return vec.Float64.Dot(t.Float64s(), t.Float64s())
}
