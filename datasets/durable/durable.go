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
	"regexp"
	"runtime"
)

// Write replaces the file at path by what write writes. The new file is written
// under a temporary name in the same folder, synced and renamed, and the folder is
// synced. After an error or a crash path holds what it held before. An existing
// file keeps its permissions; those of a new one are 0644.
//
// If the process is killed meanwhile, the temporary file stays; see Tidy.
func Write(path string, write func(io.Writer) error) error {
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	if err := fill(f, write); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if runtime.GOOS == "windows" { // renames no file that is open; elsewhere it stays locked
		f.Close()
	}
	if err := os.Rename(f.Name(), path); err != nil {
		f.Close()
		return errors.Join(err, os.Remove(f.Name()))
	}
	f.Close() // it is synced
	return SyncDir(filepath.Dir(path))
}

// createBeside creates a hidden file in the folder of path, with the permissions of
// the file at path, if there is one. It is locked as long as it is open, where the file
// system has locks.
func createBeside(path string) (*os.File, error) {
	old, err := os.Stat(path)
	exists := err == nil
	dir, base := filepath.Split(path)
	for {
		temporary := filepath.Join(dir, fmt.Sprintf(".%s.%d.tmp", base, rand.Uint32()))
		f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		if errors.Is(lockFile(f), errHeld) || !isAt(f, temporary) { // Tidy was faster
			f.Close()
			continue
		}
		if !exists {
			return f, nil
		}
		if err := os.Chmod(temporary, old.Mode().Perm()); err != nil {
			return nil, errors.Join(err, f.Close(), os.Remove(temporary))
		}
		return f, nil
	}
}

var temporaryName = regexp.MustCompile(`^\..+\.[0-9]+\.tmp$`)

// Leftovers returns the paths of temporary files in a folder that Write began and that no
// process is writing any more. It returns none if there is no such folder.
func Leftovers(dir string) ([]string, error) {
	var left []string
	err := eachLeftover(dir, func(path string) error {
		left = append(left, path)
		return nil
	})
	return left, err
}

// Tidy removes the Leftovers of a folder.
func Tidy(dir string) error { return eachLeftover(dir, os.Remove) }

func eachLeftover(dir string, do func(path string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !temporaryName.MatchString(entry.Name()) {
			continue
		}
		if err := ifLeft(filepath.Join(dir, entry.Name()), do); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ifLeft calls do for a file that no process is writing. Where there are no locks, that is
// one that was not written for the time of a lease.
func ifLeft(path string, do func(path string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	switch err := lockFile(f); {
	case errors.Is(err, errHeld), errors.Is(err, errors.ErrUnsupported) && fresh(f), !isAt(f, path):
		return nil
	case err != nil && !errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%s: %w", path, err)
	}
	if runtime.GOOS == "windows" { // removes no file that is open
		f.Close()
	}
	return do(path)
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
