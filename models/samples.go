package models

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
)

// samples are the data that replicas load, in chunks.
type samples struct {
	split   *datasets.Split
	chunks  [][]int   // rows of split
	targets []float64 // N × C in place of one-hot labels, or nil
	weight  float64   // of a sample, 1/N
}

// checkData returns an error unless the samples of split fit m.
func checkData(m Model, loss Loss, split *datasets.Split) error {
	n := split.Len()
	if n == 0 {
		return fmt.Errorf("models: split %q has no samples", split.Name)
	}
	width := tensor.Shape(m.InputShape()).TotalSize()
	if have, err := split.Width(); err != nil {
		return err
	} else if have != width {
		return fmt.Errorf("models: split %q has %d values a sample; the model takes %d", split.Name, have, width)
	}
	if split.Labels != nil {
		if top := slices.Max(split.Labels); top >= m.Classes() {
			return fmt.Errorf("models: split %q has a label %d; the model has %d classes", split.Name, top, m.Classes())
		}
	}
	return checkTargets(m, loss, split)
}

// checkTargets returns an error unless split has what the loss compares with.
func checkTargets(m Model, loss Loss, split *datasets.Split) error {
	want := m.Classes()
	own, isOwn := loss.(*ownCost)
	_, isWeighted := loss.(*weighted)
	if isOwn {
		want = own.width()
	}
	switch {
	case loss == linear || loss == reinforcing || isOwn && len(own.nodes.targets) == 0:
		return nil
	case isWeighted && split.Labels == nil:
		return fmt.Errorf("models: split %q has no labels, as in a regression, and the loss weighs classes", split.Name)
	case targetsOf(loss, split) != nil:
		if have := len(split.Targets); have != split.Len()*want {
			return fmt.Errorf("models: split %q has %d targets for %d samples; the loss compares %d values of each", split.Name, have, split.Len(), want)
		}
	case split.Labels == nil:
		return fmt.Errorf("models: split %q has neither labels nor targets, which the loss compares with", split.Name)
	case isOwn && want != m.Classes() && (want != 1 || m.Classes() > 2):
		return fmt.Errorf("models: split %q has labels of %d classes; the cost compares %d values of each sample: give the split Targets (datasets.FromTensors)", split.Name, m.Classes(), want)
	}
	if split.Labels == nil && loss == CrossEntropy {
		return fmt.Errorf("models: split %q has no labels, as in a regression, and the loss is the cross-entropy of classes; hand over the cost that the network is trained by (models.WithCost), or another loss", split.Name)
	}
	return nil
}

// chunksOf splits the rows 0 … n−1 into chunks of a size.
func chunksOf(n, size int) [][]int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return slices.Collect(slices.Chunk(rows, size))
}
