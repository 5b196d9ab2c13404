package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
	"github.com/hessoscope/hessoscope/trainer"
)

// FindStart puts the file of the weights in the place of "@NAME" in model.weights and
// model.norm_of: the last checkpoint of the newest finished run of that name below out.
// If there is none, the error has the command that makes one.
func (c *Config) FindStart(out string) error {
	name := c.StartName()
	if name == "" {
		return nil
	}
	key, value := "model.weights", &c.Model.Weights
	if *value == "" {
		key, value = "model.norm_of", &c.Model.NormOf
	}
	dir, err := finishedDir(out, name)
	if err != nil {
		return err
	}
	if dir == "" {
		return &trainer.FieldError{Field: key, Problem: fmt.Sprintf(
			"is %q, and there is no finished run %s; `%s` makes it", *value, filepath.Join(out, name), trainCommand(name, out))}
	}
	*value = record.Folder(dir).LastCheckpoint()
	return nil
}

// StartName returns the NAME of "@NAME" in model.weights or model.norm_of, or "" if the
// experiment starts from no run that it names.
func (c *Config) StartName() string {
	name, ok := strings.CutPrefix(c.Model.Weights+c.Model.NormOf, "@") // one of them is empty
	if !ok {
		return ""
	}
	return name
}

// finishedDir returns the folder of the newest finished run of a name below out, or ""
// if there is none.
func finishedDir(out, name string) (string, error) {
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
	command := "hessoscope train " + shell.Quote(name)
	if out != "runs" {
		command += " --out " + shell.Quote(out)
	}
	if newestDir(out, name) != "" {
		command += " --resume"
	}
	return command
}
