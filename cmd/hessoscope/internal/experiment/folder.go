package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// FreeDir is the folder for a new run below out: NAME, or NAME-2, NAME-3, … if
// there are runs of that name already.
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

// runDir is the folder of the nth run of a name.
func runDir(out, name string, n int) string {
	if n > 1 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return filepath.Join(out, name)
}

// newestDir is the folder of the newest run of a name, empty if there is none.
// A folder without settings is that of a run that was killed before it began.
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

// Create makes the folder of a run, with its settings.
func (c *Config) Create(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	return durable.WriteFile(record.Folder(dir).Config(), text)
}
