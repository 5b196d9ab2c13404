package command

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/trainer"
)

// printSelection writes the results for people.
func printSelection(w io.Writer, s *selection.Selection) error {
	evaluated := s.Associations != nil
	for i := range s.Groups {
		g := &s.Groups[i]
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s (%.8s), %s: %s\n\n", g.Data, g.Fingerprint, g.Loss, comparison(s, g))
		if err := printRanks(w, s, g, evaluated); err != nil {
			return err
		}
		for k, warning := range g.Warnings {
			if k == 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "! %s\n", warning.Text)
		}
		if evaluated {
			if err := printAssociations(w, g.Associations, fmt.Sprintf("over %d runs, on %d test samples", len(g.Runs), g.TestSamples)); err != nil {
				return err
			}
		}
	}
	if evaluated && len(s.Groups) > 1 {
		if err := printAssociations(w, s.Associations, "over all runs, by pairs with the same data and loss function"); err != nil {
			return err
		}
	}
	for i, apart := range s.Apart {
		if i == 0 {
			fmt.Fprintln(w, "\nnot ranked:")
		}
		fmt.Fprintf(w, "  %s: %s\n", apart.Run, apart.Reason)
	}
	return nil
}

// comparison returns a line that says how the runs of a group are compared.
func comparison(s *selection.Selection, g *selection.Group) string {
	var by []string
	for _, m := range s.By {
		by = append(by, fmt.Sprintf("%s %s", m.Better, m.Metric))
	}
	at := "at the end of each run"
	if g.TargetLoss != nil {
		at = fmt.Sprintf("where the training loss is nearest to %.4g", *g.TargetLoss)
	}
	return fmt.Sprintf("%s, %s", strings.Join(by, " and "), at)
}

func printRanks(w io.Writer, s *selection.Selection, g *selection.Group, evaluated bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "rank\tfront\tscore\tepoch\ttrain loss\t")
	if g.TargetLoss != nil {
		fmt.Fprint(t, "off by\t")
	}
	for _, m := range s.By {
		fmt.Fprintf(t, "%s\t", path.Base(m.Metric))
	}
	if evaluated {
		fmt.Fprint(t, "test acc\taccuracy gap\tloss gap\t")
	}
	fmt.Fprint(t, "  run\n")
	for _, r := range g.Runs {
		fmt.Fprintf(t, "%d\t%d\t%.3f\t%d\t%s\t", r.Rank, r.Front, r.Score, r.Epoch, optional("%.4g", r.TrainLoss))
		if g.TargetLoss != nil {
			fmt.Fprintf(t, "%s\t", optional("×%.3f", r.Mismatch))
		}
		for _, m := range s.By {
			fmt.Fprintf(t, "%s\t", showInterval(r.Values[m.Metric]))
		}
		if o := r.Outcome; o != nil {
			fmt.Fprintf(t, "%s\t%s\t%s\t", optional("%.4f", o.TestAccuracy), optional("%+.4f", o.AccuracyGap), optional("%+.4f", o.LossGap))
		}
		fmt.Fprintf(t, "  %s\n", r.Run)
	}
	return t.Flush()
}

func showInterval(v selection.Interval) string {
	if v.Exact() {
		return fmt.Sprintf("%.4g", v.Low)
	}
	return fmt.Sprintf("%.4g–%.4g", v.Low, v.High)
}

// printAssociations writes one row per measure, with both gaps.
func printAssociations(w io.Writer, associations []selection.Association, over string) error {
	if len(associations) == 0 {
		_, err := fmt.Fprintf(w, "\nno Kendall's τ %s: fewer than two have a test split that was evaluated\n", over)
		return err
	}
	fmt.Fprintf(w, "\nKendall's τ-b of a measure and the generalization gap, %s;\n+1: the better value goes with the smaller gap; %s\n\n", over, equalGaps(associations))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "n\ttied\taccuracy gap\t95 %\tloss gap\t95 %\tbetter\t  measure\n")
	cells := make(map[selection.Gap]string)
	for i, a := range associations {
		cells[a.Gap] = fmt.Sprintf("%s\t%s\t", optional("%+.2f", a.Tau), interval(a))
		if i+1 < len(associations) && associations[i+1].Measure == a.Measure {
			continue // the row is written with the second gap
		}
		fmt.Fprintf(t, "%d\t%s\t%s%s%s\t  %s\n", a.N, share(a.TiedMeasure, a.Pairs),
			cmp.Or(cells[selection.AccuracyGap], "–\t\t"), cmp.Or(cells[selection.LossGap], "–\t\t"), direction(a.Better), a.Metric)
		clear(cells)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, warning := range weaknesses(associations) {
		fmt.Fprintf(w, "! %s\n", warning)
	}
	return nil
}

// equalGaps returns a line with the numbers of pairs of runs that have equal gaps,
// so that there is nothing to predict.
func equalGaps(associations []selection.Association) string {
	var parts []string
	for _, gap := range []selection.Gap{selection.AccuracyGap, selection.LossGap} {
		if i := slices.IndexFunc(associations, func(a selection.Association) bool { return a.Gap == gap }); i >= 0 {
			parts = append(parts, fmt.Sprintf("%s gap %s", gap, share(associations[i].TiedGap, associations[i].Pairs)))
		}
	}
	return "pairs of runs with the same " + strings.Join(parts, ", ")
}

// weaknesses returns the reasons why the associations may be unreliable.
func weaknesses(associations []selection.Association) []string {
	var all []string
	if slices.ContainsFunc(associations, func(a selection.Association) bool { return a.N < selection.MinBootstrap }) {
		all = append(all, fmt.Sprintf("fewer than %d runs say next to nothing, and get no intervals", selection.MinBootstrap))
	}
	if slices.ContainsFunc(associations, func(a selection.Association) bool { return 2*a.TiedGap > a.Pairs }) {
		all = append(all, "most pairs of runs have the same gap: τ rests on the few others; a larger test split would tell more apart")
	}
	return all
}

func share(part, whole int) string {
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(max(whole, 1)))
}

func interval(a selection.Association) string {
	if a.Low == nil {
		return ""
	}
	return fmt.Sprintf("%+.2f to %+.2f", *a.Low, *a.High)
}

// direction returns the direction of a measure, in words.
func direction(d trainer.Direction) string {
	if d == trainer.Neither {
		return "(lower)"
	}
	return d.String()
}

// writeSelectionCSV writes one row per run. Runs that are not ranked come last.
func writeSelectionCSV(w io.Writer, s *selection.Selection) error {
	header := []string{"data", "fingerprint", "rank", "front", "score", "run", "epoch", "parameters", "train_loss", "mismatch"}
	for _, m := range s.By {
		header = append(header, m.Metric+"_low", m.Metric+"_high")
	}
	header = append(header, "train_accuracy", "test_accuracy", "test_loss", "accuracy_gap", "loss_gap", "not_ranked")
	rows := [][]string{header}
	for _, g := range s.Groups {
		for _, r := range g.Runs {
			rows = append(rows, csvRow(s, &g, r))
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

func csvRow(s *selection.Selection, g *selection.Group, r selection.Ranked) []string {
	row := []string{
		g.Data, g.Fingerprint, strconv.Itoa(r.Rank), strconv.Itoa(r.Front), digits(&r.Score), r.Run,
		strconv.Itoa(r.Epoch), strconv.Itoa(r.Parameters), digits(r.TrainLoss), digits(r.Mismatch),
	}
	for _, m := range s.By {
		v := r.Values[m.Metric]
		row = append(row, digits(&v.Low), digits(&v.High))
	}
	o := r.Outcome
	if o == nil {
		o = new(selection.Outcome)
	}
	return append(row, digits(o.TrainAccuracy), digits(o.TestAccuracy), digits(o.TestLoss), digits(o.AccuracyGap), digits(o.LossGap), "")
}
