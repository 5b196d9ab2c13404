package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ReadRun reads the experiment of a run from its folder.
func ReadRun(dir string) (*Config, error) {
	c, err := Read(filepath.Join(dir, ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notARun(dir)
	}
	return c, err
}

// notARun is the error for a folder without settings.
func notARun(dir string) error {
	return fmt.Errorf("%s is not the folder of a run: it has no %s", dir, ConfigFile)
}

// CheckpointOf is the file of a run's checkpoint that was kept at an epoch, or of
// the last one if epoch is negative. The error for one that is not there tells
// which are.
func CheckpointOf(dir string, epoch int) (string, error) {
	file := LastCheckpoint
	if epoch >= 0 {
		file = fmt.Sprintf("epoch-%06d.npz", epoch)
	}
	path := filepath.Join(dir, CheckpointDir, file)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	kept, _ := filepath.Glob(filepath.Join(dir, CheckpointDir, "*.npz"))
	for i, k := range kept {
		kept[i] = filepath.Base(k)
	}
	if len(kept) == 0 {
		return "", fmt.Errorf("%s: no checkpoint; the run ended before its first one", path)
	}
	return "", fmt.Errorf("%s: no such checkpoint; there are %q (train with --set 'checkpoint.schedule={every: N}' to keep more)", path, kept)
}
