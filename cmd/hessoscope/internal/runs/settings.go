package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

// measuringKeys are the settings of an experiment on which the meaning of a
// measure depends. How exactly it is computed is not among them.
var measuringKeys = []string{
	"spectrum.matrix", "spectrum.only", "complexity.epsilon", "complexity.alpha", "complexity.statistic", "complexity.vectors",
}

// startKeys are the settings that name a file whose parameters a run starts from.
var startKeys = []string{"model.weights", "model.norm_of"}

// pathKeys are the settings that are paths of data, or may be.
var pathKeys = []string{"data.set", "data.csv", "data.dir"}

// names are the settings by which people tell runs apart. They change nothing.
var names = []string{"name", "description"}

// readSettings reads the config.yaml of a run: the settings on which its measures
// depend, all settings in which it may differ from other runs, and the files that
// it starts from. All are nil if there is no config.yaml, as for a run of another
// program.
func readSettings(path string) (measuring, all map[string]string, starts []string, err error) {
	data, err := strictyaml.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	return parseSettings(path, data)
}

// parseSettings is not strict: the file may be of another version.
func parseSettings(name string, data []byte) (measuring, all map[string]string, starts []string, err error) {
	groups, err := strictyaml.ParseGroups(name, data)
	if err != nil {
		return nil, nil, nil, err
	}
	all = make(map[string]string)
	flatten(all, "", groups)
	measuring = make(map[string]string)
	for _, key := range measuringKeys {
		measuring[key] = all[key]
	}
	if err := locate(all, filepath.Dir(name)); err != nil {
		return nil, nil, nil, err
	}
	for _, key := range startKeys {
		if file := all[key]; file != "" {
			starts = append(starts, experiment.Real(file))
			all[key] = "given" // which file it is may differ by seed, as a draw does
		}
	}
	return measuring, all, starts, nil
}

// locate makes the paths among the settings of a run in a folder absolute.
func locate(all map[string]string, folder string) error {
	was := all["begun.folder"]
	for _, key := range []string{"folder", "experiment", "set"} {
		delete(all, "begun."+key)
	}
	now, err := filepath.Abs(folder)
	if err != nil || was == "" {
		return err
	}
	for _, key := range slices.Concat(pathKeys, startKeys) {
		if path := all[key]; strings.HasPrefix(path, ".") { // not the name of a built-in set
			all[key] = experiment.Located(now, was, path)
		}
	}
	return nil
}

// flatten adds the values of groups to all, by keys with dots.
func flatten(all map[string]string, above string, groups map[string]any) {
	for key, value := range groups {
		if slices.Contains(names, above+key) {
			continue
		}
		if group, ok := value.(map[string]any); ok {
			flatten(all, above+key+".", group)
		} else {
			all[above+key] = fmt.Sprint(value)
		}
	}
}
