package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// A Sweep is the execution of a plan.
type Sweep struct {
	plan       *Plan
	dir        string
	runs       runs
	jobs       int // number of processes that run at the same time
	processors int // number of processors that they share
	progress   io.Writer
}

// New expands a plan into runs below the folder out and reads the status of each.
// Train will train jobs runs at once, one per CPU if 0, and write a line to progress
// for each run that ends. If a run exists with other settings than those of the plan,
// New returns an error.
func New(p *Plan, out string, jobs int, progress io.Writer) (*Sweep, error) {
	s := &Sweep{plan: p, dir: filepath.Join(out, p.Name), jobs: jobs, processors: runtime.GOMAXPROCS(0), progress: progress}
	if s.jobs == 0 {
		s.jobs = s.processors
	}
	var err error
	if s.runs, err = p.expand(s.dir); err != nil {
		return nil, err
	}
	if err := s.examine(); err != nil {
		return nil, err
	}
	return s, nil
}

// examine reads the status of each run. One whose process was killed before it wrote the
// report is not finished. It returns an error if a run exists with other settings than
// those of the plan.
func (s *Sweep) examine() error {
	for _, r := range s.runs {
		r.refresh()
		if !r.reported() {
			r.phase = waiting
		}
		was, err := experiment.Read(record.Folder(r.dir).Config())
		if err != nil {
			continue // there is no run, or resuming it will report what is wrong with it
		}
		was.Resolve()
		if err := experiment.Difference(was, r.config); err != nil {
			return fmt.Errorf("%s exists with other settings: %w; name the sweep anew, or delete that folder", r.dir, err)
		}
	}
	return nil
}

// Train trains the runs that are not finished. If ctx is cancelled, it lets the
// processes save and returns nil. A run that fails only prevents the runs that start
// from it. If another process trains the sweep, Train returns an error.
func (s *Sweep) Train(ctx context.Context) error {
	if err := durable.MkdirAll(s.Logs()); err != nil {
		return err
	}
	lock, err := experiment.Lock(s.dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := durable.Tidy(s.dir); err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	err = s.execute(ctx)
	if recorded := s.record(); recorded != nil {
		return recorded
	}
	return err
}

// begin writes the plan and announces the runs.
func (s *Sweep) begin() error {
	if err := durable.WriteFile(filepath.Join(s.dir, sweepFile), s.plan.text); err != nil {
		return err
	}
	auxiliary := len(s.runs) - len(s.runs.compared())
	return terminal.Wrap(s.progress, fmt.Sprintf("sweep %s: %d runs, %d of them auxiliary, %d finished already; %d at once, into %s\n",
		s.plan.Name, len(s.runs), auxiliary, s.runs.count(finished), s.jobs, s.dir))
}

// execute trains the runs that are not finished, jobs at a time, until ctx is
// cancelled.
func (s *Sweep) execute(ctx context.Context) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	type end struct {
		run     *run
		problem string
	}
	ends := make(chan end)
	told := newProgress(s.progress, s.runs)
	for running := 0; ; {
		for running < s.jobs && ctx.Err() == nil {
			r := s.next(told)
			if r == nil {
				break
			}
			running++
			r.phase = training
			go func() { ends <- end{r, r.train(ctx, executable, s.Logs(), max(1, s.processors/s.jobs))} }()
		}
		if running == 0 {
			return err
		}
		e := <-ends
		running--
		e.run.ended(ctx, e.problem)
		told.ended(e.run)
		if e.run.phase == finished {
			err = errors.Join(err, s.record())
		}
	}
}

// next returns a waiting run whose sources are finished, or nil if there is none at
// the moment. It marks runs as failed if one of their sources has failed.
func (s *Sweep) next(told *progress) *run {
	for _, r := range s.runs {
		if r.phase != waiting {
			continue
		}
		is := func(p phase) func(*run) bool { return func(source *run) bool { return source.phase == p } }
		if i := slices.IndexFunc(r.sources, is(failed)); i >= 0 {
			r.fail("it starts from " + r.sources[i].name + ", which failed")
			told.ended(r)
			continue
		}
		if !slices.ContainsFunc(r.sources, func(source *run) bool { return source.phase != finished }) {
			return r
		}
	}
	return nil
}

// record replaces sweep.json and sweep.csv.
func (s *Sweep) record() error { return s.runs.compared().write(s.plan.Name, s.dir) }

// WriteTable writes a table with a row for each run that is not auxiliary.
func (s *Sweep) WriteTable(w io.Writer) error {
	compared := s.runs.compared()
	t := compared.table()
	for _, r := range compared {
		t.Rows = append(t.Rows, r.row())
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, r := range compared {
		if err := r.tell(w); err != nil {
			return err
		}
	}
	return nil
}

// Count returns the number of all runs, of finished runs and of failed runs.
func (s *Sweep) Count() (all, ready, broken int) {
	return len(s.runs), s.runs.count(finished), s.runs.count(failed)
}

// Unreported returns the number of finished runs without a report.
func (s *Sweep) Unreported() int {
	n := 0
	for _, r := range s.runs {
		if r.phase == finished && !r.reported() {
			n++
		}
	}
	return n
}

// Finished returns the folders of the finished runs that are not auxiliary.
func (s *Sweep) Finished() []string {
	var dirs []string
	for _, r := range s.runs.compared() {
		if r.phase == finished {
			dirs = append(dirs, r.dir)
		}
	}
	return dirs
}

// Logs returns the folder of the logs of the processes.
func (s *Sweep) Logs() string { return filepath.Join(s.dir, logsDir) }
