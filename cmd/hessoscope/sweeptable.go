package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// sweepProgress writes a line for each run that ends.
type sweepProgress struct {
	sweep       *sweep
	began       time.Time
	done, total int // of this session and the ones before
	here        int // of this session
	headed      bool
}

func newSweepProgress(s *sweep) *sweepProgress {
	return &sweepProgress{sweep: s, began: time.Now(), done: s.count(finished), total: len(s.runs)}
}

// ended tells of a run that has ended.
func (p *sweepProgress) ended(r *sweepRun) {
	if !p.headed {
		p.headed = true
		fmt.Fprintf(p.sweep.out.stderr, "%11s %7s  %s\n", "done", "left", p.sweep.heading())
	}
	if r.phase != interrupted {
		p.here++
		p.done++
	}
	left := time.Since(p.began) / time.Duration(max(1, p.here)) * time.Duration(p.total-p.done)
	fmt.Fprintf(p.sweep.out.stderr, "%5d/%-5d %7s  %s\n", p.done, p.total, left.Round(time.Second), p.sweep.row(r))
}

// A column of the table is a metric.
type column struct{ heading, metric string }

var columns = []column{
	{"loss", "train/loss"},
	{"val acc", "validation/accuracy"},
	{"λ₁", "spectrum/lambda_max"},
	{"G", "boundary/complexity"},
	{"directions", "boundary/participation"},
	{"margin", "boundary/margin"},
}

// nameWidth is that of the longest name of a run.
func (s *sweep) nameWidth() int {
	width := len("run")
	for _, r := range s.runs {
		width = max(width, len(r.name))
	}
	return width
}

func (s *sweep) heading() string {
	text := fmt.Sprintf("%-*s  %-11s %7s", s.nameWidth(), "run", "status", "epochs")
	for _, c := range columns {
		text += fmt.Sprintf(" %10s", c.heading)
	}
	return text + fmt.Sprintf(" %8s", "time")
}

// row is a line of the table. What a run was not measured for at its last epoch
// is left blank; of a failed run it tells why.
func (s *sweep) row(r *sweepRun) string {
	text := fmt.Sprintf("%-*s  %-11s", s.nameWidth(), r.name, r.phase)
	if r.phase == failed {
		return text + " " + firstLine(r.problem)
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

// metric is a reading of the run's last epoch.
func (r *sweepRun) metric(name string) (float64, bool) {
	if r.record == nil {
		return 0, false
	}
	reading, ok := r.record.Final[name]
	return reading.Value, ok && reading.Epoch == r.record.Epoch
}

// compared are the runs that are not auxiliary.
func (s *sweep) compared() []*sweepRun {
	return slices.DeleteFunc(slices.Clone(s.runs), func(r *sweepRun) bool { return r.variant.Auxiliary })
}

func (s *sweep) writeTable(w io.Writer) error {
	if _, err := fmt.Fprintln(w, s.heading()); err != nil {
		return err
	}
	for _, r := range s.compared() {
		if _, err := fmt.Fprintln(w, s.row(r)); err != nil {
			return err
		}
	}
	return nil
}
