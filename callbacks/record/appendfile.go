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

// AppendFile is a file that grows line by line, and whose length is part of a
// checkpoint. A hook that writes such a file embeds an AppendFile, opens it when
// training begins, and appends to it. In a new run, Open empties the file. In a
// resumed run, Open cuts it back to its length at the checkpoint.
type AppendFile struct {
	file   *os.File // nil unless open
	length int64    // size of the whole lines, in bytes
}

var (
	_ trainer.TrainEnder  = (*AppendFile)(nil)
	_ trainer.Interrupted = (*AppendFile)(nil)
	_ trainer.Resetter    = (*AppendFile)(nil)
	_ trainer.Snapshotter = (*AppendFile)(nil)
)

// Open opens the file at path. It creates the file and its folder if they do not
// exist. If the file of a resumed run is shorter than at the checkpoint, Open
// returns an error.
func (a *AppendFile) Open(path string) error {
	if path == "" {
		return errors.New("the path of the file is empty; set it")
	}
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
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
	return durable.SyncDir(filepath.Dir(file.Name()))
}

// Written returns a reader of everything written so far.
func (a *AppendFile) Written() io.Reader { return io.NewSectionReader(a.file, 0, a.length) }

// Append writes a line, which includes its end. It does not buffer, so that other
// programs can follow the file. After an error, such as of a full disk, no part of the
// line counts.
func (a *AppendFile) Append(line []byte) error {
	if _, err := a.file.WriteAt(line, a.length); err != nil {
		_ = a.file.Truncate(a.length) // else the next line replaces the part
		return err
	}
	a.length += int64(len(line))
	return nil
}

// close makes the file durable and closes it. It does nothing if the file is not
// open.
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

// Snapshot implements trainer.Snapshotter. It makes the file durable and returns
// its length as the state.
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
