package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// sweepFile is the part of a sweep.json that says in what its runs differ.
type sweepFile struct {
	Name string `json:"name"`
	Runs []struct {
		Folder  string         `json:"folder"`
		Variant string         `json:"variant"`
		Seed    uint64         `json:"seed"`
		Grid    map[string]any `json:"grid"`
	} `json:"runs"`
}

// ofSweeps makes the variant, the settings on the grid and the seed the axes of the
// candidates, if all are runs of sweeps. Otherwise they keep all their settings.
func ofSweeps(candidates []selection.Candidate) error {
	sweeps := make(map[string]map[string]map[string]string) // axes by sweep and folder
	var axes []map[string]string
	for _, c := range candidates {
		dir, err := filepath.Abs(c.Path)
		if err != nil {
			return err
		}
		sweep := filepath.Dir(dir)
		if sweeps[sweep] == nil {
			if sweeps[sweep], err = readSweep(filepath.Join(sweep, "sweep.json")); err != nil {
				return err
			}
		}
		of := sweeps[sweep][filepath.Base(dir)]
		if of == nil {
			return nil
		}
		axes = append(axes, of)
	}
	for i := range candidates {
		candidates[i].Axes = axes[i]
	}
	return nil
}

// maxSweep is the largest size of a sweep.json, in bytes: that of some 100,000 runs.
const maxSweep = 256 << 20

// readSweep returns the axes of each run in a sweep.json, by its folder. It returns
// none if there is no such file.
func readSweep(path string) (map[string]map[string]string, error) {
	all := make(map[string]map[string]string)
	data, err := durable.ReadText(path, maxSweep)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	if err := record.CheckJSON(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var file sweepFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range file.Runs {
		axes := map[string]string{"sweep": file.Name, "variant": r.Variant, selection.SeedAxis: strconv.FormatUint(r.Seed, 10)}
		for key, value := range r.Grid {
			axes[key] = fmt.Sprint(value)
		}
		all[r.Folder] = axes
	}
	return all, nil
}

// linkStarts replaces the checkpoints of candidates among the starts with the paths
// of these candidates.
func linkStarts(candidates []selection.Candidate) {
	paths := make(map[string]string) // of candidates, by the absolute path of their checkpoints
	for _, c := range candidates {
		if dir, err := filepath.Abs(record.Folder(c.Path).Checkpoints()); err == nil {
			paths[experiment.Real(dir)] = c.Path
		}
	}
	for _, c := range candidates {
		for k, start := range c.Starts {
			if path, ok := paths[filepath.Dir(start)]; ok {
				c.Starts[k] = path
			}
		}
	}
}
