package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

type trainCmd struct {
	Experiment string   `arg:"" help:"A preset (hessoscope presets), a YAML file, or the folder of a run to resume."`
	Set        []string `help:"Change a setting: --set training.epochs=50. May be repeated." placeholder:"KEY=VALUE" sep:"none"`
	Name       string   `help:"Name of the run; the experiment's if not given." placeholder:"NAME"`
	DataDir    string   `help:"Folder of the IDX files of MNIST, instead of your cache: data.dir." placeholder:"DIR"`
	Out        string   `help:"Folder of all runs." default:"runs" placeholder:"DIR"`
	Resume     bool     `help:"Go on with an interrupted run of this name, exactly where it stopped."`
	Log        string   `help:"Lines for people (text) or for machines (json)." enum:"text,json" default:"text"`
	NoProgress bool     `help:"Show no progress bar."`
	Attached   bool     `hidden:"" help:"Save and end at a byte on standard input; end at once when its other end is gone."`
}

// Help is printed by train --help.
func (trainCmd) Help() string {
	return `
Trains and measures into runs/NAME: config.yaml (all settings), run.json (status, versions),
metrics.jsonl and metrics.csv, checkpoints/ and measurements/ (eigenpairs as .npz).

  hessoscope train iris
  hessoscope train gauss --set training.epochs=500 --set 'spectrum.schedule={every: 50}' --name quick
  hessoscope train gauss --name quick --resume
  hessoscope presets print gauss > mine.yaml; hessoscope train mine.yaml

The first Ctrl-C finishes the step and saves; --resume goes on from there, and the run ends as if it
had never been interrupted.`
}

// Files of a run's folder.
const (
	configFile      = "config.yaml"
	runFile         = "run.json"
	jsonlFile       = "metrics.jsonl"
	csvFile         = "metrics.csv"
	checkpointDir   = "checkpoints"
	measurementsDir = "measurements"
	lastCheckpoint  = "last.npz"
)

func (t trainCmd) Run(ctx context.Context, out *output) error {
	if t.Attached {
		attached, detach := context.WithCancel(ctx)
		defer detach()
		go obey(os.Stdin, detach)
		ctx = attached
	}
	if t.Resume {
		return t.resume(ctx, out)
	}
	c, err := loadExperiment(t.Experiment)
	if err != nil {
		return err
	}
	for _, assignment := range t.Set {
		if err := c.set(assignment); err != nil {
			return err
		}
	}
	if t.Name != "" {
		c.Name = t.Name
	}
	if t.DataDir != "" {
		c.Data.DataDir = t.DataDir
	}
	if err := c.validate(); err != nil {
		return fmt.Errorf("%s: %w", t.Experiment, err)
	}
	if c.Name == "" {
		return fmt.Errorf("%s: the run has no name; --name gives it one", t.Experiment)
	}
	c.resolve()
	if err := c.absolute(); err != nil {
		return err
	}
	dir, err := freeRunDir(t.Out, c.Name)
	if err != nil {
		return err
	}
	r, err := t.prepare(ctx, c, dir, out)
	if err != nil {
		return err
	}
	if err := r.create(); err != nil {
		return err
	}
	return r.train(ctx)
}

// freeRunDir is the folder for a new run: NAME, or NAME-2, NAME-3, … if there
// are runs of that name already.
func freeRunDir(out, name string) (string, error) {
	for n := 1; ; n++ {
		dir := runDir(out, name, n)
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return dir, nil
		} else if err != nil {
			return "", err
		}
	}
}

// runDir is the folder of the nth run of a name.
func runDir(out, name string, n int) string {
	if n > 1 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return filepath.Join(out, name)
}

// resume goes on with a run from its last checkpoint, or from its start where
// it was killed before the first.
func (t trainCmd) resume(ctx context.Context, out *output) error {
	if len(t.Set) > 0 {
		return errors.New("--resume goes on with the settings of the run; --set cannot change them")
	}
	dir, err := t.runToResume()
	if err != nil {
		return err
	}
	record, err := callbacks.ReadRun(filepath.Join(dir, runFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && record.Status == callbacks.StatusFinished {
		_, err := fmt.Fprintf(out.stdout, "%s is finished (%s); there is nothing to resume\n", dir, record.Stop.Reason)
		return err
	}
	c, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		return err
	}
	last := filepath.Join(dir, checkpointDir, lastCheckpoint)
	checkpoint, err := trainer.ReadCheckpoint(last)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r, err := t.prepare(ctx, c, dir, out)
	if err != nil {
		return err
	}
	if checkpoint != nil {
		if err := r.trainer.Restore(checkpoint); err != nil {
			return fmt.Errorf("%s: %w", last, err)
		}
	}
	if err := tidy(dir); err != nil {
		return err
	}
	return r.train(ctx)
}

// tidy removes temporary files from the folder of a run: a process that is
// killed leaves the one that it was writing.
func tidy(dir string) error {
	for _, pattern := range []string{"." + runFile + "*", "." + configFile + "*", checkpointDir + "/.*.npz*", measurementsDir + "/.*.npz*"} {
		left, _ := fs.Glob(os.DirFS(dir), pattern) // the patterns are right, so there is no error
		for _, path := range left {
			if err := os.Remove(filepath.Join(dir, path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// runToResume is the folder of the run: the argument itself, or the newest run
// of the name.
func (t trainCmd) runToResume() (string, error) {
	if _, err := os.Stat(filepath.Join(t.Experiment, configFile)); err == nil {
		return t.Experiment, nil
	}
	if info, err := os.Stat(t.Experiment); err == nil && info.IsDir() && strings.ContainsRune(t.Experiment, filepath.Separator) {
		return "", fmt.Errorf("%s is not the folder of a run: it has no %s", t.Experiment, configFile)
	}
	name := t.Name
	if name == "" {
		c, err := loadExperiment(t.Experiment)
		if err != nil {
			return "", err
		}
		name = c.Name
	}
	dir := ""
	for n := 1; ; n++ {
		next := runDir(t.Out, name, n)
		if _, err := os.Stat(next); err != nil {
			break
		}
		if _, err := os.Stat(filepath.Join(next, configFile)); err == nil { // else killed before it began
			dir = next
		}
	}
	if dir == "" {
		return "", fmt.Errorf("no run in %s to resume; `hessoscope train %s` starts one", runDir(t.Out, name, 1), t.Experiment)
	}
	return dir, nil
}

// monitoredRun is a training run with its hooks, about to begin.
type monitoredRun struct {
	config  *config
	dir     string
	trainer *trainer.Trainer
	out     *output
}

// prepare loads the data and builds all that is needed to train into dir.
// Nothing is written yet: what is wrong with the experiment shows here.
func (t trainCmd) prepare(ctx context.Context, c *config, dir string, out *output) (*monitoredRun, error) {
	data, err := c.data(ctx)
	if err != nil {
		return nil, err
	}
	model, err := c.build(data)
	if err != nil {
		return nil, err
	}
	if !c.Spectrum.Off {
		if err := c.solver().Validate(models.Size(model)); err != nil {
			return nil, fmt.Errorf("spectrum: %w", err)
		}
	}
	hooks, err := t.hooks(c, dir, out)
	if err != nil {
		return nil, err
	}
	r := &monitoredRun{config: c, dir: dir, out: out}
	if r.trainer, err = trainer.New(c.trainer(), model, data, hooks...); err != nil {
		return nil, err
	}
	if c.Checkpoint.Best != "" {
		m, err := r.trainer.State().Metric(c.Checkpoint.Best)
		if err != nil {
			return nil, fmt.Errorf("checkpoint.best: %w", err)
		}
		if m.Better == trainer.Neither {
			return nil, fmt.Errorf("checkpoint.best: of %s neither lower nor higher is better; choose another metric", m.Name)
		}
	}
	if err := trainer.Below("stop", c.earlyStopping(nil).Check(r.trainer.State())); err != nil {
		return nil, err
	}
	return r, nil
}

// hooks are what watches a run, its files in dir.
func (t trainCmd) hooks(c *config, dir string, out *output) ([]trainer.Hook, error) {
	progress := &callbacks.Progress{Out: out.stderr}
	lines := out.stdout
	var hooks []trainer.Hook
	if !c.Spectrum.Off {
		spectrum := &callbacks.Spectrum{
			Schedule: c.Spectrum.Schedule, Dir: filepath.Join(dir, measurementsDir),
			Samples: c.Spectrum.Samples, Workers: c.Workers, Settings: c.solver(),
			Matrix: c.Spectrum.Matrix, Only: c.Spectrum.Only,
		}
		if !t.NoProgress {
			spectrum.Settings.Progress = progress.Measuring("spectrum")
		}
		hooks = append(hooks, spectrum)
		if !c.Complexity.Off {
			hooks = append(hooks, &callbacks.Complexity{
				Spectrum: spectrum, Schedule: c.Complexity.Schedule, Settings: c.Complexity.settings(),
			})
		}
	}
	if !c.Margin.Off {
		hooks = append(hooks, &callbacks.Margin{
			Schedule: c.Margin.Schedule, Samples: c.Margin.Samples, Dir: filepath.Join(dir, measurementsDir), Workers: c.Workers,
		})
	}
	if !t.NoProgress {
		hooks = append(hooks, progress)
		lines = progress.Wrap(lines)
	}
	logger, err := callbacks.NewLogger(lines, t.Log)
	if err != nil {
		return nil, err
	}
	logger.Schedule = c.Log.Schedule
	if !c.Stop.When.IsZero() || c.Stop.RestoreBest != "" {
		hooks = append(hooks, c.earlyStopping(logger.Log))
	}
	return append(hooks, logger,
		&callbacks.JSONL{Path: filepath.Join(dir, jsonlFile)},
		&callbacks.CSV{Path: filepath.Join(dir, csvFile)},
		&callbacks.Checkpoint{
			Dir: filepath.Join(dir, checkpointDir), Interval: time.Duration(c.Checkpoint.Seconds * float64(time.Second)),
			Schedule: c.Checkpoint.Schedule, Keep: !c.Checkpoint.Schedule.IsZero(), Best: c.Checkpoint.Best,
		},
		// Behind the checkpoint: a run that is told to be finished is saved.
		&callbacks.RunRecord{Path: filepath.Join(dir, runFile), Info: map[string]string{"name": c.Name, "description": c.Description}},
	), nil
}

func (c *config) earlyStopping(log *logrus.Logger) *callbacks.EarlyStopping {
	return &callbacks.EarlyStopping{Rule: c.Stop.When, RestoreBest: c.Stop.RestoreBest, Log: log}
}

// create makes the run's folder, with its settings.
func (r *monitoredRun) create() error {
	if err := os.MkdirAll(filepath.Dir(r.dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		return err
	}
	resolved, err := yaml.Marshal(r.config)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(r.dir, configFile), resolved)
}

// train runs to the end, or until it is interrupted.
func (r *monitoredRun) train(ctx context.Context) error {
	if _, err := r.trainer.Run(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			return interruption{fmt.Sprintf("saved in %s; resume with: hessoscope train %s --resume", r.dir, r.dir)}
		}
		return err
	}
	_, err := fmt.Fprintf(r.out.stdout, "run %s\n", r.dir)
	return err
}

// interruption is the error of a cancelled context, without its text.
type interruption struct{ howToResume string }

func (i interruption) Error() string      { return i.howToResume }
func (interruption) Is(target error) bool { return target == context.Canceled }
