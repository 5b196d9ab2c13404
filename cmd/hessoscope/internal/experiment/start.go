package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// FindStart puts the file of the weights in the place of "@NAME" in model.weights and
// model.norm_of: the last checkpoint of the newest finished run of that name below out.
// If there is none, the error has the command that makes one.
func (c *Config) FindStart(out string) error {
	for _, start := range []struct {
		key   string
		value *string
	}{{"model.weights", &c.Model.Weights}, {"model.norm_of", &c.Model.NormOf}} {
		name, ok := strings.CutPrefix(*start.value, "@")
		if !ok {
			continue
		}
		dir, err := FinishedDir(out, name)
		if err != nil {
			return err
		}
		if dir == "" {
			return &trainer.FieldError{Field: start.key, Problem: fmt.Sprintf(
				"is %q, and there is no finished run %s; `%s` makes it", *start.value, filepath.Join(out, name), trainCommand(name, out))}
		}
		*start.value = record.Folder(dir).LastCheckpoint()
	}
	return nil
}

// FinishedDir returns the folder of the newest finished run of a name below out, or ""
// if there is none.
func FinishedDir(out, name string) (string, error) {
	found := ""
	for n := 1; ; n++ {
		dir := runDir(out, name, n)
		if _, err := os.Stat(dir); err != nil {
			return found, nil
		}
		run, err := record.ReadRun(record.Folder(dir).Run())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", err
		}
		if run.Status == record.StatusFinished {
			found = dir
		}
	}
}

// trainCommand returns the command that makes the run of a preset, or goes on with it.
func trainCommand(name, out string) string {
	command := "hessoscope train " + name
	if out != "runs" {
		command += " --out " + out
	}
	if newestDir(out, name) != "" {
		command += " --resume"
	}
	return command
}
