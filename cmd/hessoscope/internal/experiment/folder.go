package experiment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// FreeDir returns the folder for a new run below out: NAME, or NAME-2, NAME-3, … if
// there already are runs of that name. A folder that is abandoned is free, unless a later
// one has a run: the newest run has the largest number.
func FreeDir(out, name string) (string, error) {
	free := ""
	for n := 1; ; n++ {
		dir := runDir(out, name, n)
		_, err := os.Lstat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return cmp.Or(free, dir), nil
		case err != nil:
			return "", err
		case !unheld(dir):
			free = ""
		case free == "":
			free = dir
		}
	}
}

// unheld reports whether a folder is abandoned and no process is about to begin a run in
// it.
func unheld(dir string) bool {
	if !abandoned(dir) {
		return false
	}
	lock, err := durable.TryLock(record.Folder(dir).Lock())
	if err != nil {
		return false
	}
	defer lock.Release()
	return abandoned(dir)
}

// abandoned reports whether there is nothing in a folder but a lock file and what a
// process left behind that was killed before it wrote the settings.
func abandoned(dir string) bool {
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return false
	}
	left, err := durable.Leftovers(dir)
	if err != nil {
		return false
	}
	entries, err := os.ReadDir(dir)
	lock := record.Folder(dir).Lock()
	return err == nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		path := filepath.Join(dir, e.Name())
		return path != lock && !slices.Contains(left, path)
	})
}

// runDir returns the folder of the nth run of a name.
func runDir(out, name string, n int) string {
	if n > 1 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return filepath.Join(out, name)
}

// newestDir returns the folder of the newest run of a name, or "" if there is none.
// It skips folders without settings, which belong to runs that were killed before
// they began.
func newestDir(out, name string) string {
	dir := ""
	for n := 1; ; n++ {
		next := runDir(out, name, n)
		if _, err := os.Stat(next); err != nil {
			return dir
		}
		if _, err := os.Stat(record.Folder(next).Config()); err == nil {
			dir = next
		}
	}
}

// Create creates the folder of a run, locks it and writes its settings. The caller
// releases the lock when the run has ended. A folder that is abandoned is taken over. If
// there is anything else, perhaps because another process has just created it, the error
// is fs.ErrExist.
func (c *Config) Create(dir string) (*durable.Lock, error) {
	if err := durable.MkdirAll(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	taken := os.Mkdir(dir, 0o755)
	if taken == nil {
		if err := durable.SyncDir(filepath.Dir(dir)); err != nil {
			return nil, err
		}
		taken = &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrExist} // if another process locks it first
	} else if !errors.Is(taken, fs.ErrExist) || !abandoned(dir) {
		return nil, taken
	}
	lock, err := durable.TryLock(record.Folder(dir).Lock())
	if locked := (*durable.LockedError)(nil); errors.As(err, &locked) {
		return nil, taken
	} else if err != nil {
		return nil, err
	}
	if !abandoned(dir) { // another process was faster, and has ended by now
		lock.Release()
		return nil, taken
	}
	if err = record.Folder(dir).Tidy(); err == nil {
		err = c.write(dir)
	}
	if err != nil {
		lock.Release()
		return nil, err
	}
	return lock, nil
}

// write writes the config.yaml of the run in dir, unless it is there.
func (c *Config) write(dir string) error {
	text, err := c.recordedYAML(dir)
	if err != nil {
		return err
	}
	path := record.Folder(dir).Config()
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, text) {
		return nil
	}
	return durable.WriteFile(path, text)
}

// Recorded returns the content of the config.yaml of a run that its record tells, nil if
// it is of an older version.
func Recorded(run *record.Run) ([]byte, error) {
	if len(run.Settings) == 0 {
		return nil, nil
	}
	c, err := Parse("settings", run.Settings)
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(c)
}
