package command

import (
	"fmt"
	"io"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/runs"
	"github.com/hessoscope/hessoscope/datasets"
)

type stopStudyCmd struct {
	Runs      []string `arg:"" complete:"runs" help:"Folders of runs, or folders that contain such folders, such as that of a sweep." placeholder:"RUN_DIR"`
	Rules     string   `help:"Study these rules instead of the built-in ones: a YAML file." placeholder:"FILE"`
	StudyTest bool     `help:"Allow the rules of the file to monitor the test split, which no rule of a training may do: this shows what they could gain at best."`
	JSON      string   `name:"json" help:"Write the results as JSON: to a file, or to standard output (-) in place of the tables." placeholder:"FILE|-"`
	CSV       string   `name:"csv" help:"Write one row per run and rule to this CSV file." placeholder:"FILE"`
}

// Help returns the text that stop-study --help adds.
func (stopStudyCmd) Help() string {
	return `
Replays stopping rules on the recorded metrics of runs: where would each rule have stopped a run, how
good would the network have been, and what would it have cost?

  hessoscope stop-study runs/gauss
  hessoscope stop-study runs/a runs/b --rules rules.yaml --csv stops.csv
  hessoscope stop-study sweeps/regimes --json -

The file has a list of rules, each as in stop.when of an experiment:

  rules:
  - {monitor: validation/loss, patience: 20}
  - {monitor: train/accuracy, at_least: 1}
  - all:
    - {monitor: boundary/directions, rises: 2}
    - {monitor: validation/loss, patience: 5}

The regret is the test accuracy of the oracle minus that of the rule. The oracle stops at the first
epoch of the best test accuracy; it uses the test split, which a rule must not do (--study-test allows
it to the rules of a file). The error of the regret (±) assumes that the two networks were tested on
different samples, so it is rather too large; over several runs it is the standard error of the mean, by
clusters of runs that share data and seed, or start from one another. A rule of patience is also scored
at the epoch whose parameters stop.restore_best would restore: "best at". A rule that never holds takes
the whole run. A rule that could not hold, because its metric was measured too rarely, is listed
separately. If the test split was not evaluated at an epoch, the nearest epoch with a test accuracy is
used and shown. If a metric is measured rarely, its rules stop late: to study rules on the boundary,
measure at more epochs (spectrum.schedule). The time is that of the recorded run, including all its
measurements.`
}

func (c stopStudyCmd) Run(out *output) error {
	results := destinations{c.JSON, c.CSV}
	if err := results.validate(); err != nil {
		return err
	}
	recorded, err := runs.Histories(c.Runs)
	if err != nil {
		return err
	}
	var studied []stopping.Run
	clusters := selection.Clusters(recorded)
	for i, r := range recorded {
		studied = append(studied, stopping.Run{
			Name: r.Path, Metrics: r.Run.Metrics, History: r.History, TestSamples: r.Run.Data.Samples[datasets.Test], Cluster: clusters[i] + 1,
		})
	}
	rules, err := c.rules(studied)
	if err != nil {
		return err
	}
	var study stopStudy
	var replayed []stopping.Replayed
	for i, r := range recorded {
		replay, err := stopping.Replay(studied[i], rules)
		if err != nil {
			return fmt.Errorf("%s: %w", record.Folder(r.Path).History(), err)
		}
		replayed = append(replayed, replay)
		study.Runs = append(study.Runs, studiedRun{replay, r.Run.Status, r.Run.Epochs, r.Run.Data.Samples[datasets.Test]})
	}
	study.Summary = stopping.Summarize(replayed)
	return results.write(out.stdout, &study,
		func(w io.Writer) error { return writeStopsCSV(w, &study) },
		func(w io.Writer) error { return printStopStudy(w, &study) })
}

// rules returns the rules of the file, or the built-in ones.
func (c stopStudyCmd) rules(runs []stopping.Run) ([]stopping.Rule, error) {
	if c.Rules == "" {
		rules := stopping.Defaults(runs)
		if len(rules) == 0 {
			return nil, fmt.Errorf("%s: no built-in rule applies to what was recorded; --rules takes your own", runs[0].Name)
		}
		return rules, nil
	}
	return experiment.ReadRules(c.Rules, stopping.Declared(runs), c.StudyTest)
}
