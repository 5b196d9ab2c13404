package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
	"github.com/hessoscope/hessoscope/trainer"
)

type trainCmd struct {
	Experiment string   `arg:"" complete:"presets" help:"A preset (hessoscope presets), a YAML file, or the folder of a run to resume."`
	Set        []string `help:"Change a setting: --set training.epochs=50. May be repeated." placeholder:"KEY=VALUE" sep:"none"`
	Name       string   `help:"Name of the run; the experiment's if not given." placeholder:"NAME"`
	Data       string   `help:"Train on these data, as they are, instead of the experiment's: a CSV file, a NumPy file (.npz), a folder of images (DIR/), or a built-in set." placeholder:"FILE|DIR/|SET"`
	DataDir    string   `help:"Folder of the files of MNIST, Fashion-MNIST or CIFAR-10, instead of your cache: data.dir." placeholder:"DIR"`
	Out        string   `help:"Folder of all runs." default:"runs" placeholder:"DIR"`
	Resume     bool     `help:"Resume an interrupted run of this name, exactly where it stopped."`
	Log        string   `help:"Format of the log: text for people, or json for programs." enum:"text,json" default:"text"`
	Serve      bool     `help:"Show the run in a browser while it trains, on a free port of this computer alone; serve says more."`
	NoProgress bool     `help:"Show no progress bar."`
	Attached   bool     `hidden:"" help:"Save and exit at a byte on standard input; exit immediately when standard input is closed."`
}

// Help returns the text that train --help adds.
func (trainCmd) Help() string {
	return `
Trains and measures into runs/NAME: config.yaml (all settings), run.json (status, versions),
metrics.jsonl and metrics.csv, checkpoints/, measurements/ (eigenpairs as .npz), and at the end
report.html: open it in a browser.

  hessoscope train iris
  hessoscope train gauss --set training.epochs=500 --set 'spectrum.schedule={every: 50}' --name quick
  hessoscope train gauss --name quick --resume
  hessoscope train gauss --serve
  hessoscope train iris --data mine.npz --name mine --set data.standardize=true
  hessoscope presets print gauss > mine.yaml; hessoscope train mine.yaml

The first Ctrl-C finishes the step and saves the run; so do SIGTERM, SIGHUP and a closed standard output.
A second Ctrl-C, after a second, ends at once. --resume continues from there, and the run ends as
if it had never been interrupted. Settings that were edited since are errors; --set changes what only
matters for what is to come, such as training.epochs, training.rate and schedules, and run.json tells so.`
}

func (t trainCmd) Run(ctx context.Context, out *output) error {
	if t.Attached {
		attached, detach := context.WithCancel(ctx)
		defer detach()
		go sweep.Obey(os.Stdin, detach, func() { os.Exit(exitInterrupted) })
		ctx = attached
	}
	if t.Resume {
		return t.resume(ctx, out)
	}
	c, err := t.config()
	if err != nil {
		return err
	}
	if err := checkOut(t.Out); err != nil {
		return err
	}
	for {
		dir, err := experiment.FreeDir(t.Out, c.Name)
		if err != nil {
			return err
		}
		if own := filepath.Join(t.Out, c.Name); t.Attached && dir != own {
			return fmt.Errorf("%s exists; another process has just begun that run, or there is something else", own)
		}
		prepared, err := c.Prepare(ctx, dir, t.console(out))
		if err != nil {
			return err
		}
		lock, err := c.Create(dir)
		if errors.Is(err, fs.ErrExist) {
			continue // another process has just taken this name
		} else if err != nil {
			return err
		}
		defer lock.Release()
		return t.train(ctx, prepared, dir, out)
	}
}

// config returns the experiment with the settings of the flags.
func (t trainCmd) config() (*experiment.Config, error) {
	c, err := experiment.Load(t.Experiment)
	if err != nil {
		return nil, err
	}
	set, err := t.assignments()
	if err != nil {
		return nil, err
	}
	if err := c.Set(set...); err != nil {
		return nil, err
	}
	if t.Name != "" {
		c.Name = t.Name
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Experiment, err)
	}
	if c.Name == "" {
		return nil, fmt.Errorf("%s: the run has no name; --name gives it one", t.Experiment)
	}
	if err := c.FindStart(t.Out); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Experiment, err)
	}
	c.Resolve()
	return c, c.Absolute()
}

// assignments returns the settings of the flags, as --set takes them. Of a run that is
// resumed, --data tells where the same data are now.
func (t trainCmd) assignments() ([]string, error) {
	set := slices.Clone(t.Set)
	if t.Data != "" {
		key := "set"
		if filepath.Ext(t.Data) == ".csv" {
			key = "csv"
		}
		data, value := "data", any(map[string]string{key: t.Data})
		if t.Resume {
			data, value = "data."+key, t.Data
		}
		text, err := strictyaml.Flow(value)
		if err != nil {
			return nil, err
		}
		set = slices.Insert(set, 0, data+"="+text)
	}
	if t.DataDir != "" {
		value, err := strictyaml.Flow(t.DataDir)
		if err != nil {
			return nil, err
		}
		set = append(set, "data.dir="+value)
	}
	return set, nil
}

// checkOut returns an error if the name of a folder of runs cannot be written on a line.
func checkOut(out string) error {
	if strings.ContainsFunc(out, unicode.IsControl) {
		return fmt.Errorf("--out %q: has a control character; want the name of a folder on one line", out)
	}
	return nil
}

func (t trainCmd) console(out *output) experiment.Console {
	console := experiment.Console{Log: out.stdout, Format: t.Log}
	if !t.NoProgress {
		console.Progress = out.stderr
	}
	return console
}

// resume continues a run from its last checkpoint, or from its start if it was
// killed before the first checkpoint.
func (t trainCmd) resume(ctx context.Context, out *output) error {
	dir, err := experiment.DirToResume(t.Experiment, t.Name, t.Out)
	if err != nil {
		return err
	}
	lock, err := experiment.Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	run, err := record.ReadRun(record.Folder(dir).Run())
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // the checkpoint has all that is needed
		say(out.stderr, firstLine(err.Error())+"; it is written anew")
	}
	set, err := t.assignments()
	if err != nil {
		return err
	}
	edits := experiment.Edits{Set: set}
	if dir != t.Experiment {
		edits.Experiment = t.Experiment
	}
	if run != nil && run.Status == record.StatusFinished {
		if _, err := edits.Apply(dir, run); err != nil {
			return err
		}
		if len(set) > 0 {
			return fmt.Errorf("%s is finished, and its settings are changed no more; another run can start from it: --set model.weights=%s", dir, shell.Quote(record.Folder(dir).LastCheckpoint()))
		}
		if err := record.Folder(dir).Tidy(); err != nil {
			return err
		}
		if err := completeReport(ctx, record.Folder(dir)); err != nil {
			return err
		}
		return terminal.Wrap(out.stdout, fmt.Sprintf("%s is finished (%s); there is nothing to resume\n", dir, run.Stop.Reason))
	}
	resumed, err := experiment.Resume(ctx, dir, edits, t.console(out))
	if err != nil {
		return err
	}
	return t.train(ctx, resumed, dir, out)
}

// train trains to the end, or until it is interrupted, and leaves a report of the run.
func (t trainCmd) train(ctx context.Context, run *trainer.Trainer, dir string, out *output) error {
	if t.Serve {
		stop, err := serveBeside(filepath.Dir(dir), filepath.Base(dir), out)
		if err != nil {
			return err
		}
		defer stop()
	}
	_, err := run.Run(ctx)
	// What ends a run is one error; it may be that of the report, too.
	if problem := reportTrained(record.Folder(dir), run.State().Data); problem != nil && (err == nil || errors.Is(err, context.Canceled)) {
		say(out.stderr, "the run has no report: "+firstLine(problem.Error()))
	}
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return interruption{fmt.Sprintf("saved in %s; resume with: hessoscope train %s --resume", dir, shell.Quote(dir))}
		}
		return err
	}
	_, err = fmt.Fprintf(out.stdout, "run %s\n", dir)
	return err
}
