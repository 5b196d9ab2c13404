package runs

import (
	"fmt"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// A Recorded is the content of the folder of a run.
type Recorded struct {
	Folder  record.Folder
	Run     *record.Run
	History []record.Entry // by epoch, at least one
}

// Histories reads the runs in the folders. A run that cannot be read or has recorded
// nothing is an error, because leaving it out would change the result of a study.
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
