package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

type stopStudyCmd struct {
	Runs  []string `arg:"" help:"Folders of runs, or folders that hold such folders, as that of a sweep." placeholder:"RUN_DIR"`
	Rules string   `help:"Study these rules instead of the built-in ones: a YAML file." placeholder:"FILE"`
	JSON  string   `name:"json" help:"Write the results as JSON: to a file, or to standard output (-) in place of the tables." placeholder:"FILE|-"`
	CSV   string   `name:"csv" help:"Write a row a run and rule to this CSV file." placeholder:"FILE"`
}

// Help is printed by stop-study --help.
func (stopStudyCmd) Help() string {
	return `
Replays the recorded metrics of runs under many rules for stopping: where would each have stopped,
how good would the network have been, and what would it have cost?

  hessoscope stop-study runs/gauss
  hessoscope stop-study runs/a runs/b --rules rules.yaml --csv stops.csv
  hessoscope stop-study sweeps/regimes --json -

The file of rules holds what stop.when of an experiment may be:

  rules:
  - {monitor: validation/loss, patience: 20}
  - {monitor: train/accuracy, at_least: 1}
  - all:
    - {monitor: boundary/participation, rises: 2}
    - {monitor: validation/loss, patience: 5}

regret is the test accuracy of the oracle, who stops at the best epoch (the earliest of equals), less
that of the rule; the oracle looks at the test split, as no rule should. A rule that never holds
costs the whole run. Where the test split was not evaluated at the very epoch, the nearest epoch with
a test accuracy is taken, and told. A measurement that is rare makes a rule slow: measure at more
epochs (spectrum.schedule) to study rules on the boundary. The seconds are those of the recorded run,
with all that it measured.`
}

// stopStudy is the result of stop-study: its JSON is a stable format.
type stopStudy struct {
	Runs    []studiedRun       `json:"runs"`
	Summary []stopping.Summary `json:"summary"`
}

type studiedRun struct {
	stopping.Replayed
	Status callbacks.Status `json:"status"`
	Epochs int              `json:"epochs"`       // planned; 0 if not known
	Tested int              `json:"test_samples"` // of the test split
}

func (c stopStudyCmd) Run(out *output) error {
	results := destinations{c.JSON, c.CSV}
	if err := results.validate(); err != nil {
		return err
	}
	studied, runs, err := readRuns(c.Runs)
	if err != nil {
		return err
	}
	rules, err := c.rules(runs)
	if err != nil {
		return err
	}
	study := stopStudy{Runs: studied}
	var replayed []stopping.Replayed
	for i, run := range runs {
		if study.Runs[i].Replayed, err = stopping.Replay(run, rules); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(run.Name, jsonlFile), err)
		}
		replayed = append(replayed, study.Runs[i].Replayed)
	}
	study.Summary = stopping.Summarize(replayed)
	return results.write(out.stdout, &study,
		func(w io.Writer) error { return writeStopsCSV(w, &study) },
		func(w io.Writer) error { return printStopStudy(w, &study) })
}

// readRuns reads what the runs in the folders recorded. One that cannot be
// read, or recorded nothing, is an error: a study of the others would be
// another one.
func readRuns(dirs []string) ([]studiedRun, []stopping.Run, error) {
	dirs, err := expandRuns(dirs)
	if err != nil {
		return nil, nil, err
	}
	var studied []studiedRun
	var runs []stopping.Run
	for _, dir := range dirs {
		record, err := callbacks.ReadRun(filepath.Join(dir, runFile))
		if err != nil {
			return nil, nil, err
		}
		path := filepath.Join(dir, jsonlFile)
		history, err := callbacks.ReadHistory(path)
		if err != nil {
			return nil, nil, err
		}
		if len(history) == 0 {
			return nil, nil, fmt.Errorf("%s: no epoch is recorded (the run is %s)", path, record.Status)
		}
		runs = append(runs, stopping.Run{Name: dir, Metrics: record.Metrics, History: history})
		studied = append(studied, studiedRun{Status: record.Status, Epochs: record.Epochs, Tested: record.Data.Samples[datasets.Test]})
	}
	return studied, runs, nil
}

// ruleFile is what --rules reads.
type ruleFile struct {
	Rules []stopping.Rule `yaml:"rules"`
}

// rules are those of the file, or the built-in ones.
func (c stopStudyCmd) rules(runs []stopping.Run) ([]stopping.Rule, error) {
	if c.Rules == "" {
		rules := stopping.Defaults(runs)
		if len(rules) == 0 {
			return nil, fmt.Errorf("%s: no built-in rule applies to what was recorded; --rules takes your own", runs[0].Name)
		}
		return rules, nil
	}
	data, err := os.ReadFile(c.Rules)
	if err != nil {
		return nil, err
	}
	rules, err := parseRules(c.Rules, data)
	if err != nil {
		return nil, err
	}
	for i, r := range rules {
		if _, err := stopping.NewWatch(r, stopping.Declared(runs)); err != nil {
			return nil, placed(c.Rules, data, trainer.Below(fmt.Sprintf("rules[%d]", i), err))
		}
	}
	return rules, nil
}

// parseRules reads rules strictly.
func parseRules(name string, data []byte) ([]stopping.Rule, error) {
	var file ruleFile
	if err := parseYAML(name, data, &file, "iris"); err != nil {
		return nil, err
	}
	if len(file.Rules) == 0 {
		return nil, fmt.Errorf("%s: has no rules; want a list of them: `hessoscope stop-study --help` shows one", name)
	}
	for i, r := range file.Rules {
		if err := r.Validate(); err != nil {
			return nil, placed(name, data, trainer.Below(fmt.Sprintf("rules[%d]", i), err))
		}
	}
	if i := duplicate(file.Rules); i >= 0 {
		return nil, fmt.Errorf("%s: rules[%d] is the same as one before it", place(name, data, fmt.Sprintf("rules[%d]", i)), i)
	}
	return file.Rules, nil
}

// duplicate is the number of the first rule that is there before, or -1: their
// words name them in the results.
func duplicate(rules []stopping.Rule) int {
	known := make(map[string]bool)
	return slices.IndexFunc(rules, func(r stopping.Rule) bool {
		defer func() { known[r.String()] = true }()
		return known[r.String()]
	})
}
