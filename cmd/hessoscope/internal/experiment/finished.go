package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// ReadRun reads the experiment of a run from its folder.
func ReadRun(dir string) (*Config, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; want the folder of a run (analyze takes a file of weights as --weights)", dir)
	}
	c, err := Read(record.Folder(dir).Config())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notARun(dir)
	}
	return c, err
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
