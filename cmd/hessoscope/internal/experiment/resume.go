package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
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
		return "", fmt.Errorf("no run in %s to resume; `hessoscope train %s` starts one", runDir(out, name, 1), argument)
	}
	return dir, nil
}

// Resume prepares an interrupted run from its last checkpoint, or from its start if
// it was killed before the first checkpoint. It removes temporary files that a
// killed process may have left. The caller holds the lock of dir.
func Resume(ctx context.Context, dir string, console Console) (*trainer.Trainer, error) {
	folder := record.Folder(dir)
	c, err := Read(folder.Config())
	if err != nil {
		return nil, err
	}
	last := folder.LastCheckpoint()
	checkpoint, err := trainer.ReadCheckpoint(last)
	if errors.Is(err, fs.ErrNotExist) {
		if steps := StepsTrained(folder); steps > 0 {
			return nil, fmt.Errorf("%s: is missing, and the run has trained %d steps; %s", last, steps, WayBack(folder))
		}
	} else if err != nil {
		return nil, fmt.Errorf("%w; %s", err, WayBack(folder))
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
	return t, folder.Tidy()
}
