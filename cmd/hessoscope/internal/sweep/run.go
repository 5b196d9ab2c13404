package sweep

import (
	"context"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
)

// phase is how far a run of a sweep is.
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
	variant    *variant // without a name if the plan has none
	point      []assignment
	seed       *uint64 // the experiment's if nil
	experiment string
	set        []string           // key=value, as --set takes them
	sources    []*run             // whose checkpoints it starts from
	config     *experiment.Config // with all settings

	phase   phase
	problem string      // of a failed run
	record  *record.Run // as it was read last; nil if there is none
}

// fail ends a run with a problem.
func (r *run) fail(problem string) { r.phase, r.problem = failed, problem }

// refresh reads the record of a run. One that is not finished waits.
func (r *run) refresh() {
	recorded, err := record.ReadRun(record.Folder(r.dir).Run())
	if err != nil { // not begun; if it is broken, the process that resumes it tells so
		return
	}
	r.record = recorded
	if recorded.Status == record.StatusFinished {
		r.phase = finished
	}
}

// ended takes over what has become of a run whose process has ended.
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

// metric is a reading of the run's last epoch.
func (r *run) metric(name string) (float64, bool) {
	if r.record == nil {
		return 0, false
	}
	reading, ok := r.record.Final[name]
	return reading.Value, ok && reading.Epoch == r.record.Epoch
}

// nameIn is the name of a run: the variant, the values on the grid, and the
// seed, such as normal-20x20-batch_size_16-seed_0.
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

// place is where the plan tells a run from others: its last axis or variant.
func (r *run) place() *token.Token {
	if n := len(r.point); n > 0 {
		return r.point[n-1].at
	}
	return r.variant.at
}
