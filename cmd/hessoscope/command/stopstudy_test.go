package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/trainer"
)

// trainSmall trains for 40 epochs on gauss into runs/NAME, with the given settings.
func trainSmall(t *testing.T, name string, settings ...string) string {
	t.Helper()
	args := []string{"train", "gauss", "--no-progress", "--name", name}
	for _, s := range append([]string{"training.epochs=40", "model.hidden=[10]", "spectrum.off=true", "margin.off=true"}, settings...) {
		args = append(args, "--set", s)
	}
	succeed(t, args...)
	return filepath.Join("runs", name)
}

const someRules = `rules:
- {monitor: train/loss, at_most: 0.9}
- {monitor: train/loss, at_most: 0.9, for: 3}
- {monitor: validation/loss, patience: 4, min_delta_relative: 0.12}
- all:
  - {monitor: validation/loss, patience: 4, min_delta_relative: 0.12}
  - {monitor: train/accuracy, at_least: 0.5}
- {monitor: train/loss, rises: 30}
`

// readRules reads rules on any metrics.
func readRules(t *testing.T, path string) []stopping.Rule {
	t.Helper()
	rules, err := experiment.ReadRules(path, func(name string) (trainer.Metric, error) {
		return trainer.Metric{Name: name, Better: trainer.Lower}, nil
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// A run stops at the epoch at which the study of an unstopped run says it would.
func TestStopStudyPredicts(t *testing.T) {
	chdir(t)
	write(t, "rules.yaml", someRules)
	rules := readRules(t, "rules.yaml")
	dir := trainSmall(t, "whole")
	study := decode[stopStudy](t, succeed(t, "stop-study", dir, "--rules", "rules.yaml", "--json", "-"))
	whole := readLines(t, filepath.Join(dir, "metrics.jsonl"))
	for i, outcome := range study.Runs[0].Rules {
		rule, err := json.Marshal(rules[i]) // which is YAML, too
		if err != nil {
			t.Fatal(err)
		}
		stopped := trainSmall(t, fmt.Sprint("stopped-", i), "stop.when="+string(rule))
		record, err := record.ReadRun(filepath.Join(stopped, "run.json"))
		if err != nil {
			t.Fatal(err)
		}
		never := outcome.Verdict == stopping.Never
		if record.Epoch != outcome.Epoch || (record.Stop.Reason == trainer.Completed) != never || never != (i == 4) {
			t.Errorf("%s: the run ended at epoch %d (%s), and the study says %s at %d", outcome.Rule, record.Epoch, record.Stop.Reason, outcome.Verdict, outcome.Epoch)
		}
		if !never && record.Stop.Detail != outcome.Detail {
			t.Errorf("%s: stopped by %q, and the study says %q", outcome.Rule, record.Stop.Detail, outcome.Detail)
		}
		lines := readLines(t, filepath.Join(stopped, "metrics.jsonl"))
		if *outcome.Accuracy != whole[outcome.Epoch].Metrics["test/accuracy"] || *outcome.Loss != lines[len(lines)-1].Metrics["test/loss"] {
			t.Errorf("%s: accuracy %g, loss %g; want those of both runs at the epoch", outcome.Rule, *outcome.Accuracy, *outcome.Loss)
		}
	}
}

// A run leaves the network of the best epoch, and analyze measures this network.
func TestTrainRestoreBest(t *testing.T) {
	chdir(t)
	// With random labels, the network can only memorize the training samples.
	dir := trainSmall(t, "restored", "data.random_labels=true", "training.rate.base=0.5",
		"stop.restore_best=validation/loss", "stop.when={monitor: validation/loss, patience: 4}")
	record, err := record.ReadRun(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if record.Restored == nil || record.Restored.Epoch != record.Epoch-4 || record.Stop.Rule != "patience" || record.Stop.Metric != "validation/loss" {
		t.Fatalf("epoch %d, stop %+v, restored %+v; want a stop by patience, 4 epochs behind the best", record.Epoch, record.Stop, record.Restored)
	}
	best := readLines(t, filepath.Join(dir, "metrics.jsonl"))[record.Restored.Epoch].Metrics["validation/loss"]
	have := decode[analysis.Result](t, succeed(t, "analyze", dir, "--split", "validation", "--no-complexity", "--json", "-"))
	if have.Loss != best || have.Loss != record.Restored.Value {
		t.Errorf("the loss of the run is %v, of the record %v; want the best, %v", have.Loss, record.Restored.Value, best)
	}
}

func TestStopStudyTable(t *testing.T) {
	dir := chdir(t)
	first, second := trainSmall(t, "a"), trainSmall(t, "b", "seed=1", "training.evaluate={every: 7}")
	write(t, "rules.yaml", someRules)
	one := succeed(t, "stop-study", first, "--rules", "rules.yaml")
	for _, want := range []string{
		"runs/a: 40 epochs; 60 test samples\n", "the oracle\n", "  40  100.0%", "to the end\n", "  train/loss ≤ 0.9 for 3 measurements\n", "     never   ",
	} {
		if !strings.Contains(one, want) {
			t.Errorf("no %q in\n%s", want, one)
		}
	}
	if strings.Contains(one, "over ") || strings.Contains(one, dir) {
		t.Errorf("a study of one run has a summary, or tells where it was made:\n%s", one)
	}
	both := succeed(t, "stop-study", "runs")
	for _, want := range []string{"runs/a: ", second + ": ", "\nover 2 runs in 2 clusters of runs that share data and seed, or start from one another\n", "validation/loss not better for 5 measurements"} {
		if !strings.Contains(both, want) {
			t.Errorf("no %q in\n%s", want, both)
		}
	}
	write(t, "rare.yaml", "rules:\n- {monitor: train/batch_loss, at_most: 5}\n- {monitor: train/loss, at_most: 5, start_epoch: 1}\n")
	if rare := succeed(t, "stop-study", second, "--rules", "rare.yaml"); !strings.Contains(rare, "train/batch_loss ≤ 5 (tested at epoch 0)\n") {
		t.Errorf("nothing tells that epoch 1 was not tested:\n%s", rare)
	}
}

// Rules on the test split are studied on request, and runs in which a rule could not
// hold are set apart.
func TestStopStudyApart(t *testing.T) {
	chdir(t)
	trainSmall(t, "a", "training.evaluate={every: 20}")
	trainSmall(t, "b", "training.evaluate={every: 4}")
	trainSmall(t, "other", "seed=9")
	write(t, "rules.yaml", "rules:\n- {monitor: test/accuracy, patience: 3}\n- {monitor: validation/loss, rises: 4}\n")
	table := succeed(t, "stop-study", "runs/a", "runs/b", "--rules", "rules.yaml", "--study-test", "--json", "s.json")
	study := decode[stopStudy](t, read(t, "s.json"))
	for i, want := range []stopping.Verdict{stopping.TooFew, stopping.TooFew} {
		if o := study.Runs[0].Rules[i]; o.Verdict != want || study.Runs[1].Rules[i].Verdict == want {
			t.Errorf("%s: %s in a run of three measurements, %s in one of eleven", o.Rule, o.Verdict, study.Runs[1].Rules[i].Verdict)
		}
		if s := study.Summary[i+1]; s.Runs != 1 || s.TooFew != 1 || s.MeanRegretError != nil || s.MeanRegret == nil {
			t.Errorf("summary %+v", s)
		}
	}
	if s := study.Summary[0]; s.Runs != 2 || s.MeanRegretError != nil || study.Runs[1].End.RegretError == nil {
		t.Errorf("summary %+v, want no error of the mean: the runs share data and seed", s)
	}
	study = decode[stopStudy](t, succeed(t, "stop-study", "runs", "--json", "-"))
	if s := study.Summary[0]; s.Runs != 3 || s.MeanRegretError == nil || study.Runs[0].Cluster != study.Runs[1].Cluster || study.Runs[2].Cluster == study.Runs[0].Cluster {
		t.Errorf("summary %+v, want an error of the mean: the third run has another seed", s)
	}
	for _, want := range []string{"too few  ", "validation/loss rising for 4 measurements: validation/loss was measured 3 times, and the rule needs 5\n"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

func TestStopStudyFiles(t *testing.T) {
	formats := read(t, "../../../docs/formats.md")
	chdir(t)
	dir := trainSmall(t, "a", "spectrum.off=false", "spectrum.schedule={every: 40}", "complexity.off=true")
	write(t, "rules.yaml", someRules+"- {monitor: spectrum/lambda_min, falls: 1}\n")
	if table := succeed(t, "stop-study", dir, "--rules", "rules.yaml", "--csv", "s.csv", "--json", "s.json"); !strings.Contains(table, "?  ") ||
		!strings.Contains(table, "spectrum/lambda_min falling for 1 measurement: spectrum/lambda_min is not recorded\n") {
		t.Errorf("nothing tells that λmin is not recorded:\n%s", table)
	}
	study := decode[stopStudy](t, read(t, "s.json"))
	rows, err := csv.NewReader(strings.NewReader(read(t, "s.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, row := range rows[3:] {
		rules = append(rules, row[1]+" "+row[2])
	}
	var want []string
	for _, o := range study.Runs[0].Rules {
		want = append(want, o.Rule+" "+string(o.Verdict))
	}
	if diff := cmp.Diff(want, rules); diff != "" || rows[1][1] != "the oracle" || rows[2][1] != "to the end" || len(study.Summary) != 7 {
		t.Errorf("rows %q and %q, %d rules in the summary, others (-JSON +CSV):\n%s", rows[1], rows[2], len(study.Summary), diff)
	}
	if last := rows[len(rows)-1]; !slices.Equal(last[3:], append(make([]string, 11), "spectrum/lambda_min")) {
		t.Errorf("row %q; want nothing but the missing metric", last)
	}
	var all any
	if err := json.Unmarshal([]byte(read(t, "s.json")), &all); err != nil {
		t.Fatal(err)
	}
	for _, column := range slices.Compact(slices.Sorted(slices.Values(append(rows[0], keys(all)...)))) {
		if !regexp.MustCompile("[`.]" + column + "[`.]").MatchString(formats) {
			t.Errorf("docs/formats.md does not name %s", column)
		}
	}
}

// keys returns the keys of all objects in a JSON value.
func keys(v any) []string {
	var all []string
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			all = append(append(all, key), keys(value)...)
		}
	case []any:
		for _, value := range v {
			all = append(all, keys(value)...)
		}
	}
	return all
}

// A run that did not reach its end is studied too, and the table says so.
func TestStopStudyUnfinished(t *testing.T) {
	chdir(t)
	dir := trainSmall(t, "a")
	run, err := record.ReadRun(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	run.Status, run.Final = record.StatusNotFinite, nil
	if err := run.Write(filepath.Join(dir, "run.json")); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(read(t, filepath.Join(dir, "metrics.jsonl")), "\n")
	write(t, filepath.Join(dir, "metrics.jsonl"), strings.Join(lines[:11], "")+`{"epoch": 11, "st`)
	if table := succeed(t, "stop-study", dir); !strings.HasPrefix(table, "runs/a: 10 epochs of 40; it is not finite, so its last epoch is not the end of training; 60 test") {
		t.Errorf("nothing tells that the run has no end:\n%s", table)
	}
}

func TestBadStopStudy(t *testing.T) {
	run := func(t *testing.T) {
		write(t, "r/run.json", `{"status": "finished", "metrics": [{"name": "train/loss", "better": "lower"}, {"name": "rate", "better": "neither"}]}`)
		write(t, "r/metrics.jsonl", `{"epoch": 0, "metrics": {"train/loss": 2, "rate": 1}}`+"\n")
	}
	files := func(pairs ...string) func(*testing.T) {
		return func(t *testing.T) {
			run(t)
			for i := 0; i < len(pairs); i += 2 {
				write(t, pairs[i], pairs[i+1])
			}
		}
	}
	study := func(args ...string) []string { return append([]string{"stop-study", "r"}, args...) }
	rules := func(text string) func(*testing.T) { return files("rules.yaml", text) }
	byRules := study("--rules", "rules.yaml")
	testBadInputs(t, []badInput{
		{"no run", nil, []string{"stop-study"}, []string{`expected "<runs> ..."`}},
		{"missing folder", nil, study(), []string{"r: no such file or directory"}},
		{"folder that is no run", func(t *testing.T) { mkdir(t, "r") }, study(), []string{"r is not the folder of a run, nor of runs"}},
		{"killed before it began", func(t *testing.T) { write(t, "r/config.yaml", "x") }, study(), []string{"r/run.json: no such file"}},
		{"broken record", files("r/run.json", `{"status": `), study(), []string{"r/run.json: unexpected end of JSON"}},
		{"record of something else", files("r/run.json", `{}`), study(), []string{"r/run.json: no status"}},
		{"no metrics", func(t *testing.T) { write(t, "r/run.json", `{"status": "running"}`) }, study(), []string{"r/metrics.jsonl: no such file"}},
		{"no epoch", files("r/metrics.jsonl", ""), study(), []string{"r/metrics.jsonl: no epoch is recorded (the run is finished)"}},
		{"broken metrics", files("r/metrics.jsonl", "{}\n"), study(), []string{"r/metrics.jsonl:1: epoch -1"}},
		{"one of several is broken", files("runs/a/run.json", "{"), append(study(), "runs"), []string{"runs/a/run.json: "}},
		{"nothing to study", files("r/metrics.jsonl", `{"epoch": 0, "metrics": {"rate": 2}}`+"\n"), study(), []string{"r: no built-in rule applies"}},
		{"CSV to standard output", run, study("--csv", "-"), []string{"--csv wants the name of a file"}},
		{"JSON into a missing folder", run, study("--json", "a/x.json"), []string{"a/x.json: there is no folder a"}},
		{"missing rules", run, byRules, []string{"rules.yaml: no such file"}},
		{"empty rules", rules(""), byRules, []string{"rules.yaml: the file is empty"}},
		{"no rules", rules("rules: []\n"), byRules, []string{"rules.yaml: has no rules"}},
		{"unknown key", rules("rule: []\n"), byRules, []string{`rules.yaml:1:1: unknown key "rule"; did you mean "rules"?`}},
		{"unknown key of a rule", rules("rules:\n- any:\n  - monitr: train/loss\n"), byRules, []string{`rules.yaml:3:5: unknown key "monitr"; did you mean "monitor"?`}},
		{"incomplete rule", rules("rules:\n- monitor: train/loss\n"), byRules, []string{"rules.yaml:2:10: rules[0].patience is missing; want one of patience, "}},
		{"wrong number", rules("rules:\n- {monitor: train/loss, patience: 3}\n- monitor: train/loss\n  patience: -3\n"), byRules, []string{"rules.yaml:4:13: rules[1].patience is -3; want 0 or more"}},
		{"fraction", rules("rules:\n- {monitor: train/loss, patience: 3.5}\n"), byRules, []string{"patience has 3.5; want a whole number"}},
		{"word for a number", rules("rules:\n- {monitor: train/loss, at_most: low}\n"), byRules, []string{`rules.yaml:2:34: "low" is not a number`}},
		{"not a number", rules("rules:\n- {monitor: train/loss, at_most: .nan}\n"), byRules, []string{"rules.yaml:2:34: rules[0].at_most is NaN"}},
		{"unknown mode", rules("rules:\n- {monitor: train/loss, mode: min, patience: 3}\n"), byRules, []string{`direction "min"; want neither, lower or higher`}},
		{"unknown metric", rules("rules:\n- {monitor: train/los, patience: 3}\n"), byRules, []string{`rules.yaml:2:13: rules[0].monitor is "train/los": no run has it; did you mean "train/loss"?`}},
		{"metric without a better side", rules("rules:\n- {monitor: rate, patience: 3}\n"), byRules, []string{"rules.yaml:2:3: rules[0].mode is missing: neither lower nor higher values of rate"}},
		{"test split", func(t *testing.T) {
			rules("rules:\n- {monitor: train/loss, patience: 3}\n- any: [{monitor: test/loss, patience: 3}]\n")(t)
			edit(t, "r/run.json", `{"name": "rate"`, `{"name": "test/loss", "better": "lower"}, {"name": "rate"`)
		}, byRules, []string{`rules.yaml:3:19: rules[1].any[0].monitor is "test/loss": the test split must not decide when to stop`, "--study-test"}},
		{"rule twice", rules("rules:\n- {monitor: train/loss, patience: 3}\n- {monitor: train/loss, patience: 3}\n"), byRules, []string{"rules.yaml:3:3: rules[1] is the same as an earlier rule"}},
	})
}

// The rules that --help shows can be read.
func TestStopStudyHelp(t *testing.T) {
	chdir(t)
	_, example, _ := strings.Cut(succeed(t, "stop-study", "--help"), "\n    rules:\n")
	example, _, _ = strings.Cut("    rules:\n"+example, "\n\nThe regret ")
	write(t, "rules.yaml", regexp.MustCompile(`(?m)^    `).ReplaceAllString(example, ""))
	if rules := readRules(t, "rules.yaml"); len(rules) != 3 {
		t.Errorf("rules %v in\n%s", rules, example)
	}
	if _, err := os.Stat("runs"); err == nil {
		t.Error("help made runs")
	}
}
