package analysis

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/floats"
)

// Confusion says which classes a model takes for which. The predicted class is the first
// of those with the largest logit, as it is for the accuracy.
type Confusion struct {
	Classes []string `json:"classes"` // names; Analyze numbers them
	// Matrix[y][p] is the number of samples of class y that are predicted as class p.
	Matrix [][]int `json:"matrix"`
	// Recall of a class is the share of its samples that are predicted as it, and
	// Precision the share of the samples predicted as it that are of it; nil where there
	// is no such sample.
	Recall    []*float64 `json:"recall"`
	Precision []*float64 `json:"precision"`
	// BalancedAccuracy is the mean recall over the classes that have samples.
	BalancedAccuracy float64 `json:"balanced_accuracy"`
}

// measureConfusion compares the predictions with the labels, unless the Objective is one
// of the user's that has no logits.
func (r *Result) measureConfusion(ctx context.Context, a *Analyzer, _ Settings) error {
	o, ok := a.objective.(interface {
		Logits(ctx context.Context, dst []float64) error
		Samples() int
	})
	if !ok || a.Split.Labels == nil {
		return nil
	}
	classes := a.Model.Classes()
	logits := make([]float64, o.Samples()*classes)
	if err := o.Logits(ctx, logits); err != nil {
		return err
	}
	c := &Confusion{Classes: make([]string, classes), Matrix: make([][]int, classes)}
	for y := range classes {
		c.Classes[y], c.Matrix[y] = strconv.Itoa(y), make([]int, classes)
	}
	for i := range o.Samples() { // the first ones, where a model takes whole batches alone
		c.Matrix[a.Split.Labels[i]][floats.MaxIdx(logits[i*classes:(i+1)*classes])]++
	}
	c.rate()
	r.Confusion = c
	return nil
}

// rate computes recall and precision from the matrix.
func (c *Confusion) rate() {
	n := len(c.Matrix)
	c.Recall, c.Precision = make([]*float64, n), make([]*float64, n)
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
}

// mostClasses is up to how many classes the table has a column for each prediction.
const mostClasses = 12

// write writes a row a class, and one of the mean recall.
func (c *Confusion) write(w io.Writer) error {
	if c == nil {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := len(c.Classes)
	if columns > mostClasses {
		columns = 0
	}
	fmt.Fprint(t, "\nclass\trecall\tprecision\t")
	for _, name := range c.Classes[:columns] {
		fmt.Fprintf(t, "as %.12s\t", name)
	}
	fmt.Fprintln(t)
	for k, name := range c.Classes {
		fmt.Fprintf(t, "%.24s\t%s\t%s\t", name, share(c.Recall[k]), share(c.Precision[k]))
		for _, count := range c.Matrix[k][:columns] {
			fmt.Fprintf(t, "%d\t", count)
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintf(t, "mean\t%.4f\t\t%s\n", c.BalancedAccuracy, strings.Repeat("\t", columns))
	return t.Flush()
}

// share formats a share, or a dash for none.
func share(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.4f", *v)
}
