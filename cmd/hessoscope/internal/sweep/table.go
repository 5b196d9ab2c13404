package sweep

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// runs are all runs of a sweep.
type runs []*run

// count returns the number of runs in a phase.
func (rs runs) count(p phase) int {
	n := 0
	for _, r := range rs {
		if r.phase == p {
			n++
		}
	}
	return n
}

// compared returns the runs that are not auxiliary.
func (rs runs) compared() runs {
	return slices.DeleteFunc(slices.Clone(rs), func(r *run) bool { return r.variant.Auxiliary })
}

// A column of the table is a metric.
type column struct{ heading, metric string }

var columns = []column{
	{"loss", trainer.LossOf(datasets.Train)},
	{"val acc", trainer.AccuracyOf(datasets.Validation)},
	{"λ₁", record.LambdaMax},
	{"G", record.Complexity},
	{"directions", record.Directions},
	{"margin", record.Margin},
}

// nameWidth returns the length of the longest name of a run.
func (rs runs) nameWidth() int {
	width := len("run")
	for _, r := range rs {
		width = max(width, len(r.name))
	}
	return width
}

func (rs runs) heading() string {
	text := fmt.Sprintf("%-*s  %-11s %7s", rs.nameWidth(), "run", "status", "epochs")
	for _, c := range columns {
		text += fmt.Sprintf(" %10s", c.heading)
	}
	return text + fmt.Sprintf(" %8s", "time")
}

// row returns a line of the table. Metrics that were not recorded at the last epoch of
// the run are blank. The row of a failed run says why it failed.
func (rs runs) row(r *run) string {
	text := fmt.Sprintf("%-*s  %-11s", rs.nameWidth(), r.name, r.phase)
	if r.phase == failed {
		problem, _, _ := strings.Cut(r.problem, "\n")
		return text + " " + problem
	}
	if r.record == nil {
		return text
	}
	text += fmt.Sprintf(" %7d", r.record.Epoch)
	for _, c := range columns {
		cell := ""
		if value, ok := r.metric(c.metric); ok {
			cell = fmt.Sprintf("%.4g", value)
		}
		text += fmt.Sprintf(" %10s", cell)
	}
	return text + fmt.Sprintf(" %7.1fs", r.record.Seconds)
}

// progress writes a line for each run that ends.
type progress struct {
	w      io.Writer
	runs   runs
	began  time.Time
	done   int // number of runs that have ended, including those of earlier executions
	here   int // number of runs that have ended in this execution
	headed bool
}

func newProgress(w io.Writer, rs runs) *progress {
	return &progress{w: w, runs: rs, began: time.Now(), done: rs.count(finished)}
}

// ended writes the line of a run that has ended.
func (p *progress) ended(r *run) {
	if !p.headed {
		p.headed = true
		fmt.Fprintf(p.w, "%11s %7s  %s\n", "done", "left", p.runs.heading())
	}
	if r.phase != interrupted {
		p.here++
		p.done++
	}
	total := len(p.runs)
	left := time.Since(p.began) / time.Duration(max(1, p.here)) * time.Duration(total-p.done)
	fmt.Fprintf(p.w, "%5d/%-5d %7s  %s\n", p.done, total, left.Round(time.Second), p.runs.row(r))
}
