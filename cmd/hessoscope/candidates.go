package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/selection"
)

// readCandidates reads the runs in the folders, and their histories where these
// are wanted. A run that cannot be read is set apart, since one of many that
// failed is no reason to choose none; it is an error if none can be read.
func readCandidates(dirs []string, histories bool) ([]selection.Candidate, []selection.Apart, error) {
	dirs, err := expandRuns(dirs)
	if err != nil {
		return nil, nil, err
	}
	var candidates []selection.Candidate
	var broken []selection.Apart
	var first error
	for _, dir := range dirs {
		c, err := readCandidate(dir, histories)
		if err == nil {
			candidates = append(candidates, c)
			continue
		}
		broken = append(broken, selection.Apart{Run: dir, Reason: firstLine(err.Error())})
		if first == nil {
			first = err
		}
	}
	if len(candidates) == 0 {
		return nil, nil, first
	}
	return candidates, broken, nil
}

// expandRuns replaces a folder that holds runs by these, in the order of their
// names. A run that is named twice counts once.
func expandRuns(dirs []string) ([]string, error) {
	var runs []string
	add := func(dir string) {
		if !slices.Contains(runs, dir) {
			runs = append(runs, dir)
		}
	}
	for _, dir := range dirs {
		dir = filepath.Clean(dir)
		if isRun(dir) {
			add(dir)
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		found := false
		for _, e := range entries {
			if below := filepath.Join(dir, e.Name()); isRun(below) {
				add(below)
				found = true
			}
		}
		if !found {
			return nil, fmt.Errorf("%s is not the folder of a run, nor of runs: it has no %s, and none of its folders has", dir, runFile)
		}
	}
	return runs, nil
}

// isRun tells whether a folder is that of a run, even of one that was killed
// before it began.
func isRun(dir string) bool {
	return slices.ContainsFunc([]string{runFile, configFile}, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	})
}

func readCandidate(dir string, history bool) (selection.Candidate, error) {
	c := selection.Candidate{Path: dir}
	var err error
	if c.Run, err = callbacks.ReadRun(filepath.Join(dir, runFile)); err != nil {
		return c, err
	}
	if history || c.Run.Restored != nil {
		if c.History, err = callbacks.ReadHistory(filepath.Join(dir, jsonlFile)); err != nil {
			return c, err
		}
	}
	c.Settings, err = measuringSettings(filepath.Join(dir, configFile))
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
func parseMeasuringSettings(name string, data []byte) (settings map[string]string, err error) {
	defer recovered(name, &err)
	if err := plain(name, data); err != nil {
		return nil, err
	}
	var sections map[string]any
	if err := yaml.Unmarshal(data, &sections); err != nil {
		return nil, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, false))
	}
	settings = make(map[string]string)
	for _, key := range measuringKeys {
		section, _ := sections[key[0]].(map[string]any)
		value := ""
		if v, given := section[key[1]]; given {
			value = fmt.Sprint(v)
		}
		settings[key[0]+"."+key[1]] = value
	}
	return settings, nil
}
