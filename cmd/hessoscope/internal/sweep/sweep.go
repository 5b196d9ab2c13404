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
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// A Sweep is a plan that is being carried out.
type Sweep struct {
	plan       *Plan
	dir        string
	runs       runs
	jobs       int // processes at once
	processors int // that they share
	progress   io.Writer
}

// New expands a plan into runs below the folder out, and finds out how far each
// is. Train will train so many jobs at once, one a CPU if 0, and tell to progress
// of each that ends. It is an error if a run exists that was trained with other
// settings than it is to have.
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

// examine finds out how far each run is, and returns an error if one exists that
// was trained with other settings than it is to have.
func (s *Sweep) examine() error {
	for _, r := range s.runs {
		r.refresh()
		was, err := experiment.Read(record.Folder(r.dir).Config())
		if err != nil {
			continue // there is none, or to resume it will tell what is wrong with it
		}
		was.Resolve()
		if err := difference(was, r.config); err != nil {
			return fmt.Errorf("%s exists with other settings: %w; name the sweep anew, or delete that folder", r.dir, err)
		}
	}
	return nil
}

// Train trains what is not finished, until ctx is cancelled: then it lets the
// processes save, and returns nil. A run that fails stops no other but those that
// start from it.
func (s *Sweep) Train(ctx context.Context) error {
	if err := s.create(); err != nil {
		return err
	}
	err := s.execute(ctx)
	if recorded := s.record(); recorded != nil {
		return recorded
	}
	return err
}

// create makes the sweep's folder, with its plan, and tells what is to come.
func (s *Sweep) create() error {
	if err := os.MkdirAll(s.Logs(), 0o755); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(s.dir, sweepFile), s.plan.text); err != nil {
		return err
	}
	auxiliary := len(s.runs) - len(s.runs.compared())
	_, err := fmt.Fprintf(s.progress, "sweep %s: %d runs, %d of them auxiliary, %d finished already; %d at once, into %s\n",
		s.plan.Name, len(s.runs), auxiliary, s.runs.count(finished), s.jobs, s.dir)
	return err
}

// execute trains what is not finished, jobs at once, until ctx is cancelled.
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

// next is a run whose sources are finished, nil if there is none now. A run
// whose source failed has failed.
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

// WriteTable writes a row for each run that is not auxiliary.
func (s *Sweep) WriteTable(w io.Writer) error {
	if _, err := fmt.Fprintln(w, s.runs.heading()); err != nil {
		return err
	}
	for _, r := range s.runs.compared() {
		if _, err := fmt.Fprintln(w, s.runs.row(r)); err != nil {
			return err
		}
	}
	return nil
}

// Count is how many runs there are, and how many of them are finished and have
// failed.
func (s *Sweep) Count() (all, ready, broken int) {
	return len(s.runs), s.runs.count(finished), s.runs.count(failed)
}

// Finished are the folders of the finished runs that are not auxiliary.
func (s *Sweep) Finished() []string {
	var dirs []string
	for _, r := range s.runs.compared() {
		if r.phase == finished {
			dirs = append(dirs, r.dir)
		}
	}
	return dirs
}

// Logs is the folder of what the processes have written.
func (s *Sweep) Logs() string { return filepath.Join(s.dir, logsDir) }
