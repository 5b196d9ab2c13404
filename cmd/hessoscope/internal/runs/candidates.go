package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
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
	return candidates, broken, nil
}

func readCandidate(folder record.Folder, history bool) (selection.Candidate, error) {
	c := selection.Candidate{Path: string(folder)}
	var err error
	if c.Run, err = record.ReadRun(folder.Run()); err != nil {
		return c, err
	}
	if history || c.Run.Restored != nil {
		if c.History, err = record.ReadHistory(folder.History()); err != nil {
			return c, err
		}
	}
	c.Settings, err = measuringSettings(folder.Config())
	return c, err
}

// measuringKeys are the settings of an experiment that change the meaning of a
// measure. Settings that only affect its accuracy are not among them.
var measuringKeys = [][2]string{
	{"spectrum", "matrix"},
	{"spectrum", "only"},
	{"complexity", "epsilon"},
	{"complexity", "alpha"},
	{"complexity", "statistic"},
	{"complexity", "vectors"},
}

// measuringSettings returns the values of measuringKeys of a run, or nil if it has no
// config.yaml, as a run of another program may have none.
func measuringSettings(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseMeasuringSettings(path, data)
}

// parseMeasuringSettings accepts unknown keys, because another version may have
// written the file.
func parseMeasuringSettings(name string, data []byte) (map[string]string, error) {
	groups, err := strictyaml.ParseGroups(name, data)
	if err != nil {
		return nil, err
	}
	settings := make(map[string]string)
	for _, key := range measuringKeys {
		group, _ := groups[key[0]].(map[string]any)
		value := ""
		if v, given := group[key[1]]; given {
			value = fmt.Sprint(v)
		}
		settings[key[0]+"."+key[1]] = value
	}
	return settings, nil
}
