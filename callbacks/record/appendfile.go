package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// AppendFile is a file that grows line by line and whose length belongs to a
// checkpoint. A hook that writes such a file embeds it: Open it when training
// begins, and Append to it. It is empty then, or, in a run that is resumed, as
// long as it was at the checkpoint, whatever was written after that.
type AppendFile struct {
	file   *os.File // nil unless open
	length int64    // bytes of whole lines
}

var (
	_ trainer.TrainEnder  = (*AppendFile)(nil)
	_ trainer.Interrupted = (*AppendFile)(nil)
	_ trainer.Resetter    = (*AppendFile)(nil)
	_ trainer.Snapshotter = (*AppendFile)(nil)
)

// Open opens the file at path, and creates it and its folder if there is none.
// It is an error if the file of a resumed run is shorter than at its checkpoint.
func (a *AppendFile) Open(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := cut(file, a.length); err != nil {
		return errors.Join(err, file.Close())
	}
	a.file = file
	return nil
}

// cut truncates file to its first length bytes, and makes it durable.
func cut(file *os.File, length int64) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < length {
		return fmt.Errorf("%s: has %d bytes, but had %d at the checkpoint; put back the file of this run, or start the run anew", file.Name(), info.Size(), length)
	}
	if err := file.Truncate(length); err != nil {
		return err
	}
	if _, err := file.Seek(length, io.SeekStart); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(file.Name()))
}

// Written returns what the file holds so far.
func (a *AppendFile) Written() io.Reader { return io.NewSectionReader(a.file, 0, a.length) }

// Append writes a whole line, its end included, unbuffered, so that others can
// follow the file.
func (a *AppendFile) Append(line []byte) error {
	if _, err := a.file.Write(line); err != nil {
		return err
	}
	a.length += int64(len(line))
	return nil
}

// close makes the file durable; it may be open or not.
func (a *AppendFile) close() error {
	if a.file == nil {
		return nil
	}
	err := errors.Join(a.file.Sync(), a.file.Close())
	a.file = nil
	return err
}

// TrainEnd implements trainer.TrainEnder.
func (a *AppendFile) TrainEnd(context.Context, *trainer.State) error { return a.close() }

// Interrupted implements trainer.Interrupted.
func (a *AppendFile) Interrupted(context.Context, *trainer.State, error) error { return a.close() }

// Snapshot implements trainer.Snapshotter: the file is made durable, and its
// length is the state.
func (a *AppendFile) Snapshot() ([]byte, error) {
	if a.file != nil {
		if err := a.file.Sync(); err != nil {
			return nil, err
		}
	}
	return trainer.EncodeState(a.length)
}

// Restore implements trainer.Snapshotter.
func (a *AppendFile) Restore(data []byte) error {
	var length int64
	if err := trainer.DecodeState(data, &length); err != nil {
		return err
	}
	if length < 0 {
		return fmt.Errorf("the state has %d as the length of a file", length)
	}
	a.length = length
	return nil
}

// Reset implements trainer.Resetter.
func (a *AppendFile) Reset() { a.length = 0 }
