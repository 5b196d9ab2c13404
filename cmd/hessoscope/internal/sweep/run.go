package sweep

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
)

// phase is the status of a run of a sweep.
type phase int

const (
	waiting phase = iota
	training
	finished
	interrupted
	failed
)

// String implements fmt.Stringer.
func (p phase) String() string {
	return [...]string{"waiting", "training", "finished", "interrupted", "failed"}[p]
}

// A run is one run of a sweep.
type run struct {
	name, dir  string
	variant    *variant // its name is empty if the plan has no variants
	point      []assignment
	seed       *uint64 // the experiment's if nil
	experiment string
	set        []string           // settings as key=value, for --set
	sources    []*run             // runs from whose checkpoints it starts
	config     *experiment.Config // complete settings

	phase   phase
	problem string      // why the run failed
	record  *record.Run // the run.json that was last read; nil if there is none
}

// fail marks a run as failed.
func (r *run) fail(problem string) { r.phase, r.problem = failed, problem }

// refresh reads the record of a run. A run that is not finished gets the phase
// waiting.
func (r *run) refresh() {
	recorded, err := record.ReadRun(record.Folder(r.dir).Run())
	if err != nil { // not begun, or not readable: then the process that resumes it reports the error
		return
	}
	r.record = recorded
	if recorded.Status == record.StatusFinished {
		r.phase = finished
	}
}

// reported reports whether a run has its report.
func (r *run) reported() bool {
	_, err := os.Stat(record.Folder(r.dir).Report())
	return err == nil
}

// ended updates a run whose process has ended.
func (r *run) ended(ctx context.Context, problem string) {
	r.refresh()
	switch {
	case r.phase == finished:
	case ctx.Err() != nil:
		r.phase = interrupted
	default:
		r.fail(problem)
	}
}

// metric returns the value of a metric if it was recorded at the last epoch of the
// run.
func (r *run) metric(name string) (float64, bool) {
	if r.record == nil {
		return 0, false
	}
	reading, ok := r.record.Final[name]
	return reading.Value, ok && reading.Epoch == r.record.Epoch
}

// nameIn returns the name of a run: the variant, the values on the grid, and the seed,
// such as normal-20x20-batch_size_16-seed_0.
func (r *run) nameIn(p *Plan) string {
	var parts []string
	if r.variant.name != "" {
		parts = append(parts, r.variant.name)
	}
	parts = append(parts, pointName(r.point)...)
	if r.seed != nil {
		parts = append(parts, fmt.Sprintf("seed_%d", *r.seed))
	}
	if len(parts) == 0 {
		return p.Name
	}
	return strings.Join(parts, "-")
}

// place returns the place in the plan that distinguishes a run from others: its last
// axis or its variant.
func (r *run) place() *token.Token {
	if n := len(r.point); n > 0 {
		return r.point[n-1].at
	}
	return r.variant.at
}
