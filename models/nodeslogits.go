package models

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
	"github.com/hessoscope/hessoscope/models/symbolic/replay"
)

// matrix is the output z as logits, (n, classes): (0, z) where there is one value a
// sample.
func (m *nodes) matrix(z *G.Node) (*G.Node, error) {
	n := m.BatchSize()
	if m.outputs() > 1 {
		return op.Reshape(z, tensor.Shape{n, m.outputs()})
	}
	index := make(op.Index, 2*n)
	for i := range n {
		index[2*i], index[2*i+1] = -1, int32(i)
	}
	return op.Gather(z, index, tensor.Shape{n, 2})
}

// checkLogits returns an error if the graph shows that the logits are
// probabilities. With a cost of its own, which says what they are used for, the
// node before is taken.
func (m *nodes) checkLogits() error {
	name, before := replay.Probabilities(m.logits)
	if name == "" {
		return nil
	}
	if m.own == nil || before == nil || !before.Shape().Eq(m.logits.Shape()) {
		return fmt.Errorf("models: the logits, node %q, are probabilities, and the loss would apply a %[2]s to them again; hand over the node before the %[2]s", m.logits.Name(), name)
	}
	m.note("the node before the %s is taken for the logits", name)
	m.logits = before
	return nil
}

func (m *nodes) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// sumToOne tells whether the rows of p, classes values each, are positive and sum
// to 1: distributions, and no logits.
func sumToOne(p []float64, classes int) bool {
	for row := range slices.Chunk(p, classes) {
		sum := 0.0
		for _, v := range row {
			if !(v >= 0) {
				return false
			}
			sum += v
		}
		if !(math.Abs(sum-1) < 1e-6) { // float32 rounds to 1e-7
			return false
		}
	}
	return len(p) > 0 && classes > 1
}

// CheckLogits returns an error if the logits of m on the first samples of split are
// probabilities: rows that are positive and sum to 1.
func CheckLogits(ctx context.Context, m Model, split *datasets.Split) error {
	if err := checkData(m, linear, split); err != nil {
		return err
	}
	if checkApart(m, "") != nil {
		return nil // FromNodes has tried it out
	}
	n := min(split.Len(), 2*chunkSize)
	first, err := split.First(n)
	if err != nil {
		return err
	}
	o, err := NewObjective(m, linear, first, ObjectiveSettings{})
	if err != nil {
		return err
	}
	logits := make([]float64, n*m.Classes())
	switch err := o.Logits(ctx, logits); {
	case errors.Is(err, ErrNotFinite):
		return nil // they are no probabilities, and the loss will tell
	case err != nil:
		return err
	}
	if sumToOne(logits, m.Classes()) {
		return fmt.Errorf("models: the logits of the first %d samples of split %q are positive and sum to 1: they are probabilities, and the loss would apply a softmax to them again; hand over the values before the softmax", n, split.Name)
	}
	return nil
}
