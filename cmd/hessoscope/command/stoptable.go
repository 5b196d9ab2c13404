package command

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

// stopStudy is the result of stop-study. Its JSON is a stable format.
type stopStudy struct {
	Runs    []studiedRun       `json:"runs"`
	Summary []stopping.Summary `json:"summary"`
}

type studiedRun struct {
	stopping.Replayed
	Status record.Status `json:"status"`
	Epochs int           `json:"epochs"`       // planned epochs; 0 if not known
	Tested int           `json:"test_samples"` // number of samples of the test split
}

// printStopStudy writes one table per run, and, if there are several runs, a summary.
func printStopStudy(w io.Writer, s *stopStudy) error {
	for i, run := range s.Runs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := terminal.Wrap(w, run.heading()+"\n"); err != nil {
			return err
		}
		if err := printStops(w, run.Replayed); err != nil {
			return err
		}
	}
	if len(s.Runs) < 2 {
		return nil
	}
	return printStopSummary(w, s)
}

// printStopSummary writes a table of the rules over all runs.
func printStopSummary(w io.Writer, s *stopStudy) error {
	clusters := make(map[int]bool)
	for _, run := range s.Runs {
		clusters[run.Cluster] = true
	}
	over := fmt.Sprintf("\nover %d runs in %d clusters of runs that share data and seed, or start from one another\n", len(s.Runs), len(clusters))
	if err := terminal.Wrap(w, over); err != nil {
		return err
	}
	t := terminal.Table{Columns: []terminal.Column{
		{Heading: "  runs", Right: true, Spare: 6},
		{Heading: "too few", Right: true, Spare: 5},
		{Heading: "stopped", Right: true, Spare: 3},
		{Heading: "mean regret", Right: true},
		{Heading: "±", Right: true, Spare: 1},
		{Heading: "of best", Right: true, Spare: 2},
		{Heading: "±", Right: true, Spare: 2},
		{Heading: "median", Right: true, Spare: 4},
		{Heading: "epochs", Right: true},
		{Heading: "rule", Text: true},
	}}
	for _, r := range s.Summary {
		stopped := strconv.Itoa(r.Stopped)
		if r.Rule == stopping.ToTheEnd {
			stopped = "–"
		}
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(r.Runs), strconv.Itoa(r.TooFew), stopped,
			optional("%.4f", r.MeanRegret), optional("%.4f", r.MeanRegretError), optional("%.4f", r.MeanRestoredRegret), optional("%.4f", r.MeanRestoredRegretError),
			optional("%.4f", r.MedianRegret), optional("%.0f%%", percent(r.MeanShare)), r.Rule,
		})
	}
	if err := t.Write(w); err != nil {
		return err
	}
	return terminal.Wrap(w, "of best: regret of the parameters that a rule of patience would put back; too few: runs set apart, in which the rule could not hold\n")
}

// heading returns the name of the run and its epochs, and says if the run did not
// reach its planned end.
func (r *studiedRun) heading() string {
	text := fmt.Sprintf("%s: %d epochs", r.Run, r.End.Epoch)
	if r.Status != record.StatusFinished {
		text += fmt.Sprintf(" of %d; it is %s, so its last epoch is not the end of training", r.Epochs, strings.ReplaceAll(string(r.Status), "_", " "))
	} else if r.Epochs > r.End.Epoch {
		text += fmt.Sprintf(" of %d; it was stopped early, and nothing is known of later epochs", r.Epochs)
	}
	if r.Oracle == nil {
		return text + "; the test split was never evaluated"
	}
	return text + fmt.Sprintf("; %d test samples", r.Tested)
}

func printStops(w io.Writer, run stopping.Replayed) error {
	t := terminal.Table{Columns: []terminal.Column{
		{Heading: "  stops at", Right: true},
		{Heading: "epochs", Right: true, Spare: 5},
		{Heading: "time", Right: true, Spare: 3},
		{Heading: "test acc", Right: true, Spare: 1},
		{Heading: "test loss", Right: true, Spare: 6},
		{Heading: "regret", Right: true},
		{Heading: "±", Right: true, Spare: 2},
		{Heading: "best at", Right: true, Spare: 4},
		{Heading: "regret", Right: true, Spare: 4},
		{Heading: "±", Right: true, Spare: 4},
		{Heading: "rule", Text: true},
	}}
	add := func(cells ...string) { // the last of which is the rule
		last := len(cells) - 1
		row := append(cells[:last:last], make([]string, len(t.Columns)-len(cells))...)
		t.Rows = append(t.Rows, append(row, cells[last]))
	}
	if run.Oracle != nil {
		add(stopCells(stopping.Outcome{Rule: "the oracle", Point: run.Oracle}, run.End)...)
	}
	add(stopCells(stopping.Outcome{Rule: stopping.ToTheEnd, Point: &run.End}, run.End)...)
	for _, o := range run.Rules {
		switch o.Verdict {
		case stopping.NotRecorded:
			add("?", o.Rule+": "+notRecorded(o))
		case stopping.TooFew:
			add("too few", o.Rule+": "+o.Detail)
		case stopping.Never:
			add(append([]string{"never", "", "", "", "", optional("%.4f", o.Regret), optional("%.4f", o.RegretError)}, append(best(o), o.Rule)...)...)
		default:
			add(stopCells(o, run.End)...)
		}
	}
	return t.Write(w)
}

// notRecorded says why nothing is known of a rule.
func notRecorded(o stopping.Outcome) string {
	if o.Detail != "" {
		return o.Detail + ": needs more pairs; spectrum.resolved: true computes all that matter"
	}
	return strings.Join(o.Missing, ", ") + " is not recorded"
}

// best is the cells of the epoch whose parameters a rule of patience puts back.
func best(o stopping.Outcome) []string {
	p := o.Restored
	if p == nil {
		return []string{"", "", ""}
	}
	return []string{strconv.Itoa(p.Epoch), optional("%.4f", p.Regret), optional("%.4f", p.RegretError)}
}

// stopCells is the row of a rule that holds.
func stopCells(o stopping.Outcome, end stopping.Point) []string {
	p, rule := o.Point, o.Rule
	if p.Evaluated != nil && *p.Evaluated != p.Epoch {
		rule += fmt.Sprintf(" (tested at epoch %d)", *p.Evaluated)
	}
	share := 1.0
	if end.Seconds > 0 {
		share = p.Seconds / end.Seconds
	}
	row := []string{
		strconv.Itoa(p.Epoch), fmt.Sprintf("%.1f%%", 100*p.Share), fmt.Sprintf("%.2fs %3.0f%%", p.Seconds, 100*share),
		optional("%.4f", p.Accuracy), optional("%.4f", p.Loss), optional("%.4f", p.Regret), optional("%.4f", p.RegretError),
	}
	return append(append(row, best(o)...), rule)
}

func percent(share *float64) *float64 {
	if share == nil {
		return nil
	}
	return new(100 * *share)
}

// writeStopsCSV writes one row per run and rule, and rows for the oracle and the end
// of each run.
func writeStopsCSV(w io.Writer, s *stopStudy) error {
	rows := [][]string{{"run", "rule", "verdict", "epoch", "share", "seconds", "evaluated", "test_accuracy", "test_loss", "regret", "regret_error", "restored_epoch", "restored_regret", "restored_regret_error", "missing"}}
	for _, r := range s.Runs {
		if r.Oracle != nil {
			rows = append(rows, stopRow(r.Run, stopping.Outcome{Rule: "the oracle", Verdict: stopping.Stopped, Point: r.Oracle}))
		}
		rows = append(rows, stopRow(r.Run, stopping.Outcome{Rule: stopping.ToTheEnd, Verdict: stopping.Never, Point: &r.End}))
		for _, o := range r.Rules {
			rows = append(rows, stopRow(r.Run, o))
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}

func stopRow(run string, o stopping.Outcome) []string {
	row := []string{run, o.Rule, string(o.Verdict)}
	if o.Point == nil {
		return append(append(row, make([]string, 11)...), strings.Join(o.Missing, " "))
	}
	evaluated := ""
	if o.Evaluated != nil {
		evaluated = strconv.Itoa(*o.Evaluated)
	}
	var restored [3]string
	if p := o.Restored; p != nil {
		restored = [3]string{strconv.Itoa(p.Epoch), digits(p.Regret), digits(p.RegretError)}
	}
	return append(row, strconv.Itoa(o.Epoch), digits(&o.Share), digits(&o.Seconds), evaluated,
		digits(o.Accuracy), digits(o.Loss), digits(o.Regret), digits(o.RegretError), restored[0], restored[1], restored[2], "")
}
