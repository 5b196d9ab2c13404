package callbacks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// appendFile is a file that grows line by line and whose length belongs to a
// checkpoint: opening it cuts off what was written after that.
type appendFile struct {
	file   *os.File // nil unless open
	length int64    // bytes of whole lines
}

// open creates the file at path, and its folder, if there is none.
func (a *appendFile) open(path string) error {
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

// append writes a whole line, unbuffered, so that others can follow the file.
func (a *appendFile) append(line []byte) error {
	if _, err := a.file.Write(line); err != nil {
		return err
	}
	a.length += int64(len(line))
	return nil
}

// close makes the file durable; it may be open or not.
func (a *appendFile) close() error {
	if a.file == nil {
		return nil
	}
	err := errors.Join(a.file.Sync(), a.file.Close())
	a.file = nil
	return err
}

// TrainEnd implements trainer.TrainEnder.
func (a *appendFile) TrainEnd(context.Context, *trainer.State) error { return a.close() }

// Interrupted implements trainer.Interrupted.
func (a *appendFile) Interrupted(context.Context, *trainer.State, error) error { return a.close() }

// Snapshot implements trainer.Snapshotter: the file is made durable, and its
// length is the state.
func (a *appendFile) Snapshot() ([]byte, error) {
	if a.file != nil {
		if err := a.file.Sync(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(a.length)
}

// Restore implements trainer.Snapshotter.
func (a *appendFile) Restore(data []byte) error {
	var length int64
	if err := json.Unmarshal(data, &length); err != nil {
		return fmt.Errorf("state %q: %w", data, err)
	}
	if length < 0 {
		return fmt.Errorf("state %q; want the length of a file", data)
	}
	a.length = length
	return nil
}

// seconds is the time a run has taken, to the millisecond.
func seconds(s *trainer.State) float64 { return float64(s.Elapsed().Milliseconds()) / 1000 }
