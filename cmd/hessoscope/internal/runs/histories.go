package runs

import (
	"fmt"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
)

// A Recorded is what a run has recorded.
type Recorded struct {
	Dir     string
	Run     *callbacks.Run
	History []callbacks.Entry // by epoch, at least one
}

// Histories reads what the runs in the folders recorded. One that cannot be
// read, or recorded nothing, is an error: a study of the others would be another
// one.
func Histories(dirs []string) ([]Recorded, error) {
	dirs, err := expand(dirs)
	if err != nil {
		return nil, err
	}
	var all []Recorded
	for _, dir := range dirs {
		run, err := callbacks.ReadRun(filepath.Join(dir, experiment.RunFile))
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, experiment.JSONLFile)
		history, err := callbacks.ReadHistory(path)
		if err != nil {
			return nil, err
		}
		if len(history) == 0 {
			return nil, fmt.Errorf("%s: no epoch is recorded (the run is %s)", path, run.Status)
		}
		all = append(all, Recorded{dir, run, history})
	}
	return all, nil
}
