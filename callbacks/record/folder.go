package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Folder is the path of the folder of a run. Its methods return the paths of its
// files and folders.
type Folder string

func (f Folder) join(name string) string { return filepath.Join(string(f), name) }

// Config returns the path of the YAML file with all settings.
func (f Folder) Config() string { return f.join("config.yaml") }

// Run returns the path of the file that ReadRun reads.
func (f Folder) Run() string { return f.join("run.json") }

// History returns the path of the file that ReadHistory reads.
func (f Folder) History() string { return f.join("metrics.jsonl") }

// Table returns the path of the history as CSV.
func (f Folder) Table() string { return f.join("metrics.csv") }

// Events returns the path of the event file for TensorBoard.
func (f Folder) Events() string { return f.join("events.out.tfevents.hessoscope") }

// OpenMetrics returns the path of the last values in the format of OpenMetrics.
func (f Folder) OpenMetrics() string { return f.join("metrics.prom") }

// Report returns the path of the page that shows the run.
func (f Folder) Report() string { return f.join("report.html") }

// Lock returns the path of the file that is locked by the process that trains the run.
func (f Folder) Lock() string { return f.join(".lock") }

// Checkpoints returns the path of the folder of all checkpoints.
func (f Folder) Checkpoints() string { return f.join("checkpoints") }

// LastCheckpoint returns the path of the checkpoint from which a run is resumed.
func (f Folder) LastCheckpoint() string { return filepath.Join(f.Checkpoints(), LastCheckpoint) }

// AllCheckpoints returns the paths of all checkpoints, in the order of their names.
func (f Folder) AllCheckpoints() ([]string, error) { return archives(f.Checkpoints()) }

// AllMeasurements returns the paths of all measurements, in the order of their names.
func (f Folder) AllMeasurements() ([]string, error) { return archives(f.Measurements()) }

// archives returns the paths of the .npz files in a folder; none if there is no such folder.
func archives(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == ".npz" {
			paths = append(paths, filepath.Join(dir, entry.Name()))
		}
	}
	return paths, nil
}

// EpochCheckpoint returns the path of the checkpoint that was kept for an epoch.
func (f Folder) EpochCheckpoint(epoch int) string {
	return filepath.Join(f.Checkpoints(), EpochCheckpoint(epoch))
}

// Measurements returns the path of the folder of eigenpairs and margins.
func (f Folder) Measurements() string { return f.join("measurements") }

// The names of checkpoints.
const (
	LastCheckpoint     = "last.npz"     // the checkpoint to resume from
	PreviousCheckpoint = "previous.npz" // the one that it has replaced
	BestCheckpoint     = "best.npz"     // the checkpoint of the epoch at which a metric was best
)

// EpochCheckpoint returns the file name of the checkpoint that is kept for an
// epoch.
func EpochCheckpoint(epoch int) string { return fmt.Sprintf("epoch-%06d.npz", epoch) }

// SpectrumFile returns the file name of the eigenpairs of an epoch.
func SpectrumFile(epoch int) string { return fmt.Sprintf("spectrum-%06d.npz", epoch) }

// MarginFile returns the file name of the distances to the boundary at an epoch.
func MarginFile(epoch int) string { return fmt.Sprintf("margin-%06d.npz", epoch) }

// IsRun reports whether the folder belongs to a run. It may be a run that was
// killed before training began.
func (f Folder) IsRun() bool {
	return slices.ContainsFunc([]string{f.Run(), f.Config()}, func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Mode().IsRegular()
	})
}

// Leftovers returns the paths of temporary files that processes left behind which were killed
// while they wrote.
func (f Folder) Leftovers() ([]string, error) {
	var all []string
	for _, dir := range f.written() {
		left, err := durable.Leftovers(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, left...)
	}
	return all, nil
}

// Tidy removes the Leftovers.
func (f Folder) Tidy() error {
	for _, dir := range f.written() {
		if err := durable.Tidy(dir); err != nil {
			return err
		}
	}
	return nil
}

// written returns the folders into which files are written.
func (f Folder) written() []string {
	return []string{string(f), f.Checkpoints(), f.Measurements(), f.join("plots")}
}

// Meant returns the end of an error about a path that is not the folder of a run, if
// it is the name of a run in the folder runs: "; did you mean runs/iris?"
func Meant(path string) string {
	if f := Folder(filepath.Join("runs", path)); f.IsRun() {
		return fmt.Sprintf("; did you mean %s?", f)
	}
	return ""
}

// Runs returns the folders of runs among paths and directly below them, in the
// order of paths and, below a path, of names. It returns each run once. A path
// that is not the folder of a run and holds none is an error.
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
		if info, err := os.Stat(string(f)); err == nil && !info.IsDir() {
			return nil, fmt.Errorf("%s is a file; want the folder of a run, or of runs", f)
		}
		entries, err := os.ReadDir(string(f))
		if err != nil {
			return nil, fmt.Errorf("%w%s", err, Meant(path))
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
