package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/export"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// A Growing hook writes a file that grows, whose length and checksum are in a checkpoint.
type Growing interface {
	trainer.Hook
	trainer.Snapshotter
	Verify(name string, content io.ReaderAt, size int64) error
	Open(path string) error // cuts the file back to the checkpoint that was restored
	Close() error
}

// GrowingFiles returns the files of a run that grow, with new hooks that write them.
func GrowingFiles(folder record.Folder) map[string]Growing {
	return map[string]Growing{
		folder.History(): new(callbacks.JSONL), folder.Table(): new(callbacks.CSV), folder.Events(): new(export.TensorBoard),
	}
}

// CheckGrown compares the files of a run that grow with a checkpoint. It returns what is
// wrong with them, by path. Content takes the place of that of a file.
func CheckGrown(folder record.Folder, c *trainer.Checkpoint, content map[string][]byte) map[string]error {
	problems := make(map[string]error)
	for path, hook := range GrowingFiles(folder) {
		state, has := c.Hooks[hook.Name()]
		if !has {
			continue
		}
		err := hook.Restore(state)
		if other, given := content[path]; err == nil && given {
			err = hook.Verify(path, bytes.NewReader(other), int64(len(other)))
		} else if err == nil {
			err = verify(hook, path)
		}
		if err != nil {
			problems[path] = err
		}
	}
	return problems
}

func verify(hook Growing, path string) error {
	file, size, err := durable.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return hook.Verify(path, file, size)
}

// NewestSound returns the newest checkpoint of a run, with its path, that can be read and
// that suits. The path is empty if there is none.
func NewestSound(folder record.Folder, suits func(*trainer.Checkpoint) bool) (path string, newest *trainer.Checkpoint) {
	paths, _ := folder.AllCheckpoints()
	for _, p := range paths {
		c, err := trainer.ReadCheckpoint(p)
		if err == nil && (newest == nil || later(c.Progress, newest.Progress)) && suits(c) {
			path, newest = p, c
		}
	}
	return path, newest
}

// later reports whether the progress p is beyond q.
func later(p, q trainer.Progress) bool {
	return p.Step > q.Step || p.Step == q.Step && (p.Epoch > q.Epoch || p.Epoch == q.Epoch && p.Stage > q.Stage)
}

// StepsTrained returns the number of steps that a run has trained, by its files other than the
// last checkpoint. It is 0 before the first checkpoint, which comes before the first step.
func StepsTrained(folder record.Folder) int {
	steps := 0
	if run, err := record.ReadRun(folder.Run()); err == nil {
		steps = run.Step
	}
	if history, err := record.ReadHistory(folder.History()); err == nil && len(history) > 0 {
		steps = max(steps, history[len(history)-1].Step)
	}
	paths, _ := folder.AllCheckpoints()
	for _, p := range paths {
		if c, err := trainer.ReadCheckpoint(p); err == nil {
			steps = max(steps, c.Progress.Step)
		} else if !errors.Is(err, fs.ErrNotExist) {
			steps = max(steps, 1)
		}
	}
	return steps
}

// WayBack says how to go on with a run whose last checkpoint is missing or damaged.
func WayBack(folder record.Folder) string {
	path, c := NewestSound(folder, func(*trainer.Checkpoint) bool { return true })
	if c == nil {
		return fmt.Sprintf("no other checkpoint is sound: `hessoscope train %s` starts a new run", shell.Quote(folder.Config()))
	}
	return fmt.Sprintf("%s, of epoch %d, is sound: `hessoscope fsck %s --repair` goes back to it, and then `hessoscope train %s --resume` goes on",
		filepath.Base(path), c.Progress.Epoch, shell.Quote(string(folder)), shell.Quote(string(folder)))
}

// Unreadable adds to an error about the checkpoint of a run how to find out more, if it is
// the checkpoint that cannot be read.
func Unreadable(folder record.Folder, checkpoint string, err error) error {
	if _, damage := trainer.ReadCheckpoint(checkpoint); damage == nil {
		return err
	}
	return fmt.Errorf("%w; `hessoscope fsck %s` tells what can be had back", err, shell.Quote(string(folder)))
}
