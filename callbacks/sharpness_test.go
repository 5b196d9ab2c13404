package callbacks_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

func newSharpness() *callbacks.Sharpness {
	return &callbacks.Sharpness{Schedule: trainer.Schedule{Every: 10}, Fisher: true, Perturbations: 5, Samples: 50}
}

// newLearning returns a run that is long enough to have an accuracy to lose.
func newLearning(t *testing.T, hooks ...trainer.Hook) (*trainer.Trainer, models.Model) {
	t.Helper()
	data, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 4, Hidden: []int{5}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trainer.New(trainer.Config{
		Epochs: 40, BatchSize: 50, Rate: trainer.Rate{Base: 0.05}, Seed: 1, Optimizer: trainer.OptimizerConfig{Name: "adam"},
	}, model, data, hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return tr, model
}

// sharpnessMetrics are the values that are fresh at the current epoch.
func sharpnessMetrics(s *trainer.State) map[string]float64 {
	values := make(map[string]float64)
	for _, m := range newSharpness().Metrics() {
		if value, ok := s.Fresh(m.Name); ok {
			values[m.Name] = value
		}
	}
	return values
}

// The hook records what package sharpness measures, at its epochs, and a run that it
// watches ends as any other, also after it was interrupted and resumed.
func TestSharpness(t *testing.T) {
	byEpoch := make(map[int]map[string]float64)
	halfway := errors.New("halfway")
	var saved *trainer.Checkpoint
	watch := func(interrupt bool) *probe {
		return &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
			have := sharpnessMetrics(s)
			if before, again := byEpoch[s.Epoch]; again {
				if diff := cmp.Diff(before, have); diff != "" {
					t.Errorf("epoch %d (-uninterrupted +resumed):\n%s", s.Epoch, diff)
				}
			}
			byEpoch[s.Epoch] = have
			if interrupt && s.Epoch == 25 {
				var err error
				if saved, err = s.Checkpoint(); err != nil {
					return err
				}
				return halfway
			}
			return nil
		}}
	}
	bare, want := newLearning(t)
	if _, err := bare.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole, model := newLearning(t, newSharpness(), watch(false))
	if _, err := whole.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat(want), flat(model)); diff != "" {
		t.Errorf("parameters (-without +with the hook):\n%s", diff)
	}
	checkSharpness(t, whole.State(), model)
	for epoch, values := range byEpoch {
		if measured := len(values) >= 2; measured != (epoch%10 == 0) {
			t.Errorf("epoch %d: %v; want measurements at every tenth epoch", epoch, values)
		}
	}

	broken, _ := newLearning(t, newSharpness(), watch(true))
	if _, err := broken.Run(t.Context()); !errors.Is(err, halfway) {
		t.Fatal(err)
	}
	resumed, model := newLearning(t, newSharpness(), watch(false))
	if err := resumed.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if _, err := resumed.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat(want), flat(model)); diff != "" {
		t.Errorf("parameters (-without +resumed):\n%s", diff)
	}
}

// checkSharpness compares the last values with those of new measurements.
func checkSharpness(t *testing.T, s *trainer.State, model models.Model) {
	t.Helper()
	train, err := s.Data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	split, err := train.Draw(50, s.Seed)
	if err != nil {
		t.Fatal(err)
	}
	fisher, err := sharpness.NewFisherTrace(model, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	trace, err := fisher.Measure(t.Context(), train.Len())
	if err != nil {
		t.Fatal(err)
	}
	perturbation, err := sharpness.NewPerturbation(model, split, 5, s.Seed, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	inverse, _, err := perturbation.Measure(t.Context(), train.Len())
	if err != nil || inverse == nil {
		t.Fatal(inverse, err)
	}
	want := map[string]float64{
		record.FisherTrace: trace.Value, record.FisherTrace + "_error": trace.Error,
		record.Perturbation: inverse.Value, record.Perturbation + "_error": inverse.Error,
	}
	if diff := cmp.Diff(want, sharpnessMetrics(s)); diff != "" || !(trace.Error > 0 && inverse.Error > 0) || math.IsInf(inverse.Error, 0) {
		t.Errorf("at the end (-measured again +recorded):\n%s", diff)
	}
}

func TestSharpnessSettings(t *testing.T) {
	for want, hook := range map[string]*callbacks.Sharpness{
		"Fisher is false, and Perturbations 0: choose":        {},
		"Perturbations is 1; want 0, for none, or 2 and more": {Perturbations: 1},
		"Schedule.Budget is 2;":                               {Fisher: true, Schedule: trainer.Schedule{Budget: 2}},
		"-1 samples drawn from split":                         {Fisher: true, Samples: -1},
	} {
		tr, _ := newTraining(t, hook)
		if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", hook, err, want)
		}
	}
}
