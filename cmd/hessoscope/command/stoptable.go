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
	fmt.Fprintf(w, "\nover %d runs\n", len(s.Runs))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "runs\tstopped\tmean regret\tmedian\tepochs\t  rule\n")
	for _, r := range s.Summary {
		stopped := strconv.Itoa(r.Stopped)
		if r.Rule == stopping.ToTheEnd {
			stopped = "–"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t  %s\n", r.Runs, stopped,
			optional("%.4f", r.MeanRegret), optional("%.4f", r.MedianRegret), optional("%.0f%%", percent(r.MeanShare)), r.Rule)
	}
	return t.Flush()
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
	fmt.Fprint(t, "stops at\tepochs\ttime\ttest acc\ttest loss\tregret\t  rule\n")
	if run.Oracle != nil {
		printStop(t, *run.Oracle, run.End, "the oracle")
	}
	printStop(t, run.End, run.End, stopping.ToTheEnd)
	for _, o := range run.Rules {
		switch o.Verdict {
		case stopping.NotRecorded:
			fmt.Fprintf(t, "?\t\t\t\t\t\t  %s: %s is not recorded\n", o.Rule, strings.Join(o.Missing, ", "))
		case stopping.Never:
			fmt.Fprintf(t, "never\t\t\t\t\t%s\t  %s\n", optional("%.4f", o.Regret), o.Rule)
		default:
			printStop(t, *o.Point, run.End, o.Rule)
		}
	}
	return t.Flush()
}

func printStop(w io.Writer, p, end stopping.Point, rule string) {
	if p.Evaluated != nil && *p.Evaluated != p.Epoch {
		rule += fmt.Sprintf(" (tested at epoch %d)", *p.Evaluated)
	}
	share := 1.0
	if end.Seconds > 0 {
		share = p.Seconds / end.Seconds
	}
	fmt.Fprintf(w, "%d\t%.1f%%\t%.2fs %3.0f%%\t%s\t%s\t%s\t  %s\n", p.Epoch, 100*p.Share, p.Seconds, 100*share,
		optional("%.4f", p.Accuracy), optional("%.4f", p.Loss), optional("%.4f", p.Regret), rule)
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
	rows := [][]string{{"run", "rule", "verdict", "epoch", "share", "seconds", "evaluated", "test_accuracy", "test_loss", "regret", "missing"}}
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
		return append(row, "", "", "", "", "", "", "", strings.Join(o.Missing, " "))
	}
	evaluated := ""
	if o.Evaluated != nil {
		evaluated = strconv.Itoa(*o.Evaluated)
	}
	return append(row, strconv.Itoa(o.Epoch), digits(&o.Share), digits(&o.Seconds), evaluated,
		digits(o.Accuracy), digits(o.Loss), digits(o.Regret), "")
}
