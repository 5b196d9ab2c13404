package command

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
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
		fmt.Fprintln(w, run.heading())
		if err := printStops(w, run.Replayed); err != nil {
			return err
		}
	}
	if len(s.Runs) < 2 {
		return nil
	}
	clusters := make(map[int]bool)
	for _, run := range s.Runs {
		clusters[run.Cluster] = true
	}
	fmt.Fprintf(w, "\nover %d runs in %d clusters of runs that share data and seed, or start from one another\n", len(s.Runs), len(clusters))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "runs\ttoo few\tstopped\tmean regret\t±\tof best\t±\tmedian\tepochs\t  rule\n")
	for _, r := range s.Summary {
		stopped := strconv.Itoa(r.Stopped)
		if r.Rule == stopping.ToTheEnd {
			stopped = "–"
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t  %s\n", r.Runs, r.TooFew, stopped,
			optional("%.4f", r.MeanRegret), optional("%.4f", r.MeanRegretError), optional("%.4f", r.MeanRestoredRegret), optional("%.4f", r.MeanRestoredRegretError),
			optional("%.4f", r.MedianRegret), optional("%.0f%%", percent(r.MeanShare)), r.Rule)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "of best: regret of the parameters that a rule of patience would put back; too few: runs set apart, in which the rule could not hold")
	return err
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
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "stops at\tepochs\ttime\ttest acc\ttest loss\tregret\t±\tbest at\tregret\t±\t  rule\n")
	if run.Oracle != nil {
		printStop(t, stopping.Outcome{Rule: "the oracle", Point: run.Oracle}, run.End)
	}
	printStop(t, stopping.Outcome{Rule: stopping.ToTheEnd, Point: &run.End}, run.End)
	for _, o := range run.Rules {
		switch o.Verdict {
		case stopping.NotRecorded:
			fmt.Fprintf(t, "?\t\t\t\t\t\t\t\t\t\t  %s: %s\n", o.Rule, notRecorded(o))
		case stopping.TooFew:
			fmt.Fprintf(t, "too few\t\t\t\t\t\t\t\t\t\t  %s: %s\n", o.Rule, o.Detail)
		case stopping.Never:
			fmt.Fprintf(t, "never\t\t\t\t\t%s\t%s\t%s\t  %s\n", optional("%.4f", o.Regret), optional("%.4f", o.RegretError), best(o), o.Rule)
		default:
			printStop(t, o, run.End)
		}
	}
	return t.Flush()
}

// notRecorded says why nothing is known of a rule.
func notRecorded(o stopping.Outcome) string {
	if o.Detail != "" {
		return o.Detail + ": needs more pairs; spectrum.resolved: true computes all that matter"
	}
	return strings.Join(o.Missing, ", ") + " is not recorded"
}

// best is the cells of the epoch whose parameters a rule of patience puts back.
func best(o stopping.Outcome) string {
	p := o.Restored
	if p == nil {
		return "\t\t"
	}
	return fmt.Sprintf("%d\t%s\t%s", p.Epoch, optional("%.4f", p.Regret), optional("%.4f", p.RegretError))
}

func printStop(w io.Writer, o stopping.Outcome, end stopping.Point) {
	p, rule := o.Point, o.Rule
	if p.Evaluated != nil && *p.Evaluated != p.Epoch {
		rule += fmt.Sprintf(" (tested at epoch %d)", *p.Evaluated)
	}
	share := 1.0
	if end.Seconds > 0 {
		share = p.Seconds / end.Seconds
	}
	fmt.Fprintf(w, "%d\t%.1f%%\t%.2fs %3.0f%%\t%s\t%s\t%s\t%s\t%s\t  %s\n", p.Epoch, 100*p.Share, p.Seconds, 100*share,
		optional("%.4f", p.Accuracy), optional("%.4f", p.Loss), optional("%.4f", p.Regret), optional("%.4f", p.RegretError), best(o), rule)
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
