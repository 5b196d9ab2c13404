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
func checkData(m Model, split *datasets.Split) error {
	n := split.Len()
	if n == 0 {
		return fmt.Errorf("models: split %q has no samples", split.Name)
	}
	width := tensor.Shape(m.InputShape()).TotalSize()
	if len(split.X) != n*width {
		return fmt.Errorf("models: split %q has %d values a sample; the model takes %d", split.Name, len(split.X)/n, width)
	}
	if top := slices.Max(split.Labels); top >= m.Classes() {
		return fmt.Errorf("models: split %q has a label %d; the model has %d classes", split.Name, top, m.Classes())
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
