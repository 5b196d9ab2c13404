package record

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// AppendFile is a file that grows line by line, and whose length and checksum are part of
// a checkpoint. A hook that writes such a file embeds an AppendFile, opens it when
// training begins, and appends to it. In a new run, Open empties the file. In a
// resumed run, Open cuts it back to its length at the checkpoint.
type AppendFile struct {
	file   *os.File // nil unless open
	length int64    // size of the whole lines, in bytes
	sum    uint32   // CRC-32 of the whole lines
	unsure bool     // whether sum is not known, as in a checkpoint of an older version
}

var (
	_ trainer.TrainEnder  = (*AppendFile)(nil)
	_ trainer.Interrupted = (*AppendFile)(nil)
	_ trainer.Resetter    = (*AppendFile)(nil)
	_ trainer.Snapshotter = (*AppendFile)(nil)
)

// Open opens the file at path. It creates the file and its folder if they do not
// exist. It is an error if the file is a link that leads out of the folder, or if that of
// a resumed run is shorter than at the checkpoint or is not what it was.
func (a *AppendFile) Open(path string) error {
	if path == "" {
		return errors.New("the path of the file is empty; set it")
	}
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	file, err := durable.OpenInside(filepath.Dir(path), filepath.Base(path), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := a.cut(file); err != nil {
		return errors.Join(err, file.Close())
	}
	a.file = file
	return nil
}

// cut truncates file to the whole lines of the checkpoint, and makes it durable.
func (a *AppendFile) cut(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	sum, err := a.verify(file.Name(), file, info.Size())
	if err != nil {
		return err
	}
	a.sum, a.unsure = sum, false
	if err := file.Truncate(a.length); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(file.Name()))
}

// Verify returns an error unless a file of a name and a size begins with what the file was at
// the checkpoint that was restored.
func (a *AppendFile) Verify(name string, content io.ReaderAt, size int64) error {
	_, err := a.verify(name, content, size)
	return err
}

// verify returns the checksum of the whole lines of the checkpoint.
func (a *AppendFile) verify(name string, content io.ReaderAt, size int64) (uint32, error) {
	if size < a.length {
		return 0, fmt.Errorf("%s: is cut short: it has %d bytes, but had %d at the checkpoint%s", name, size, a.length, mend)
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(content, 0, a.length)); err != nil {
		return 0, err
	}
	if have := sum.Sum32(); have != a.sum && !a.unsure {
		return 0, fmt.Errorf("%s: is damaged: the checksum of its first %d bytes is %08x, and was %08x at the checkpoint%s", name, a.length, have, a.sum, mend)
	}
	return sum.Sum32(), nil
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
	a.length, a.sum = a.length+int64(len(line)), checksum(a.sum, line)
	return nil
}

// Close makes the file durable and closes it. It does nothing if the file is not
// open.
func (a *AppendFile) Close() error {
	if a.file == nil {
		return nil
	}
	err := errors.Join(a.file.Sync(), a.file.Close())
	a.file = nil
	return err
}

// TrainEnd implements trainer.TrainEnder.
func (a *AppendFile) TrainEnd(context.Context, *trainer.State) error { return a.Close() }

// Interrupted implements trainer.Interrupted.
func (a *AppendFile) Interrupted(context.Context, *trainer.State, error) error { return a.Close() }

// fileState is what a checkpoint has of an AppendFile.
type fileState struct {
	Length int64
	Sum    uint32
}

// Snapshot implements trainer.Snapshotter. It makes the file durable and returns
// its length and its checksum as the state.
func (a *AppendFile) Snapshot() ([]byte, error) {
	if a.file != nil {
		if err := a.file.Sync(); err != nil {
			return nil, err
		}
	}
	return trainer.EncodeState(fileState{a.length, a.sum})
}

// Restore implements trainer.Snapshotter.
func (a *AppendFile) Restore(data []byte) error {
	var state fileState
	err := trainer.DecodeState(data, &state)
	unsure := false
	if err != nil && trainer.DecodeState(data, &state.Length) == nil { // of an older version
		unsure, err = true, nil
	}
	if err != nil {
		return err
	}
	if state.Length < 0 {
		return fmt.Errorf("the state has %d as the length of a file", state.Length)
	}
	a.length, a.sum, a.unsure = state.Length, state.Sum, unsure
	return nil
}

// Reset implements trainer.Resetter.
func (a *AppendFile) Reset() { a.length, a.sum, a.unsure = 0, 0, false }
