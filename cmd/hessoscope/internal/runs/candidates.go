package runs

import (
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
)

// Candidates reads the runs in the folders, with their histories if these are
// requested. A run that cannot be read is set apart, so that a failed run does not
// prevent a selection from the others. If none can be read, Candidates returns an
// error.
func Candidates(dirs []string, histories bool) ([]selection.Candidate, []selection.Apart, error) {
	folders, err := record.Runs(dirs)
	if err != nil {
		return nil, nil, err
	}
	var candidates []selection.Candidate
	var broken []selection.Apart
	var first error
	for _, folder := range folders {
		c, err := readCandidate(folder, histories)
		if err == nil {
			candidates = append(candidates, c)
			continue
		}
		reason, _, _ := strings.Cut(err.Error(), "\n")
		broken = append(broken, selection.Apart{Run: string(folder), Reason: reason})
		if first == nil {
			first = err
		}
	}
	if len(candidates) == 0 {
		return nil, nil, first
	}
	if err := ofSweeps(candidates); err != nil {
		return nil, nil, err
	}
	linkStarts(candidates)
	return candidates, broken, nil
}

func readCandidate(folder record.Folder, history bool) (selection.Candidate, error) {
	c := selection.Candidate{Path: string(folder)}
	var err error
	if c.Run, err = record.ReadRun(folder.Run()); err != nil {
		return c, err
	}
	if history || c.Run.Restored != nil {
		if c.History, err = c.Run.History(folder); err != nil {
			return c, err
		}
	}
	c.Settings, c.Axes, c.Starts, err = readSettings(folder.Config())
	return c, err
}
