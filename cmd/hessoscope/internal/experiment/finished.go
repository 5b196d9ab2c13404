package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
)

// ReadRun reads the experiment of a run from its folder. It is an error if it is not the
// one that run.json says the run was trained with.
func ReadRun(dir string) (*Config, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; want the folder of a run (analyze takes a file of weights as --weights)", dir)
	}
	c, err := Read(record.Folder(dir).Config())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notARun(dir)
	}
	if err != nil {
		return nil, err
	}
	return c, c.checkRecorded(dir)
}

// checkRecorded returns an error if the config.yaml of a run has another setting than its
// run.json. A run.json that cannot be read is left to those who need it.
func (c *Config) checkRecorded(dir string) error {
	run, err := record.ReadRun(record.Folder(dir).Run())
	if err != nil {
		return nil
	}
	was, err := trainedWith(c, dir, run)
	if err != nil {
		return err
	}
	if err := Difference(was, c); err != nil {
		return fmt.Errorf("%s: is not what the run was trained with: %w; put it back", record.Folder(dir).Config(), err)
	}
	return c.checkNames(was, dir)
}

// checkNames returns an error if the config.yaml of a run, of whose settings was are known,
// has other names or another beginning. Older versions did not write how a run began.
func (c *Config) checkNames(was *Config, dir string) error {
	begun := reflect.ValueOf(c.Begun).IsZero() || reflect.DeepEqual(c.Begun, was.Begun)
	if begun && c.Name == was.Name && c.Description == was.Description {
		return nil
	}
	return fmt.Errorf("%s: is not what the run was trained with: name, description or begun differ from those in run.json; "+
		"`hessoscope fsck %s --repair` puts them back", record.Folder(dir).Config(), shell.Quote(dir))
}

// notARun returns the error for a folder without settings.
func notARun(dir string) error {
	return fmt.Errorf("%s is not the folder of a run: it has no config.yaml%s", dir, record.Meant(dir))
}

// CheckpointOf returns the file of the checkpoint of a run that was kept at an epoch,
// or of the last checkpoint if epoch is negative. If it does not exist, the error
// lists those that do.
func CheckpointOf(dir string, epoch int) (string, error) {
	folder := record.Folder(dir)
	path := folder.LastCheckpoint()
	if epoch >= 0 {
		path = folder.EpochCheckpoint(epoch)
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	kept, _ := folder.AllCheckpoints()
	for i, k := range kept {
		kept[i] = filepath.Base(k)
	}
	if len(kept) == 0 {
		return "", fmt.Errorf("%s: no checkpoint; the run ended before its first one", path)
	}
	if epoch < 0 {
		return "", fmt.Errorf("%s: is missing; %s", path, WayBack(folder))
	}
	return "", fmt.Errorf("%s: no such checkpoint; kept are %s (train with --set 'checkpoint.schedule={every: N}' to keep more)", path, strings.Join(kept, ", "))
}
