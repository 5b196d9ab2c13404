package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
)

type sweepCmd struct {
	Sweep    string `arg:"" complete:"sweeps" help:"A YAML file, or the name of a sweep that comes with the command (hessoscope presets)."`
	Jobs     int    `help:"Number of runs trained in parallel; one per CPU if 0. They share the CPUs." placeholder:"N"`
	Out      string `help:"Folder of all sweeps." default:"sweeps" placeholder:"DIR"`
	Evaluate bool   `help:"At the end, rank the runs and compare the measures with the generalization gap: select --evaluate."`
}

// Help returns the text that sweep --help adds.
func (sweepCmd) Help() string {
	return `
Trains every combination of the points of a grid of settings, variants and seeds:

  name: widths
  experiment: gauss                           # a preset or a YAML file
  set: {training.epochs: 500}                 # settings of every run
  grid: {model.hidden: [[20, 20], [50, 50]]}  # a list for each setting
  seeds: [0, 1, 2]

  hessoscope sweep widths.yaml                # 6 runs, into sweeps/widths
  hessoscope presets print regimes            # an example with variants that start from others
  hessoscope sweep regimes --evaluate

Each run has a process of its own, and a folder like that of hessoscope train. A run that fails does not stop
the others. The same command, run again, continues the sweep: it keeps finished runs, resumes interrupted ones
and retries failed ones. sweep.csv and sweep.json in the folder have the settings and the last metrics of every
run. docs/sweep.md describes the file.`
}

func (c sweepCmd) Run(ctx context.Context, out *output) error {
	if c.Jobs < 0 {
		return fmt.Errorf("--jobs %d: want 0, for one a CPU, or more", c.Jobs)
	}
	if err := checkOut(c.Out); err != nil {
		return err
	}
	p, err := sweep.Load(c.Sweep)
	if err != nil {
		return err
	}
	s, err := sweep.New(p, c.Out, c.Jobs, out.stderr)
	if err != nil {
		return err
	}
	if err := s.Train(ctx); err != nil {
		return err
	}
	all, finished, failed := s.Count()
	if ctx.Err() != nil {
		return interruption{fmt.Sprintf("%d of %d runs are finished; go on with the same command: hessoscope sweep %s --out %s", finished, all, shell.Quote(c.Sweep), shell.Quote(c.Out))}
	}
	if err := s.WriteTable(out.stdout); err != nil {
		return err
	}
	if n := s.Unreported(); n > 0 {
		fmt.Fprintf(out.stderr, "hessoscope: %d of the finished runs have no report; %s has why, and the same command writes them\n", n, s.Logs())
	}
	if c.Evaluate {
		if err := evaluate(ctx, s.Finished(), out); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d runs failed; what they wrote is in %s, and the same command tries them again", failed, all, s.Logs())
	}
	return nil
}

// evaluate ranks the finished runs and compares their measures with the
// generalization gap.
func evaluate(ctx context.Context, dirs []string, out *output) error {
	if len(dirs) == 0 {
		return errors.New("no run is finished; there is nothing to evaluate")
	}
	if _, err := fmt.Fprintln(out.stdout); err != nil {
		return err
	}
	return selectRuns(ctx, dirs, selectOptions{Evaluate: true}, out)
}
