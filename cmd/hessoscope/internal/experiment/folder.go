package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// FreeDir returns the folder for a new run below out: NAME, or NAME-2, NAME-3, … if
// there already are runs of that name.
func FreeDir(out, name string) (string, error) {
	for n := 1; ; n++ {
		dir := runDir(out, name, n)
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return dir, nil
		} else if err != nil {
			return "", err
		}
	}
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
// releases the lock when the run has ended. If dir exists, perhaps because another
// process has just created it, the error is fs.ErrExist.
func (c *Config) Create(dir string) (*durable.Lock, error) {
	if err := durable.MkdirAll(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if err := durable.SyncDir(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	lock, err := Lock(dir)
	if err != nil {
		return nil, err
	}
	if err := c.write(dir); err != nil {
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
