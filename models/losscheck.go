package models

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
)

// LossCheck compares the loss that a training loop reports for a batch with the one
// that is measured, on the samples that the graph's input holds and at the
// parameters as they were when the LossCheck was made.
type LossCheck struct {
	nodes     *nodes
	loss      Loss
	train     *datasets.Split
	batch     *datasets.Split
	objective *Objective
}

// NewLossCheck returns a LossCheck of m, which trains on the split train. It is nil
// unless m is made by FromNodes, and where the loop has dropout or batch statistics
// that a measurement has not.
func NewLossCheck(m Model, loss Loss, train *datasets.Split) (*LossCheck, error) {
	n, ok := m.(*nodes)
	if !ok || n.dropout || len(n.norms) > 0 || train.Len() == 0 {
		return nil, nil
	}
	c := &LossCheck{nodes: n, loss: loss, train: train, batch: &datasets.Split{Name: "first batch", Index: make([]int, n.BatchSize())}}
	if err := c.fill(make([]int, n.BatchSize())); err != nil {
		return nil, err
	}
	var err error
	c.objective, err = NewObjective(m, loss, c.batch, ObjectiveSettings{Workers: 1})
	return c, err
}

// fill copies rows of the training split to the batch.
func (c *LossCheck) fill(rows []int) error {
	filled, err := c.train.Subset(rows)
	if err != nil {
		return err
	}
	filled.Name = c.batch.Name
	*c.batch = *filled
	return nil
}

// Note is a sentence about a reported loss that differs from that of the samples in
// the graph's input by more than a thousandth; empty if there is nothing to say.
func (c *LossCheck) Note(ctx context.Context, reported float64) (string, error) {
	held, ok := c.nodes.input.Value().(*tensor.Dense)
	if !ok || !slices.Equal(held.Shape(), c.nodes.input.Shape()) || !rowMajor(held) || checkPrecision(held.Dtype()) != nil {
		return "", nil
	}
	rows, found := rowsIn(c.train, Values(held), c.nodes.BatchSize())
	if !found {
		return "the first batch of the loop holds samples that are not in the training split: check that the data are those that it trains on", nil
	}
	if err := c.fill(rows); err != nil {
		return "", err
	}
	c.objective.reload()
	e, err := c.objective.Evaluate(ctx)
	if err != nil {
		return "", err
	}
	if math.Abs(e.Loss-reported) <= 1e-3*math.Max(math.Abs(e.Loss), math.Abs(reported)) {
		return "", nil
	}
	return fmt.Sprintf("the loop reports the loss %.6g for its first batch, and the %s of the same samples is %.6g: another loss is measured than trained by; hand over the cost (models.WithCost) or choose the loss (SessionSettings.Loss)", reported, c.loss.Name(), e.Loss), nil
}

// rowsIn finds n samples, the values x, among those of a split: the number of
// each. Values that agree in float32 are equal.
func rowsIn(split *datasets.Split, x []float64, n int) (rows []int, found bool) {
	width := len(x) / n
	known := make(map[uint64]int)
	values := make([]float64, width)
	for row := range split.Len() {
		datasets.CopyRow(values, split, row)
		known[hashOf(values)] = row
	}
	for sample := range slices.Chunk(x, width) {
		row, ok := known[hashOf(sample)]
		if !ok {
			return nil, false
		}
		rows = append(rows, row)
	}
	return rows, true
}

// hashOf is the FNV-1a hash of values by words.
func hashOf(values []float64) uint64 {
	h := uint64(14695981039346656037)
	for _, v := range values {
		h = (h ^ uint64(math.Float32bits(float32(v)))) * 1099511628211
	}
	return h
}
