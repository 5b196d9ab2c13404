package experiment

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
)

// Edits are what its user may have changed of a run before it is resumed, besides the
// config.yaml in its folder.
type Edits struct {
	Set        []string // assignments of --set
	Experiment string   // the experiment that the run began with, as it is now; not compared if empty
}

// changeable are the settings that only matter for what is still to come, or to where
// data lie that are the same: they can be changed when a run is resumed, and so can the
// settings below them. The others are what the run is.
var changeable = []string{
	"training.epochs", "training.rate", "training.clip_norm", "training.optimizer.weight_decay", "training.evaluate",
	"spectrum.schedule", "complexity.schedule", "effective_rank.schedule", "critical_sharpness.schedule", "margin.schedule", "sharpness.schedule",
	"log.schedule", "checkpoint.seconds", "checkpoint.schedule", "stop.when",
	"data.set", "data.csv", "data.dir", "data.max_gb",
}

func canChange(key string) bool {
	return slices.ContainsFunc(changeable, func(c string) bool { return within(key, c) })
}

// within reports whether a key is another, or below it.
func within(key, above string) bool { return strings.HasPrefix(key+".", above+".") }

// Apply returns the settings with which the run in dir is resumed: those of its
// config.yaml with the changes of --set. A setting that was changed otherwise, or that
// cannot be changed, is an error. The record of the run, which may be nil, has the
// settings with which it was trained before.
func (e Edits) Apply(dir string, run *record.Run) (*Config, error) {
	path := record.Folder(dir).Config()
	c, err := Read(path)
	if err != nil {
		return nil, err
	}
	was, err := trainedWith(c, dir, run)
	if err != nil {
		return nil, err
	}
	if err := c.Set(e.Set...); err != nil {
		return nil, err
	}
	if len(e.Set) > 0 {
		if err := c.Validate(); err != nil {
			return nil, fmt.Errorf("--set: %w", err)
		}
		c.Resolve()
		if err := c.Absolute(); err != nil {
			return nil, err
		}
	}
	changes, err := differences(was, c)
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		switch asked := e.asked(change.Setting); {
		case !asked && canChange(change.Setting):
			return nil, fmt.Errorf("%s: %s was %s, is %s; put it back, or take it with --set %s", path, change.Setting, change.Was, change.Is, assign(change))
		case !asked:
			return nil, fmt.Errorf("%s: %s was %s, is %s, and cannot be changed in a run that has begun; put it back, or start another run", path, change.Setting, change.Was, change.Is)
		case !canChange(change.Setting):
			return nil, fmt.Errorf("--set: %s was %s, and cannot be changed in a run that has begun; start another run", change.Setting, change.Was)
		}
	}
	if len(e.Set) == 0 { // else the process that took them before may have been killed before it wrote the record
		if err := c.checkNames(was, dir); err != nil {
			return nil, err
		}
	}
	c.changes = append(slices.Clip(was.changes), changes...)
	if run != nil && run.Status == record.StatusFinished && e.Experiment != c.Begun.Experiment {
		return c, nil // the experiment only serves to name the run
	}
	return c, e.compare(c, dir)
}

// asked reports whether an assignment of --set sets a key, or a group that has it.
func (e Edits) asked(key string) bool {
	return slices.ContainsFunc(e.Set, func(assignment string) bool {
		above, _, _ := strings.Cut(assignment, "=")
		return within(key, above)
	})
}

// assign returns the change as an assignment, quoted for a shell.
func assign(c record.Change) string { return shell.Quote(c.Setting + "=" + c.Is) }

// trainedWith returns the settings with which the run in dir was trained: those of its
// record, or c if an older version wrote it, or if it has none.
func trainedWith(c *Config, dir string, run *record.Run) (*Config, error) {
	was := *c
	if run == nil || len(run.Settings) == 0 {
		return &was, nil
	}
	path := record.Folder(dir).Run()
	recorded, err := Parse(path+": settings", run.Settings)
	if err != nil {
		return nil, err
	}
	recorded.changes = run.Changes
	return recorded, recorded.locate(dir)
}

// compare returns an error if the experiment that the run in dir began with has been
// changed since.
func (e Edits) compare(c *Config, dir string) error {
	if e.Experiment == "" || c.Begun.Experiment == "" {
		return nil
	}
	now, err := Load(e.Experiment)
	if err != nil {
		return err
	}
	if err := now.Set(c.Begun.Set...); err != nil {
		return err
	}
	if name := now.StartName(); name != "" && isRunOf(c.Model.Weights+c.Model.NormOf, name) { // perhaps not the newest by now
		now.Model.Weights, now.Model.NormOf = c.Model.Weights, c.Model.NormOf
	}
	now.Resolve()
	if err := now.Absolute(); err != nil {
		return err
	}
	changes, err := differences(c, now)
	if err != nil || len(changes) == 0 {
		return err
	}
	change := changes[0]
	text := fmt.Sprintf("%s: %s was %s, is %s", e.Experiment, change.Setting, change.Was, change.Is)
	without := "hessoscope train " + shell.Quote(dir) + " --resume"
	if canChange(change.Setting) {
		return fmt.Errorf("%s; take it with --set %s, or go on without it: %s", text, assign(change), without)
	}
	return fmt.Errorf("%s, and cannot be changed in a run that has begun; go on without it: %s", text, without)
}

// isRunOf reports whether a checkpoint is of a run of that name: NAME, NAME-2, ….
func isRunOf(checkpoint, name string) bool {
	run := filepath.Base(filepath.Dir(filepath.Dir(checkpoint)))
	number, is := strings.CutPrefix(run, name)
	return is && strings.Trim(number, "-0123456789") == ""
}
