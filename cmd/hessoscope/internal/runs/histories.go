package runs

import (
	"fmt"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// A Recorded is what a run has recorded.
type Recorded struct {
	Folder  record.Folder
	Run     *record.Run
	History []record.Entry // by epoch, at least one
}

// Histories reads what the runs in the folders recorded. One that cannot be
// read, or recorded nothing, is an error: a study of the others would be another
// one.
func Histories(dirs []string) ([]Recorded, error) {
	folders, err := record.Runs(dirs)
	if err != nil {
		return nil, err
	}
	var all []Recorded
	for _, folder := range folders {
		run, err := record.ReadRun(folder.Run())
		if err != nil {
			return nil, err
		}
		path := folder.History()
		history, err := record.ReadHistory(path)
		if err != nil {
			return nil, err
		}
		if len(history) == 0 {
			return nil, fmt.Errorf("%s: no epoch is recorded (the run is %s)", path, run.Status)
		}
		all = append(all, Recorded{folder, run, history})
	}
	return all, nil
}
