package models

import (
	"fmt"

	"github.com/hessoscope/hessoscope/datasets"
)

// WholeBatches tells whether the output of m for a sample depends on its batch, so
// that m is measured on whole batches only. FromNodes finds that out.
func WholeBatches(m Model) bool {
	n, ok := m.(*nodes)
	return ok && n.together != ""
}

// checkApart returns an error if what is of single samples cannot be computed,
// because they depend on their batch.
func checkApart(m Model, what string) error {
	if !WholeBatches(m) {
		return nil
	}
	return fmt.Errorf("models: %s are of single samples, but the output for a sample %s; use G.BatchNorm, which goes by its running statistics, with a scale and a bias of one row, or measure the spectrum alone", what, m.(*nodes).together)
}

// whole returns the samples of split that make whole batches of n, in their order.
func whole(split *datasets.Split, n int) (*datasets.Split, error) {
	rows := split.Len() / n * n
	switch rows {
	case split.Len():
		return split, nil
	case 0:
		return nil, fmt.Errorf("models: split %q has %d samples; the samples of a batch depend on each other, and one batch has %d", split.Name, split.Len(), n)
	}
	return split.First(rows)
}
