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

// Candidates reads the runs in the folders, and their histories where these
// are wanted. A run that cannot be read is set apart, since one of many that
// failed is no reason to choose none; it is an error if none can be read.
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

// measuringKeys are the settings of an experiment that a measure's meaning
// depends on; how exactly it is computed is not among them.
var measuringKeys = [][2]string{
	{"spectrum", "matrix"},
	{"spectrum", "only"},
	{"complexity", "epsilon"},
	{"complexity", "alpha"},
	{"complexity", "statistic"},
	{"complexity", "vectors"},
}

// measuringSettings are those of a run; nil if it has no config.yaml, as a run
// of somebody's own program.
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

// parseMeasuringSettings is not strict: the file may be of another version.
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
