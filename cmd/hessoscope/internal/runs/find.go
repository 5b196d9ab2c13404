package runs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
)

// expand replaces a folder that holds runs by these, in the order of their
// names. A run that is named twice counts once.
func expand(dirs []string) ([]string, error) {
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
			return nil, fmt.Errorf("%s is not the folder of a run, nor of runs: it has no %s, and none of its folders has", dir, experiment.RunFile)
		}
	}
	return runs, nil
}

// isRun tells whether a folder is that of a run, even of one that was killed
// before it began.
func isRun(dir string) bool {
	return slices.ContainsFunc([]string{experiment.RunFile, experiment.ConfigFile}, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	})
}
