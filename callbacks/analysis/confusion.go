package analysis

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

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
	// The labels of the first samples, where a model takes whole batches alone.
	r.Confusion = record.NewConfusion(classes, nil, a.Split.Labels[:o.Samples()], logits)
	return nil
}

// mostClasses is up to how many classes the table has a column for each prediction.
const mostClasses = 12

// writeConfusion writes a row a class, and one of the mean recall.
func (r *Result) writeConfusion(w io.Writer) error {
	c := r.Confusion
	if c == nil {
		return nil
	}
	t := terminal.Table{Columns: []terminal.Column{{Heading: "class", Right: true}, {Heading: "recall", Right: true}, {Heading: "precision", Right: true}}}
	columns := len(c.Classes)
	if columns > mostClasses {
		columns = 0
	}
	for _, name := range c.Classes[:columns] {
		t.Columns = append(t.Columns, terminal.Column{Heading: fmt.Sprintf("as %.12s", name), Right: true, Spare: 1})
	}
	for k, name := range c.Classes {
		row := []string{fmt.Sprintf("%.24s", name), share(c.Recall[k]), share(c.Precision[k])}
		for _, count := range c.Matrix[k][:columns] {
			row = append(row, strconv.Itoa(count))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Rows = append(t.Rows, append([]string{"mean", share(&c.BalancedAccuracy)}, make([]string, 1+columns)...))
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Write(w)
}

// share formats a share, or a dash for none.
func share(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.4f", *v)
}
