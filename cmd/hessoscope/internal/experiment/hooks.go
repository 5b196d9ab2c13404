package experiment

import (
	"cmp"
	"io"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/export"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// A Console says where and how the log and the progress of a run are shown.
type Console struct {
	Log      io.Writer
	Format   string    // format of the log: text, or json for programs
	Progress io.Writer // for the progress bar; no bar if nil

	barless bool // resumes a run that had no hook for a bar, as older versions had it
}

// hooks returns the hooks of a run whose files are in folder, for data in the plane or
// others.
func (c *Config) hooks(folder record.Folder, inPlane bool, console Console) ([]trainer.Hook, error) {
	progress := &callbacks.Progress{Out: cmp.Or(console.Progress, io.Discard)}
	lines := console.Log
	if console.Progress != nil {
		lines = progress.Wrap(lines)
	}
	logger, err := callbacks.NewLogger(lines, console.Format)
	if err != nil {
		return nil, err
	}
	logger.Schedule = c.Log.Schedule
	var hooks []trainer.Hook
	var spectrum *callbacks.Spectrum
	if !c.Spectrum.Off {
		spectrum = &callbacks.Spectrum{
			Schedule: c.Spectrum.Schedule, Dir: folder.Measurements(),
			Samples: c.Spectrum.Samples, Workers: c.Workers, Settings: c.Solver(),
			Matrix: c.Spectrum.Matrix, Products: Precision(c.Spectrum.Precision), Only: c.Spectrum.Only,
		}
		if console.Progress != nil {
			spectrum.Settings.Progress = progress.Measuring("spectrum")
		}
		hooks = append(hooks, spectrum)
		if !c.Complexity.Off {
			hooks = append(hooks, &callbacks.Complexity{
				Spectrum: spectrum, Schedule: c.Complexity.Schedule, Settings: c.Complexity.Settings(),
			})
		}
		if inPlane && !c.Plane.Off {
			hooks = append(hooks, &callbacks.Plane{Spectrum: spectrum, Side: c.Plane.Side})
		}
	}
	if !c.Rank.Off {
		hooks = append(hooks, &callbacks.EffectiveRank{Schedule: c.Rank.Schedule, Samples: c.Rank.Samples, Workers: c.Workers})
	}
	if !c.Critical.Off {
		hooks = append(hooks, &callbacks.CriticalSharpness{
			Schedule: c.Critical.Schedule, Along: c.Critical.Along, Samples: c.Critical.Samples, Workers: c.Workers,
		})
	}
	hooks = append(hooks, &callbacks.Parameters{})
	if !c.Margin.Off {
		margin := &callbacks.Margin{
			Schedule: c.Margin.Schedule, Samples: c.Margin.Samples, Dir: folder.Measurements(), Workers: c.Workers,
		}
		if console.Progress != nil {
			margin.Progress = progress.Searching("margins")
		}
		hooks = append(hooks, margin)
	}
	if s := c.Sharpness; s.measures() {
		hooks = append(hooks, &callbacks.Sharpness{
			Schedule: s.Schedule, Fisher: s.Fisher, Perturbations: s.Perturbations, Samples: s.Samples, Workers: c.Workers,
		})
	}
	if !console.barless { // with a bar or without, so that a run can be resumed either way
		hooks = append(hooks, progress)
	}
	if !c.Stop.Rule.IsZero() || c.Stop.RestoreBest != "" {
		hooks = append(hooks, c.earlyStopping(logger.Log))
	}
	if c.Export.TensorBoard {
		settings, err := c.flat()
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, &export.TensorBoard{Path: folder.Events(), Spectrum: spectrum, Hyperparameters: settings})
	}
	if c.Export.OpenMetrics {
		hooks = append(hooks, &export.OpenMetrics{Path: folder.OpenMetrics()})
	}
	settings, err := c.recordedJSON(string(folder))
	if err != nil {
		return nil, err
	}
	return append(hooks, logger,
		&callbacks.JSONL{Path: folder.History()},
		&callbacks.CSV{Path: folder.Table()},
		&callbacks.Checkpoint{
			Dir: folder.Checkpoints(), Interval: time.Duration(c.Checkpoint.Seconds * float64(time.Second)),
			Schedule: c.Checkpoint.Schedule, Keep: !c.Checkpoint.Schedule.IsZero(), Best: c.Checkpoint.Best,
		},
		// After the checkpoint, so that a run with the status finished is saved.
		&callbacks.RunRecord{
			Path: folder.Run(), Info: information{c.Name, c.Description, c.Begun.Experiment, c.Begun.Set},
			Settings: settings, Changes: c.changes,
		},
	), nil
}

// information is the info in the record of a run.
type information struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Experiment  string   `json:"experiment,omitempty"` // preset or file that the run began with
	Set         []string `json:"set,omitempty"`        // changes of its settings on the command line
}

// flat returns the settings by their keys, with dots, without those that are empty.
func (c *Config) flat() (map[string]any, error) {
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	var groups map[string]any
	if err := yaml.Unmarshal(text, &groups); err != nil {
		return nil, err
	}
	flat := make(map[string]any)
	var add func(above string, groups map[string]any)
	add = func(above string, groups map[string]any) {
		for key, value := range groups {
			if group, ok := value.(map[string]any); ok {
				add(above+key+".", group)
			} else {
				flat[above+key] = value
			}
		}
	}
	add("", groups)
	delete(flat, "name")
	delete(flat, "description")
	return flat, nil
}

func (c *Config) earlyStopping(log *logrus.Logger) *callbacks.EarlyStopping {
	return &callbacks.EarlyStopping{Rule: c.Stop.Rule, RestoreBest: c.Stop.RestoreBest, Log: log}
}
