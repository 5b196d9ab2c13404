package command

import (
	"encoding/csv"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

// printSelection writes the results for people.
func printSelection(w io.Writer, s *selection.Selection) error {
	evaluated := s.Associations != nil
	for i := range s.Groups {
		g := &s.Groups[i]
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := terminal.Wrap(w, fmt.Sprintf("%s (%.8s), %s: %s\n\n", g.Data, g.Fingerprint, g.Loss, comparison(g))); err != nil {
			return err
		}
		if err := printRanks(w, g, evaluated); err != nil {
			return err
		}
		for k, warning := range g.Warnings {
			if k == 0 {
				fmt.Fprintln(w)
			}
			if err := terminal.Wrap(w, "! "+warning.Text+"\n"); err != nil {
				return err
			}
		}
		if evaluated {
			if err := printAssociations(w, g.Associations, fmt.Sprintf("over %d runs, on %d test samples", len(g.Runs), g.TestSamples)); err != nil {
				return err
			}
		}
	}
	if evaluated {
		if err := printEvaluation(w, s); err != nil {
			return err
		}
	}
	for i, apart := range s.Apart {
		if i == 0 {
			fmt.Fprintln(w, "\nnot ranked:")
		}
		if err := terminal.Wrap(w, fmt.Sprintf("  %s: %s\n", apart.Run, apart.Reason)); err != nil {
			return err
		}
	}
	return nil
}

// comparison returns a line that says how the runs of a group are compared.
func comparison(g *selection.Group) string {
	var by []string
	for _, m := range g.By {
		by = append(by, fmt.Sprintf("%s %s", m.Better, m.Metric))
	}
	at := "at the end of each run"
	if g.TargetLoss != nil {
		at = fmt.Sprintf("where the training loss is nearest to %.4g", *g.TargetLoss)
	}
	return fmt.Sprintf("%s, %s", strings.Join(by, " and "), at)
}

func printRanks(w io.Writer, g *selection.Group, evaluated bool) error {
	t := terminal.Table{Columns: []terminal.Column{
		{Heading: "  rank", Right: true},
		{Heading: "front", Right: true, Spare: 1},
		{Heading: "score", Right: true, Spare: 2},
		{Heading: "epoch", Right: true, Spare: 3},
		{Heading: "train loss", Right: true, Spare: 1},
	}}
	add := func(spare int, headings ...string) {
		for _, h := range headings {
			t.Columns = append(t.Columns, terminal.Column{Heading: h, Right: true, Spare: spare})
		}
	}
	if g.TargetLoss != nil {
		add(5, "off by")
	}
	for _, m := range g.By {
		add(0, path.Base(m.Metric))
	}
	if evaluated {
		add(1, "test acc")
		add(4, "accuracy gap", "loss gap")
	}
	t.Columns = append(t.Columns, terminal.Column{Heading: "run"})
	for _, r := range g.Runs {
		row := []string{strconv.Itoa(r.Rank), strconv.Itoa(r.Front), fmt.Sprintf("%.3f", r.Score), strconv.Itoa(r.Epoch), optional("%.4g", r.TrainLoss)}
		if g.TargetLoss != nil {
			row = append(row, optional("×%.3f", r.Mismatch))
		}
		for _, m := range g.By {
			if slices.Contains(r.Unknown, m.Metric) {
				row = append(row, "not known") // a line below the table says what would do
			} else {
				row = append(row, showInterval(r.Values[m.Metric]))
			}
		}
		if o := r.Outcome; o != nil {
			row = append(row, optional("%.4f", o.TestAccuracy), optional("%+.4f", o.AccuracyGap), optional("%+.4f", o.LossGap))
		} else if evaluated {
			row = append(row, "", "", "")
		}
		t.Rows = append(t.Rows, append(row, r.Run))
	}
	return t.Write(w)
}

func showInterval(v selection.Interval) string {
	if v.Exact() {
		return fmt.Sprintf("%.4g", v.Low)
	}
	return fmt.Sprintf("%.4g–%.4g", v.Low, v.High)
}

// writeSelectionCSV writes one row per run. Runs that are not ranked come last.
func writeSelectionCSV(w io.Writer, s *selection.Selection) error {
	header := []string{"data", "fingerprint", "rank", "front", "score", "run", "epoch", "parameters", "train_loss", "mismatch"}
	measures := allMeasures(s)
	for _, m := range measures {
		header = append(header, record.Low(m.Metric), record.High(m.Metric))
	}
	header = append(header, "train_accuracy", "test_accuracy", "test_loss", "accuracy_gap", "accuracy_gap_error", "loss_gap", "not_ranked")
	rows := [][]string{header}
	for _, g := range s.Groups {
		for _, r := range g.Runs {
			rows = append(rows, csvRow(measures, &g, r))
		}
	}
	for _, apart := range s.Apart {
		row := make([]string, len(header))
		row[5], row[len(row)-1] = apart.Run, apart.Reason
		rows = append(rows, row)
	}
	c := csv.NewWriter(w)
	return c.WriteAll(rows)
}

// allMeasures returns the measures that were asked for, and those that rank in the
// place of another.
func allMeasures(s *selection.Selection) []selection.Measure {
	all := slices.Clone(s.By)
	for _, g := range s.Groups {
		for _, m := range g.By {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

func csvRow(measures []selection.Measure, g *selection.Group, r selection.Ranked) []string {
	row := []string{
		g.Data, g.Fingerprint, strconv.Itoa(r.Rank), strconv.Itoa(r.Front), digits(&r.Score), r.Run,
		strconv.Itoa(r.Epoch), strconv.Itoa(r.Parameters), digits(r.TrainLoss), digits(r.Mismatch),
	}
	for _, m := range measures {
		v, known := r.Values[m.Metric]
		if !known { // it ranks another group
			row = append(row, "", "")
			continue
		}
		row = append(row, digits(&v.Low), digits(&v.High))
	}
	o := r.Outcome
	if o == nil {
		o = new(selection.Outcome)
	}
	return append(row, digits(o.TrainAccuracy), digits(o.TestAccuracy), digits(o.TestLoss), digits(o.AccuracyGap), digits(o.AccuracyGapError), digits(o.LossGap), "")
}
