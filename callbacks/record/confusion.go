package record

import (
	"strconv"

	"gonum.org/v1/gonum/floats"
)

// Confusion says which classes a model takes for which. The predicted class is the first
// of those with the largest logit, as it is for the accuracy.
type Confusion struct {
	Classes []string `json:"classes"` // names
	// Matrix[y][p] is the number of samples of class y that are predicted as class p.
	// A Run has none for more than MostConfused classes.
	Matrix [][]int `json:"matrix"`
	// Recall of a class is the share of its samples that are predicted as it, and
	// Precision the share of the samples predicted as it that are of it; nil where there
	// is no such sample.
	Recall    []*float64 `json:"recall"`
	Precision []*float64 `json:"precision"`
	// BalancedAccuracy is the mean recall over the classes that have samples.
	BalancedAccuracy float64 `json:"balanced_accuracy"`
}

// MostConfused is the largest number of classes for which a Run has the whole matrix.
const MostConfused = 50

// NewConfusion compares the logits of N samples for n classes, N × n row-major, with
// their labels. The classes are numbered unless there are n names.
func NewConfusion(n int, names []string, labels []int, logits []float64) *Confusion {
	c := &Confusion{Classes: names, Matrix: make([][]int, n), Recall: make([]*float64, n), Precision: make([]*float64, n)}
	if len(names) != n {
		c.Classes = make([]string, n)
	}
	for y := range n {
		c.Matrix[y] = make([]int, n)
		if len(names) != n {
			c.Classes[y] = strconv.Itoa(y)
		}
	}
	for i, y := range labels {
		c.Matrix[y][floats.MaxIdx(logits[i*n:(i+1)*n])]++
	}
	present := 0
	for k, row := range c.Matrix {
		labelled, predicted := 0, 0
		for j, count := range row {
			labelled += count
			predicted += c.Matrix[j][k]
		}
		if labelled > 0 {
			c.Recall[k] = new(float64(row[k]) / float64(labelled))
			c.BalancedAccuracy += *c.Recall[k]
			present++
		}
		if predicted > 0 {
			c.Precision[k] = new(float64(row[k]) / float64(predicted))
		}
	}
	c.BalancedAccuracy /= float64(max(1, present))
	return c
}
