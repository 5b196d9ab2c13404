package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
)

// Write replaces the file at path by what write writes. The new file is written
// under a temporary name in the same folder, synced and renamed, and the folder is
// synced. After an error or a crash path holds what it held before. An existing
// file keeps its permissions; those of a new one are 0644.
func Write(path string, write func(io.Writer) error) error {
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f, write), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(filepath.Dir(path))
}

// createBeside creates a hidden file in the folder of path, with the permissions of
// the file at path, if there is one.
func createBeside(path string) (*os.File, error) {
	old, err := os.Stat(path)
	exists := err == nil
	dir, base := filepath.Split(path)
	for {
		temporary := filepath.Join(dir, fmt.Sprintf(".%s.%d", base, rand.Uint32()))
		f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil || !exists:
			return f, err
		}
		if err := os.Chmod(temporary, old.Mode().Perm()); err != nil {
			return nil, errors.Join(err, f.Close(), os.Remove(temporary))
		}
		return f, nil
	}
}

// fill writes to f and syncs it.
func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// WriteFile replaces the file at path by data, as Write does.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// MkdirAll creates a folder, with permissions 0755, and those above it that do not exist
// yet, and syncs what they are in. It does nothing if the folder exists.
func MkdirAll(dir string) error {
	var missing []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range missing {
		if err := SyncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// SyncDir makes the creation or renaming of a file in dir survive a crash. Windows
// does that by itself and cannot sync a folder.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
