package sweep

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
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
type column struct {
	heading, metric string
	spare           int // see terminal.Column
}

var columns = []column{
	{"loss", trainer.LossOf(datasets.Train), 0},
	{"val acc", trainer.AccuracyOf(datasets.Validation), 3},
	{"λ₁", record.LambdaMax, 4},
	{"G", record.Complexity, 1},
	{"directions", record.Directions, 2},
	{"margin", record.Margin, 1},
}

// table returns the empty table of the runs.
func (rs runs) table() *terminal.Table {
	width := 0
	for _, r := range rs {
		width = max(width, len(r.name))
	}
	t := &terminal.Table{Columns: []terminal.Column{
		{Heading: "run", Least: width},
		{Heading: "status", Least: len(interrupted.String())},
		{Heading: "epochs", Right: true, Spare: 5},
	}}
	for _, c := range columns {
		t.Columns = append(t.Columns, terminal.Column{Heading: c.heading, Right: true, Least: 9, Spare: c.spare})
	}
	t.Columns = append(t.Columns, terminal.Column{Heading: "time", Right: true, Least: 7, Spare: 6})
	return t
}

// row returns the cells of a run. Metrics that were not recorded at its last epoch are
// blank.
func (r *run) row() []string {
	row := []string{r.name, r.phase.String(), ""}
	for _, c := range columns {
		cell := ""
		if value, ok := r.metric(c.metric); ok {
			cell = fmt.Sprintf("%.4g", value)
		}
		row = append(row, cell)
	}
	if r.record == nil {
		return append(row, "")
	}
	row[2] = strconv.Itoa(r.record.Epoch)
	return append(row, fmt.Sprintf("%.1fs", r.record.Seconds))
}

// tell writes why a run failed, if it did.
func (r *run) tell(w io.Writer) error {
	if r.phase != failed {
		return nil
	}
	problem, _, _ := strings.Cut(r.problem, "\n")
	return terminal.Wrap(w, fmt.Sprintf("! %s: %s\n", r.name, problem))
}

// progress writes a line for each run that ends.
type progress struct {
	w     io.Writer
	table *terminal.Table // nil before the first line
	runs  runs
	began time.Time
	done  int // number of runs that have ended, including those of earlier executions
	here  int // number of runs that have ended in this execution
}

func newProgress(w io.Writer, rs runs) *progress {
	return &progress{w: w, runs: rs, began: time.Now(), done: rs.count(finished)}
}

// ended writes the line of a run that has ended. Errors of writing are ignored: the
// sweep goes on when a terminal is closed.
func (p *progress) ended(r *run) {
	if p.table == nil {
		p.table = p.runs.table()
		p.table.Columns = append([]terminal.Column{{Heading: "done", Right: true, Least: 7}, {Heading: "left", Right: true, Least: 7}}, p.table.Columns...)
		_ = p.table.WriteHeading(p.w)
	}
	if r.phase != interrupted {
		p.here++
		p.done++
	}
	total := len(p.runs)
	left := time.Since(p.began) / time.Duration(max(1, p.here)) * time.Duration(total-p.done)
	_ = p.table.WriteRow(p.w, append([]string{fmt.Sprintf("%d/%d", p.done, total), left.Round(time.Second).String()}, r.row()...))
	_ = r.tell(p.w)
}
