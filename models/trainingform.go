package models

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// A TrainingForm is a Model that is trained in another form than it is evaluated
// and measured in. Dropout and batch normalisation need it: in training, units are
// dropped at random and values are normalised by the statistics of the mini-batch;
// Logits drops nothing and normalises by running statistics, which are constants.
type TrainingForm interface {
	// Buffered has the tensors that training writes to and that are no parameters.
	// They are of the type of the parameters, and files of weights hold them too.
	Buffered
	// TrainingLogits returns what is trained, with arguments as those of Logits.
	TrainingLogits(x *G.Node, params G.Nodes) (*Training, error)
}

// Training is the training form of a model on one mini-batch.
type Training struct {
	Logits  *G.Node
	Masks   []Mask
	Updates G.Nodes // the new value of each buffer, in the order of Buffers
}

// A Mask is an input that drops units at random: an entry is 0 with the
// probability Drop and 1/(1 − Drop) else, drawn anew for every step.
type Mask struct {
	Node *G.Node // holds a dense tensor
	Drop float64
}

// State returns the tensors that training writes to, and that a file of weights
// holds: the parameters of a model and, if it is a TrainingForm, its buffers.
func State(m Model) []Parameter {
	if t, ok := m.(TrainingForm); ok {
		return slices.Concat(m.Parameters(), t.Buffers())
	}
	return slices.Clone(m.Parameters())
}

// FrozenStatistics is the number of values that training writes to and that are
// constants in all that is measured: the running means and variances of batch
// normalisation. They are no parameters.
func FrozenStatistics(m Model) (count int) {
	var frozen []Parameter
	switch m := m.(type) {
	case *nodes:
		frozen = m.statistics()
	case TrainingForm:
		frozen = m.Buffers()
	}
	for _, p := range frozen {
		count += p.Value.DataSize()
	}
	return count
}

// ExpressTraining is Express for the form in which m is trained. Its Masks hold
// zeros until DrawMasks is called.
func ExpressTraining(m Model, loss Loss, n int, dtype tensor.Dtype) (*Expression, error) {
	form, ok := m.(TrainingForm)
	if !ok {
		return Express(m, loss, n, dtype)
	}
	var training *Training
	e, err := express(m, loss, n, dtype, func(x *G.Node, params G.Nodes) (*G.Node, error) {
		var err error
		if training, err = form.TrainingLogits(x, params); err == nil && (training == nil || training.Logits == nil) {
			err = errors.New("the training form has no logits")
		}
		if err != nil {
			return nil, err
		}
		return training.Logits, nil
	})
	if err != nil {
		return nil, err
	}
	e.Masks, e.Updates = training.Masks, training.Updates
	return e, e.checkTraining()
}

// checkTraining returns an error for masks and updates that cannot be used.
func (e *Expression) checkTraining() error {
	for i, m := range e.Masks {
		var value G.Value
		if m.Node != nil {
			value = m.Node.Value()
		}
		if _, ok := value.(*tensor.Dense); !ok || !(m.Drop >= 0 && m.Drop < 1) {
			return fmt.Errorf("models: mask %d holds a %T and drops %g; want a dense tensor, and a probability from 0 to below 1", i, value, m.Drop)
		}
	}
	if len(e.Updates) != len(e.Buffers) {
		return fmt.Errorf("models: %d updates for %d buffers; want one each", len(e.Updates), len(e.Buffers))
	}
	for i, u := range e.Updates {
		if b := e.Buffers[i]; u == nil || !slices.Equal(u.Shape(), b.Shape()) || u.Dtype() != b.Dtype() {
			return fmt.Errorf("models: the update of buffer %d is %v; want a node of shape %v", i, u, b.Shape())
		}
	}
	return nil
}

// DrawMasks draws the masks, one after the other. Call Changed with their nodes on
// every Program that runs the expression.
func (e *Expression) DrawMasks(rng *rand.Rand) {
	for _, m := range e.Masks {
		t := m.Node.Value().(*tensor.Dense)
		if t.Dtype() == tensor.Float32 {
			drawMask(rng, t.Float32s(), m.Drop)
		} else {
			drawMask(rng, t.Float64s(), m.Drop)
		}
	}
}

func drawMask[T op.Float](rng *rand.Rand, mask []T, drop float64) {
	kept := T(1 / (1 - drop))
	for i := range mask {
		mask[i] = kept
		if rng.Float64() < drop {
			mask[i] = 0
		}
	}
}
