package runs

import (
	"fmt"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
)

// Histories reads the runs in the folders, with their histories. A run that cannot be
// read or has recorded nothing is an error, because leaving it out would change the
// result of a study.
func Histories(dirs []string) ([]selection.Candidate, error) {
	folders, err := record.Runs(dirs)
	if err != nil {
		return nil, err
	}
	var all []selection.Candidate
	for _, folder := range folders {
		c, err := readCandidate(folder, true)
		if err != nil {
			return nil, err
		}
		if len(c.History) == 0 {
			return nil, fmt.Errorf("%s: no epoch is recorded (the run is %s)", folder.History(), c.Run.Status)
		}
		all = append(all, c)
	}
	linkStarts(all)
	return all, nil
}
