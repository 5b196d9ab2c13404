package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

type sweepCmd struct {
	Sweep    string `arg:"" help:"A YAML file, or the name of a sweep that comes with the command (hessoscope presets)."`
	Jobs     int    `help:"Runs at once; one a CPU if 0. They share the CPUs." placeholder:"N"`
	Out      string `help:"Folder of all sweeps." default:"sweeps" placeholder:"DIR"`
	Evaluate bool   `help:"At the end, rank the runs and compare the measures with the generalization gap: select --evaluate."`
}

// Help is printed by sweep --help.
func (sweepCmd) Help() string {
	return `
Trains every combination of a grid of settings, of variants and of seeds:

  name: widths
  experiment: gauss                           # a preset or a YAML file
  set: {training.epochs: 500}                 # of every run
  grid: {model.hidden: [[20, 20], [50, 50]]}  # a list for each setting
  seeds: [0, 1, 2]

  hessoscope sweep widths.yaml                # 6 runs, into sweeps/widths
  hessoscope presets print regimes            # variants that start from others, as a file of your own may have
  hessoscope sweep regimes --evaluate

Each run is a process and a folder as of hessoscope train. One that fails does not stop the others. The same
command again goes on: finished runs are left, interrupted ones resumed, failed ones tried again.
sweep.csv and sweep.json in the folder have every run's settings and last metrics. docs/sweep.md tells more.`
}

// Files of a sweep's folder, beside those of the runs.
const (
	sweepFile = "sweep.yaml"
	logsDir   = "logs"
)

// sweeps are the plans that come with the command.
//
//go:embed sweeps/*.yaml
var sweeps embed.FS

func sweepNames() []string { return embeddedNames(sweeps) }

// readSweep reads a YAML file, if name looks like one or is one, else a sweep
// that comes with the command.
func readSweep(name string) (file string, data []byte, err error) {
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" || strings.ContainsRune(name, filepath.Separator) {
		data, err = os.ReadFile(name)
		return name, data, err
	}
	if data, err = sweeps.ReadFile("sweeps/" + name + ".yaml"); err != nil {
		return "", nil, fmt.Errorf("no sweep and no file %q%s", name, suggest.Nearest(name, sweepNames()))
	}
	return "sweep " + name, data, nil
}

func (c sweepCmd) Run(ctx context.Context, out *output) error {
	if c.Jobs < 0 {
		return fmt.Errorf("--jobs %d: want 0, for one a CPU, or more", c.Jobs)
	}
	file, data, err := readSweep(c.Sweep)
	if err != nil {
		return err
	}
	p, err := parsePlan(file, data)
	if err != nil {
		return err
	}
	s := &sweep{name: p.Name, dir: filepath.Join(c.Out, p.Name), jobs: c.Jobs, processors: runtime.GOMAXPROCS(0), out: out}
	if s.jobs == 0 {
		s.jobs = s.processors
	}
	if s.runs, err = p.runs(s.dir); err != nil {
		return err
	}
	if err := s.examine(); err != nil {
		return err
	}
	if err := s.create(data); err != nil {
		return err
	}
	err = s.execute(ctx)
	if recorded := s.record(); recorded != nil {
		return recorded
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return interruption{fmt.Sprintf("%d of %d runs are finished; go on with the same command: hessoscope sweep %s --out %s", s.count(finished), len(s.runs), c.Sweep, c.Out)}
	}
	if err := s.writeTable(out.stdout); err != nil {
		return err
	}
	if c.Evaluate {
		if err := s.evaluate(ctx); err != nil {
			return err
		}
	}
	if n := s.count(failed); n > 0 {
		return fmt.Errorf("%d of %d runs failed; what they wrote is in %s, and the same command tries them again", n, len(s.runs), filepath.Join(s.dir, logsDir))
	}
	return nil
}

// sweep is a plan that is being carried out.
type sweep struct {
	name, dir        string
	runs             []*sweepRun
	jobs, processors int
	out              *output
}

// examine finds out how far each run is, and is an error if one exists that was
// trained with other settings than it is to have.
func (s *sweep) examine() error {
	for _, r := range s.runs {
		r.refresh()
		was, err := readConfig(filepath.Join(r.dir, configFile))
		if err != nil {
			continue // there is none, or to resume it will tell what is wrong with it
		}
		was.resolve()
		if err := difference(was, r.config); err != nil {
			return fmt.Errorf("%s exists with other settings: %w; name the sweep anew, or delete that folder", r.dir, err)
		}
	}
	return nil
}

// create makes the sweep's folder, with its plan, and tells what is to come.
func (s *sweep) create(plan []byte) error {
	if err := os.MkdirAll(filepath.Join(s.dir, logsDir), 0o755); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(s.dir, sweepFile), plan); err != nil {
		return err
	}
	auxiliary := 0
	for _, r := range s.runs {
		if r.variant.Auxiliary {
			auxiliary++
		}
	}
	_, err := fmt.Fprintf(s.out.stderr, "sweep %s: %d runs, %d of them auxiliary, %d finished already; %d at once, into %s\n",
		s.name, len(s.runs), auxiliary, s.count(finished), s.jobs, s.dir)
	return err
}

func (s *sweep) count(p phase) int {
	n := 0
	for _, r := range s.runs {
		if r.phase == p {
			n++
		}
	}
	return n
}

// execute trains what is not finished, jobs at once, until ctx is cancelled.
func (s *sweep) execute(ctx context.Context) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	type end struct {
		run     *sweepRun
		problem string
	}
	ends := make(chan end)
	progress := newSweepProgress(s)
	for running := 0; ; {
		for running < s.jobs && ctx.Err() == nil {
			r := s.next(progress)
			if r == nil {
				break
			}
			running++
			r.phase = training
			go func() { ends <- end{r, r.train(ctx, executable, s)} }()
		}
		if running == 0 {
			return err
		}
		e := <-ends
		running--
		e.run.ended(ctx, e.problem)
		progress.ended(e.run)
		if e.run.phase == finished {
			err = errors.Join(err, s.record())
		}
	}
}

// next is a run whose sources are finished, nil if there is none now. A run
// whose source failed has failed.
func (s *sweep) next(progress *sweepProgress) *sweepRun {
	for _, r := range s.runs {
		if r.phase != waiting {
			continue
		}
		is := func(p phase) func(*sweepRun) bool { return func(source *sweepRun) bool { return source.phase == p } }
		if i := slices.IndexFunc(r.sources, is(failed)); i >= 0 {
			r.fail("it starts from " + r.sources[i].name + ", which failed")
			progress.ended(r)
			continue
		}
		if !slices.ContainsFunc(r.sources, func(source *sweepRun) bool { return source.phase != finished }) {
			return r
		}
	}
	return nil
}

// evaluate ranks the finished runs, and compares the measures with the
// generalization gap.
func (s *sweep) evaluate(ctx context.Context) error {
	var dirs []string
	for _, r := range s.compared() {
		if r.phase == finished {
			dirs = append(dirs, r.dir)
		}
	}
	if len(dirs) == 0 {
		return errors.New("no run is finished; there is nothing to evaluate")
	}
	if _, err := fmt.Fprintln(s.out.stdout); err != nil {
		return err
	}
	return selectRuns(ctx, dirs, selectOptions{Evaluate: true}, s.out)
}
