package callbacks_test

import (
	"context"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/trainer"
)

// The bounds on how often hooks record their metrics before the last of 100 epochs.
func TestScheduledHooks(t *testing.T) {
	every := func(epochs int) trainer.Schedule { return trainer.Schedule{Every: epochs} }
	for _, test := range []struct {
		name string
		hook trainer.Scheduled
		want int // −1 if it is not known
	}{
		{"spectrum", &callbacks.Spectrum{Schedule: every(20)}, 5},
		{"spectrum by default", &callbacks.Spectrum{}, 34}, // Log: 50 has epoch 0 and 33 different ones up to 91
		{"complexity", &callbacks.Complexity{Spectrum: &callbacks.Spectrum{Schedule: every(20)}}, 5},
		{"complexity, less often", &callbacks.Complexity{Spectrum: &callbacks.Spectrum{Schedule: every(20)}, Schedule: every(50)}, 2},
		{"complexity, no more often", &callbacks.Complexity{Spectrum: &callbacks.Spectrum{Schedule: every(20)}, Schedule: every(1)}, 5},
		{"complexity by the clock", &callbacks.Complexity{Spectrum: &callbacks.Spectrum{Schedule: every(20)}, Schedule: trainer.Schedule{Seconds: 1}}, 5},
		{"complexity of a spectrum by the clock", &callbacks.Complexity{Spectrum: &callbacks.Spectrum{Schedule: trainer.Schedule{Seconds: 1}}, Schedule: every(50)}, 2},
		{"complexity without a spectrum", &callbacks.Complexity{}, -1},
		{"critical sharpness", &callbacks.CriticalSharpness{Schedule: every(20)}, 5},
		{"critical sharpness by default", &callbacks.CriticalSharpness{}, 100},
		{"margin", &callbacks.Margin{Schedule: every(20)}, 5},
	} {
		most, known := test.hook.Times(&trainer.State{Epochs: 100}, "", 0)
		if known != (test.want >= 0) || known && most != test.want {
			t.Errorf("%s: %d, known: %t; want %d", test.name, most, known, test.want)
		}
	}
}

// asking is a hook that calls State.Times when training begins, as EarlyStopping does.
type asking struct{ ask func(*trainer.State) }

func (asking) Name() string         { return "asking" }
func (asking) Phase() trainer.Phase { return trainer.Decide }
func (a asking) TrainBegin(_ context.Context, s *trainer.State) error {
	a.ask(s)
	return nil
}

// A budget that allows no distances before the end does not limit the proxies.
func TestScheduledMarginOnABudget(t *testing.T) {
	times := func(metric string, margin *callbacks.Margin) (most int) {
		tr, _ := newTraining(t, margin, asking{func(s *trainer.State) { most, _ = s.Times(metric, 0) }})
		if _, err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return most
	}
	if n := times("boundary/margin", &callbacks.Margin{}); n != 0 {
		t.Errorf("%d distances by the default budget of a short run, want none", n)
	}
	if n := times("boundary/logit_margin_median", &callbacks.Margin{}); n == 0 {
		t.Error("no logit margins by the default schedule")
	}
	if n := times("boundary/margin", &callbacks.Margin{Schedule: trainer.Schedule{Every: 1}}); n == 0 {
		t.Error("no distances at every epoch")
	}
}
