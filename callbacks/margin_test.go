package callbacks_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// marginRun trains on gauss for 12 epochs with a Margin of few samples, and returns
// the metrics that were recorded at each epoch.
func marginRun(t *testing.T, hook *callbacks.Margin, others ...trainer.Hook) []map[string]float64 {
	t.Helper()
	if hook.Samples == 0 {
		hook.Samples = 10
	}
	w := new(witness)
	tr := spectrumRun(t, tensor.Float64, append(others, hook, w)...)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.fresh
}

// measured returns the epochs at which a metric was recorded.
func measured(fresh []map[string]float64, metric string) []int {
	var epochs []int
	for epoch, values := range fresh {
		if _, ok := values[metric]; ok {
			epochs = append(epochs, epoch)
		}
	}
	return epochs
}

// With or without distances, all metrics of the measurement are recorded, and they
// are consistent.
func TestMarginRecordsItsMetrics(t *testing.T) {
	fresh := marginRun(t, &callbacks.Margin{Samples: 150, Schedule: trainer.Schedule{At: []int{12}}})
	last := fresh[12]
	for _, m := range new(callbacks.Margin).Metrics() {
		if strings.HasSuffix(m.Name, "_low") || strings.HasSuffix(m.Name, "_high") {
			continue // of fewer samples than were asked for
		}
		if _, ok := last[m.Name]; !ok {
			t.Errorf("%s was not recorded", m.Name)
		}
		if got := measured(fresh, m.Name); !slices.Equal(got, []int{12}) {
			t.Errorf("%s was recorded at epochs %v, want 12 alone", m.Name, got)
		}
	}
	for _, prefix := range []string{"boundary/margin", "boundary/logit_margin", "boundary/input_margin"} {
		least, ok := last[prefix]
		if !ok {
			least = last[prefix+"_min"]
		}
		if !(least <= last[prefix+"_q05"] && last[prefix+"_q05"] <= last[prefix+"_median"]) {
			t.Errorf("%s: quantiles are not in order in %v", prefix, last)
		}
	}
	wrong := math.Round(150 * (1 - last["train/accuracy"]))
	if last["boundary/misclassified"] != wrong || last["boundary/margin_samples"] != 150 || (wrong > 0) != (last["boundary/logit_margin_min"] < 0) {
		t.Errorf("%v; want 150 samples with %v misclassified", last, wrong)
	}
}

// The epochs at which distances and proxies are measured.
func TestMarginSchedule(t *testing.T) {
	for _, test := range []struct {
		name                string
		schedule            trainer.Schedule
		distances, standIns []int
	}{
		{"default", trainer.Schedule{}, []int{12}, []int{12}}, // which pays for nothing before the last
		{"every", trainer.Schedule{Every: 5}, []int{0, 5, 10, 12}, []int{0, 5, 10, 12}},
		{"at", trainer.Schedule{At: []int{3}}, []int{3, 12}, []int{3, 12}},
		{"not at the last", trainer.Schedule{At: []int{3}, SkipFinal: true}, []int{3}, []int{3}},
		{"budget", trainer.Schedule{Every: 1, Budget: 0.5}, []int{12}, []int{2, 6, 9, 12}}, // 0.45·3100 pay for 375 three times before the last
	} {
		t.Run(test.name, func(t *testing.T) {
			fresh := marginRun(t, &callbacks.Margin{Schedule: test.schedule})
			if got := measured(fresh, "boundary/margin_samples"); !slices.Equal(got, test.distances) {
				t.Errorf("distances at epochs %v, want %v", got, test.distances)
			}
			if got := measured(fresh, "boundary/logit_margin_median"); !slices.Equal(got, test.standIns) {
				t.Errorf("stand-ins at epochs %v, want %v", got, test.standIns)
			}
		})
	}
}

// A run that is cancelled while distances are measured ends with that error.
func TestMarginIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	run := spectrumRun(t, tensor.Float64, &callbacks.Margin{Samples: 10, Progress: func(int, int) { cancel() }})
	if _, err := run.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A budget that is large enough allows distances during the run.
func TestMarginBudgetPaysForDistances(t *testing.T) {
	// A sample costs about 7,000 gradients; a run of 800 epochs 200,000, half of which
	// are for proxies before the last epoch.
	w := new(witness)
	run := spectrumRunOf(t, 800, tensor.Float64, &callbacks.Margin{Samples: 1, Schedule: trainer.Schedule{Every: 1, Budget: 1}}, w)
	if _, err := run.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := measured(w.fresh, "boundary/margin_samples"); len(got) < 6 || len(got) > 25 || got[len(got)-1] != 800 {
		t.Errorf("distances at epochs %v; want 6 to 25 times, 800 among them", got)
	}
	if _, whole := w.fresh[800]["boundary/margin"]; !whole {
		t.Errorf("%v; want the margin", w.fresh[800])
	}
	if notes := run.State().Notes(); len(notes) > 0 {
		t.Errorf("told %q; want nothing", notes)
	}
}

func TestMarginChangesNoWeights(t *testing.T) {
	parameters := func(hooks ...trainer.Hook) map[string][]float64 {
		tr := spectrumRun(t, tensor.Float32, hooks...)
		if _, err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		values := make(map[string][]float64)
		for _, a := range models.Export(tr.State().Model.Parameters()) {
			values[a.Name] = a.Data
		}
		return values
	}
	with := parameters(&callbacks.Margin{Samples: 10, Schedule: trainer.Schedule{Every: 4}})
	if diff := cmp.Diff(parameters(), with); diff != "" {
		t.Errorf("weights (-without +with):\n%s", diff)
	}
}

// stopper requests a stop at an epoch, and keeps the metrics that were measured
// before the request.
type stopper struct {
	epoch  int
	before map[string]float64
}

func (*stopper) Name() string         { return "stopper" }
func (*stopper) Phase() trainer.Phase { return trainer.Decide }

func (d *stopper) EpochEnd(ctx context.Context, s *trainer.State) error {
	if s.Epoch != d.epoch {
		return nil
	}
	w := new(witness)
	if err := w.EpochEnd(ctx, s); err != nil {
		return err
	}
	d.before = w.fresh[0]
	s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "stopper"})
	return nil
}

// An epoch that becomes the last because a hook stops the run is measured exactly
// once.
func TestMarginOfAStoppedRun(t *testing.T) {
	for _, test := range []struct {
		name     string
		schedule trainer.Schedule
		before   string // the stop: a metric of what was measured by then; none if empty
	}{
		{"not due", trainer.Schedule{At: []int{2}}, ""},
		{"distances due", trainer.Schedule{Every: 5}, "boundary/margin_seconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stop := &stopper{epoch: 5}
			fresh := marginRun(t, &callbacks.Margin{Schedule: test.schedule}, stop)
			if len(fresh) != 6 {
				t.Fatalf("%d epochs, want the run to stop after epoch 5", len(fresh)-1)
			}
			for _, metric := range []string{"boundary/margin_samples", "boundary/logit_margin_min"} {
				if _, ok := fresh[5][metric]; !ok {
					t.Errorf("%s was not measured at the last epoch", metric)
				}
			}
			_, distances := stop.before["boundary/margin_seconds"]
			_, standIns := stop.before["boundary/logit_margin_min"]
			if distances != (test.before == "boundary/margin_seconds") || standIns != (test.before != "") {
				t.Errorf("measured before the stop: %v", stop.before)
			}
			if diff := cmp.Diff(stop.before, fresh[5]); distances && diff != "" { // seconds included
				t.Errorf("measured again (-before the stop +after):\n%s", diff)
			}
		})
	}
}
