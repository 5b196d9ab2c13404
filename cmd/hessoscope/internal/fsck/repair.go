package fsck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// Repair has back what can be had back, and checks the run again. A damaged file that it
// replaces gets the end ".damaged". The caller holds the lock of the run.
func Repair(ctx context.Context, folder record.Folder) (*Result, error) {
	r := &repair{folder: folder}
	err := r.run(ctx)
	result, checked := Check(folder)
	if checked != nil {
		return nil, errors.Join(err, checked)
	}
	result.Repairs = r.done
	return result, err
}

type repair struct {
	*examined
	folder record.Folder
	done   []string
}

func (r *repair) did(format string, args ...any) {
	r.done = append(r.done, fmt.Sprintf(format, args...))
}

// run repairs one kind of files after another, each by those before.
func (r *repair) run(ctx context.Context) error {
	for _, step := range []func() error{
		r.tidy, r.setArchivesAside, r.rebuild, r.goBack,
		func() error { return r.rebuildRecord(ctx) },
	} {
		var err error
		if r.examined, err = examine(r.folder); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *repair) tidy() error {
	if len(r.leftovers) > 0 {
		r.did("temporary files are removed: %d", len(r.leftovers))
	}
	return r.folder.Tidy()
}

// setArchivesAside renames checkpoints and measurements that cannot be read.
func (r *repair) setArchivesAside() error {
	for _, path := range r.archives {
		if r.problems[path] != nil {
			if err := r.setAside(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// setAside renames a file, if it exists, so that nothing takes it for a sound one.
func (r *repair) setAside(path string) error {
	aside := path + ".damaged"
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return err
		}
		aside = fmt.Sprintf("%s.damaged-%d", path, n)
	}
	if err := os.Rename(path, aside); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	r.did("%s is set aside as %s", r.name(path), filepath.Base(aside))
	return durable.SyncDir(filepath.Dir(path))
}

// replace writes a file, and keeps the one that it replaces aside.
func (r *repair) replace(path string, content []byte) error {
	if err := r.setAside(path); err != nil {
		return err
	}
	return durable.WriteFile(path, content)
}

func (r *repair) name(path string) string {
	name, err := filepath.Rel(string(r.folder), path)
	if err != nil {
		return path
	}
	return name
}

// rebuild writes the settings from the record, and one form of the history from the other,
// if a checkpoint proves that it is what it was.
func (r *repair) rebuild() error {
	for path, content := range r.rebuilt {
		if err := r.replace(path, content); err != nil {
			return err
		}
		r.did("%s is written again", r.name(path))
	}
	return nil
}

// goBack makes the newest checkpoint that all files fit the last one, if the last one is
// missing or files do not fit it, and cuts files that grow back to it.
func (r *repair) goBack() error {
	last := r.folder.LastCheckpoint()
	wrong := r.problems[last] != nil
	for path := range experiment.GrowingFiles(r.folder) {
		wrong = wrong || r.problems[path] != nil
	}
	switch {
	case !wrong:
		return nil
	case r.back == nil:
		return fmt.Errorf("%s: no checkpoint is sound that all its files fit; `hessoscope train %s` starts a new run", r.folder, shell.Quote(r.folder.Config()))
	}
	if r.backTo != last {
		content, err := os.ReadFile(r.backTo)
		if err != nil {
			return err
		}
		if err := r.replace(last, content); err != nil {
			return err
		}
	}
	for path, hook := range experiment.GrowingFiles(r.folder) {
		state, has := r.back.Hooks[hook.Name()]
		if !has {
			continue
		}
		if err := r.cut(path, hook, state); err != nil {
			return err
		}
	}
	r.did("the run is back at epoch %d, as it was in %s; resume trains again what came later", r.back.Progress.Epoch, filepath.Base(r.backTo))
	if r.record == nil {
		return nil
	}
	return reset(r.record, r.back).Write(r.folder.Run())
}

// cut cuts a file back to a checkpoint. If it is damaged, it is kept aside.
func (r *repair) cut(path string, hook experiment.Growing, state []byte) error {
	if r.problems[path] != nil {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := r.replace(path, content); err != nil {
			return err
		}
	}
	if err := hook.Restore(state); err != nil {
		return err
	}
	if err := hook.Open(path); err != nil {
		return err
	}
	return hook.Close()
}

// reset returns a record as of a run that was interrupted at a checkpoint.
func reset(run *record.Run, c *trainer.Checkpoint) *record.Run {
	p := c.Progress
	run.Status, run.Stop, run.Restored, run.Error = record.StatusInterrupted, nil, nil, ""
	run.Updated = time.Now().Truncate(time.Second).UTC()
	run.Seconds, run.Epoch, run.Step, run.Final = float64(p.Elapsed.Milliseconds())/1000, p.Epoch, p.Step, p.Metrics
	if p.Stage == 0 {
		run.Epoch = max(p.Epoch-1, 0) // it was within the epoch
	}
	return run
}

// rebuildRecord writes a damaged run.json again, as a resumed run would.
func (r *repair) rebuildRecord(ctx context.Context) error {
	if r.problems[r.folder.Run()] == nil || r.last == nil {
		return nil
	}
	console := experiment.Console{Log: io.Discard, Format: "text"}
	if slices.Contains(r.last.Progress.Hooks, (*callbacks.Progress)(nil).Name()) {
		console.Progress = io.Discard // a run is resumed with the hooks that it had
	}
	t, err := experiment.Resume(ctx, string(r.folder), experiment.Edits{}, console)
	if err != nil {
		return fmt.Errorf("%s: cannot be written again: %w", r.folder.Run(), err)
	}
	if err := r.setAside(r.folder.Run()); err != nil {
		return err
	}
	p := r.last.Progress
	if over := p.Stop != nil || p.Epoch == r.config.Training.Epochs; over && p.Stage > 0 {
		_, err := t.Run(ctx) // nothing is left to train
		r.did("run.json is written again")
		return err
	}
	for _, h := range t.State().Hooks() {
		hook, is := h.(*callbacks.RunRecord)
		if !is {
			continue
		}
		if err := hook.TrainBegin(ctx, t.State()); err != nil {
			return err
		}
		run, err := record.ReadRun(r.folder.Run())
		if err != nil {
			return err
		}
		if err := reset(run, r.last).Write(r.folder.Run()); err != nil {
			return err
		}
	}
	r.did("run.json is written again")
	return nil
}
