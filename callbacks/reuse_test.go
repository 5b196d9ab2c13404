package callbacks_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/trainer"
)

// allHooks are one of each, which write into a folder.
func allHooks(t *testing.T, dir string) []trainer.Hook {
	t.Helper()
	logger, err := callbacks.NewLogger(new(bytes.Buffer), "text")
	if err != nil {
		t.Fatal(err)
	}
	spectrum := &callbacks.Spectrum{Dir: filepath.Join(dir, "measurements")}
	return []trainer.Hook{
		spectrum,
		&callbacks.Complexity{Spectrum: spectrum},
		&callbacks.Margin{Samples: 20},
		&callbacks.CriticalSharpness{Along: sharpness.Update, Schedule: trainer.Schedule{Every: 1}},
		&callbacks.Sharpness{Fisher: true, Perturbations: 3, Samples: 30},
		&callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "train/loss", AtMost: new(0.7), For: 2}, RestoreBest: "validation/loss", Log: logger.Log},
		logger,
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
		&callbacks.CSV{Path: filepath.Join(dir, "metrics.csv")},
		&callbacks.Progress{Out: new(bytes.Buffer)},
		&callbacks.Checkpoint{Dir: filepath.Join(dir, "checkpoints"), Best: "validation/loss"},
		&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")},
	}
}

// settings are the exported fields of hooks.
func settings(hooks []trainer.Hook) [][]any {
	var all [][]any
	for _, h := range hooks {
		var fields []any
		for f, v := range reflect.ValueOf(h).Elem().Fields() {
			if f.IsExported() && v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface && v.Kind() != reflect.Func {
				fields = append(fields, v.Interface())
			}
		}
		all = append(all, fields)
	}
	return all
}

// Hooks that have watched one run watch another as new ones do, and keep what
// their user set.
func TestHooksServeTwice(t *testing.T) {
	fresh, used := t.TempDir(), t.TempDir()
	again := allHooks(t, used)
	before := settings(again)
	for _, hooks := range [][]trainer.Hook{allHooks(t, fresh), again, again} {
		if _, err := spectrumRun(t, tensor.Float64, hooks...).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after := settings(again); !reflect.DeepEqual(before, after) {
		t.Errorf("the hooks' fields were %v and are %v", before, after)
	}
	without := func(dir string) []record.Entry {
		history, err := record.ReadHistory(filepath.Join(dir, "metrics.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range history {
			history[i].Seconds = 0
			for _, clock := range []string{"spectrum/seconds", "spectrum/time_share", "boundary/margin_seconds"} {
				delete(history[i].Metrics, clock)
			}
		}
		return history
	}
	want, have := without(fresh), without(used)
	if len(want) < 5 || len(want) > 12 { // the rule stops the run
		t.Fatalf("%d epochs are recorded", len(want))
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("metrics (-new hooks +used ones):\n%s", diff)
	}
	first, second := readRun(t, filepath.Join(fresh, "run.json")), readRun(t, filepath.Join(used, "run.json"))
	if diff := cmp.Diff(first.Stop, second.Stop) + cmp.Diff(first.Restored, second.Restored); diff != "" {
		t.Errorf("the end of the run (-new hooks +used ones):\n%s", diff)
	}
}
