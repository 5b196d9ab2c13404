package record

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Folder is the folder of a run, by its path. Its methods are the paths of what
// is in it.
type Folder string

func (f Folder) join(name string) string { return filepath.Join(string(f), name) }

// Config is the file of all settings, in YAML.
func (f Folder) Config() string { return f.join("config.yaml") }

// Run is the file that ReadRun reads.
func (f Folder) Run() string { return f.join("run.json") }

// History is the file that ReadHistory reads.
func (f Folder) History() string { return f.join("metrics.jsonl") }

// Table has the history as CSV.
func (f Folder) Table() string { return f.join("metrics.csv") }

// Checkpoints is the folder of all checkpoints.
func (f Folder) Checkpoints() string { return f.join("checkpoints") }

// LastCheckpoint is the checkpoint that a run is resumed from.
func (f Folder) LastCheckpoint() string { return filepath.Join(f.Checkpoints(), LastCheckpoint) }

// EpochCheckpoint is a checkpoint that was kept.
func (f Folder) EpochCheckpoint(epoch int) string {
	return filepath.Join(f.Checkpoints(), EpochCheckpoint(epoch))
}

// Measurements is the folder of eigenpairs and margins.
func (f Folder) Measurements() string { return f.join("measurements") }

// The names of checkpoints.
const (
	LastCheckpoint = "last.npz" // to resume from
	BestCheckpoint = "best.npz" // of the epoch at which a metric was best
)

// EpochCheckpoint is the name of the checkpoint of an epoch that is kept.
func EpochCheckpoint(epoch int) string { return fmt.Sprintf("epoch-%06d.npz", epoch) }

// SpectrumFile is the name of the eigenpairs of an epoch.
func SpectrumFile(epoch int) string { return fmt.Sprintf("spectrum-%06d.npz", epoch) }

// MarginFile is the name of the distances to the boundary at an epoch.
func MarginFile(epoch int) string { return fmt.Sprintf("margin-%06d.npz", epoch) }

// IsRun tells whether the folder is that of a run, even of one that was killed
// before it began.
func (f Folder) IsRun() bool {
	return slices.ContainsFunc([]string{f.Run(), f.Config()}, func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Mode().IsRegular()
	})
}

// Tidy removes temporary files: a process that is killed leaves the one that it
// was writing.
func (f Folder) Tidy() error {
	for _, pattern := range []string{".run.json*", ".config.yaml*", "checkpoints/.*.npz*", "measurements/.*.npz*"} {
		left, err := filepath.Glob(f.join(pattern))
		if err != nil {
			return err
		}
		for _, file := range left {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// Runs are the folders of runs among paths and directly below them, in the order
// of paths and names. A run that is named twice counts once. A path that neither
// is nor holds a run is an error.
func Runs(paths []string) ([]Folder, error) {
	var runs []Folder
	add := func(f Folder) bool {
		is := f.IsRun()
		if is && !slices.Contains(runs, f) {
			runs = append(runs, f)
		}
		return is
	}
	for _, path := range paths {
		f := Folder(filepath.Clean(path))
		if add(f) {
			continue
		}
		entries, err := os.ReadDir(string(f))
		if err != nil {
			return nil, err
		}
		found := false
		for _, e := range entries {
			found = add(Folder(f.join(e.Name()))) || found
		}
		if !found {
			return nil, fmt.Errorf("%s is not the folder of a run, nor of runs: it has no run.json, and none of its folders has", f)
		}
	}
	return runs, nil
}
