package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
	"github.com/hessoscope/hessoscope/trainer"
)

// DirToResume returns the folder of the run to resume: the argument itself if it is
// the folder of a run, otherwise the newest run of a name below out. If name is
// empty, it is that of the experiment.
func DirToResume(argument, name, out string) (string, error) {
	if _, err := os.Stat(record.Folder(argument).Config()); err == nil {
		return argument, nil
	}
	if info, err := os.Stat(argument); err == nil && info.IsDir() && strings.ContainsRune(argument, filepath.Separator) {
		return "", notARun(argument)
	}
	if name == "" {
		c, err := Load(argument)
		if err != nil {
			return "", err
		}
		name = c.Name
	}
	dir := newestDir(out, name)
	if dir == "" {
		return "", fmt.Errorf("no run in %s to resume; `hessoscope train %s` starts one", runDir(out, name, 1), shell.Quote(argument))
	}
	return dir, nil
}

// Resume prepares an interrupted run from its last checkpoint, or from its start if
// it was killed before the first checkpoint, with the settings that edits.Apply returns.
// It removes temporary files that a killed process may have left. The caller holds the
// lock of dir.
func Resume(ctx context.Context, dir string, edits Edits, console Console) (*trainer.Trainer, error) {
	folder := record.Folder(dir)
	run, err := record.ReadRun(folder.Run())
	if err != nil {
		run = nil // without it, config.yaml tells the settings
	}
	c, err := edits.Apply(dir, run)
	if err != nil {
		return nil, err
	}
	last := folder.LastCheckpoint()
	checkpoint, err := trainer.ReadCheckpoint(last)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if steps := StepsTrained(folder); steps > 0 {
			return nil, fmt.Errorf("%s: is missing, and the run has trained %d steps; %s", last, steps, WayBack(folder))
		}
		c.changes = nil // it begins anew
	case err != nil:
		return nil, fmt.Errorf("%w; %s", err, WayBack(folder))
	default:
		if err := c.continues(checkpoint.Progress); err != nil {
			return nil, err
		}
		console.barless = !slices.Contains(checkpoint.Progress.Hooks, (*callbacks.Progress)(nil).Name())
	}
	t, err := c.Prepare(ctx, dir, console)
	if err != nil {
		return nil, err
	}
	if checkpoint != nil {
		if err := t.Restore(checkpoint); err != nil {
			return nil, fmt.Errorf("%s: %w", last, err)
		}
	}
	if err := folder.Tidy(); err != nil {
		return nil, err
	}
	return t, c.write(dir)
}

// continues notes how far the run has come when its settings are changed, and returns an
// error if its new end is not after that. A run that was put back to before a change has
// it from there.
func (c *Config) continues(at trainer.Progress) error {
	for i := range c.changes {
		change := &c.changes[i]
		if change.Step == 0 || change.Step > at.Step {
			change.Epoch, change.Step = at.Epoch, at.Step
		}
		if change.Setting == "training.epochs" && c.Training.Epochs <= at.Epoch {
			return fmt.Errorf("training.epochs is %d, and the run has come to epoch %d; want more", c.Training.Epochs, at.Epoch)
		}
	}
	return nil
}
