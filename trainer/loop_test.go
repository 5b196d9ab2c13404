package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// newSession returns a session for a small network.
func newSession(t *testing.T, s trainer.SessionSettings, hooks ...trainer.Hook) *trainer.Session {
	t.Helper()
	data := load(t, "intro1D")
	session, err := trainer.NewSession(newMLP(t, data, tensor.Float64, 3), data, s, hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// log returns a hook that writes down its events.
func logging(name string, phase trainer.Phase, events *[]string) *probe {
	return &probe{name: name, phase: phase, on: func(_ context.Context, e string, s *trainer.State) error {
		*events = append(*events, fmt.Sprintf("%s %d/%d", e, s.Epoch, s.Step))
		return nil
	}}
}

// final returns a hook that records its metric at the last epoch only, once.
func final(measured *[]int) *probe {
	return &probe{name: "final", metrics: []trainer.Metric{{Name: "final/epoch"}}, on: func(_ context.Context, e string, s *trainer.State) error {
		if _, done := s.Fresh("final/epoch"); e != "EpochEnd" || done || !(trainer.Schedule{}).Due(s) {
			return nil
		}
		*measured = append(*measured, s.Epoch)
		return s.Record("final/epoch", float64(s.Epoch))
	}}
}

// stopAfter returns a hook that stops the run after an epoch.
func stopAfter(epoch int) *probe {
	return &probe{name: "stopper", phase: trainer.Decide, on: func(_ context.Context, e string, s *trainer.State) error {
		if e == "EpochEnd" && s.Epoch == epoch {
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "stopper"})
		}
		return nil
	}}
}

// A loop that calls in the wrong order is told so at once, and how it should be.
func TestLoopsInTheWrongOrder(t *testing.T) {
	ctx := context.Background()
	begun := func(s *trainer.Session) error { return s.Begin(ctx) }
	epochs := func(n ...int) func(*trainer.Session) error {
		return func(s *trainer.Session) error {
			err := s.Begin(ctx)
			for _, epoch := range n {
				if err == nil {
					err = s.EpochEnd(ctx, epoch, epoch)
				}
			}
			return err
		}
	}
	over := func(s *trainer.Session) error { return errors.Join(s.Begin(ctx), s.EpochEnd(ctx, 1, 1), s.End(ctx)) }
	for _, test := range []struct {
		name   string
		before func(*trainer.Session) error
		call   func(*trainer.Session) error
		want   string
	}{
		{"EpochEnd before Begin", nil, func(s *trainer.Session) error { return s.EpochEnd(ctx, 1, 1) }, "EpochEnd of epoch 1 before Begin; want Begin(ctx); for epoch := 1;"},
		{"BatchEnd before Begin", nil, func(s *trainer.Session) error { return s.BatchEnd(ctx, 1, 0.5) }, "BatchEnd of step 1 before Begin; want Begin(ctx)"},
		{"End before Begin", nil, func(s *trainer.Session) error { return s.End(ctx) }, "End before Begin; want"},
		{"Begin twice", begun, begun, "Begin after Begin; want"},
		{"from 0", begun, epochsOnly(0), "epoch 0 is the untrained network, which Begin has measured; count the epochs from 1; want"},
		{"negative", begun, epochsOnly(-1), "EpochEnd of epoch -1 after epoch 0"},
		{"an epoch twice", epochs(1, 2), epochsOnly(2), "EpochEnd of epoch 2 after epoch 2; call it once for each epoch, which count up from 1; want"},
		{"going back", epochs(1, 5), epochsOnly(4), "EpochEnd of epoch 4 after epoch 5"},
		{"more than planned", epochs(10), epochsOnly(11), "EpochEnd of epoch 11 after epoch 10 of 10 that are planned; set SessionSettings.Epochs"},
		{"far more than planned", begun, epochsOnly(12), "EpochEnd of epoch 12 of 10 that are planned; set"},
		{"a batch too many", epochs(10), func(s *trainer.Session) error { return s.BatchEnd(ctx, 11, 1) }, "BatchEnd of step 11 after epoch 10 of 10"},
		{"steps from 0", begun, func(s *trainer.Session) error { return s.BatchEnd(ctx, 0, 1) }, "BatchEnd of step 0 after step 0; count the steps from 1"},
		{"steps of the epoch", epochs(1, 2, 3), func(s *trainer.Session) error { return s.BatchEnd(ctx, 1, 1) }, "BatchEnd of step 1 after step 3; count the steps from 1, through all epochs"},
		{"steps going back", epochs(1, 2, 3), func(s *trainer.Session) error { return s.EpochEnd(ctx, 4, 1) }, "EpochEnd of epoch 4 at step 1 after step 3; step is the number of steps so far"},
		{"a loss that is NaN", begun, func(s *trainer.Session) error { return s.BatchEnd(ctx, 1, math.NaN()) }, "step 1: the loss of the mini-batch is NaN: not finite"},
		{"End within an epoch", epochs(1), func(s *trainer.Session) error { return errors.Join(s.BatchEnd(ctx, 3, 1), s.End(ctx)) }, "End at step 3, 2 steps after epoch 1; call EpochEnd"},
		{"End twice", over, func(s *trainer.Session) error { return s.End(ctx) }, "End after the end of the session; want"},
		{"EpochEnd after End", over, epochsOnly(2), "EpochEnd of epoch 2 after the end of the session"},
		{"BatchEnd after End", over, func(s *trainer.Session) error { return s.BatchEnd(ctx, 9, 1) }, "BatchEnd of step 9 after the end"},
		{"Begin after End", over, begun, "Begin after the end"},
		{"Record after End", over, func(s *trainer.Session) error { return s.Record("a", 1) }, `Record of "a" after the end`},
		{"SetRate after End", over, func(s *trainer.Session) error { return s.SetRate(1) }, "SetRate after the end"},
		{"EpochEnd within Epochs", nil, func(s *trainer.Session) error {
			for epoch := range s.Epochs(ctx) {
				_ = s.EpochEnd(ctx, epoch, epoch)
			}
			return s.Err()
		}, "EpochEnd of epoch 1 in the body of a loop over Epochs, which calls it"},
		{"End after Epochs", nil, func(s *trainer.Session) error {
			for range s.Epochs(ctx) {
				continue
			}
			return s.End(ctx)
		}, "End after the end of the session"},
	} {
		t.Run(test.name, func(t *testing.T) {
			session := newSession(t, trainer.SessionSettings{Epochs: 10})
			if test.before != nil {
				if err := test.before(session); err != nil {
					t.Fatal(err)
				}
			}
			err := test.call(session)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v\nwant one line with %s", err, test.want)
			}
		})
	}
}

func epochsOnly(n int) func(*trainer.Session) error {
	return func(s *trainer.Session) error { return s.EpochEnd(context.Background(), n, max(n, 0)) }
}

// A loop that does not ask for Stopped is told when it goes on after a stop, and
// hooks measure the last epoch once, not every epoch from then on.
func TestLoopThatIgnoresAStop(t *testing.T) {
	ctx := context.Background()
	var measured []int
	session := newSession(t, trainer.SessionSettings{Epochs: 100}, final(&measured), stopAfter(2))
	err := errors.Join(session.Begin(ctx), session.EpochEnd(ctx, 1, 1), session.EpochEnd(ctx, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	want := "trainer: the run was stopped at epoch 2 by stopper, and %s comes later; break out of the loop when session.Stopped() says so, or let session.Epochs count the epochs"
	for epoch := 3; epoch <= 100; epoch++ {
		err := session.EpochEnd(ctx, epoch, epoch)
		if !errors.Is(err, trainer.ErrStopped) {
			t.Fatalf("epoch %d: error %v", epoch, err)
		}
		wantError(t, err, fmt.Sprintf(want, fmt.Sprintf("EpochEnd of epoch %d", epoch)))
	}
	wantError(t, session.BatchEnd(ctx, 3, 1), fmt.Sprintf(want, "BatchEnd of step 3"))
	if err := session.End(ctx); err != nil {
		t.Fatal(err)
	}
	s := session.State()
	wantEqual(t, "epochs measured", measured, []int{2})
	if s.Epoch != 2 || s.Step != 2 {
		t.Errorf("epoch %d, step %d; want those of the stop", s.Epoch, s.Step)
	}
}

// A stop that is requested within an epoch lets the epoch end.
func TestStopWithinAnEpoch(t *testing.T) {
	ctx := context.Background()
	session := newSession(t, trainer.SessionSettings{}, &probe{name: "h", on: func(_ context.Context, e string, s *trainer.State) error {
		if e == "BatchEnd" && s.Step == 2 {
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "h"})
		}
		return nil
	}})
	err := errors.Join(session.Begin(ctx), session.BatchEnd(ctx, 1, 1), session.BatchEnd(ctx, 2, 1), session.BatchEnd(ctx, 3, 1),
		session.EpochEnd(ctx, 1, 3))
	if err != nil {
		t.Fatal(err)
	}
	if err := session.EpochEnd(ctx, 2, 6); !errors.Is(err, trainer.ErrStopped) {
		t.Errorf("error %v", err)
	}
}

func TestEpochs(t *testing.T) {
	ctx := context.Background()
	var events []string
	var measured []int
	session := newSession(t, trainer.SessionSettings{Epochs: 3, Steps: 5}, final(&measured), logging("h", trainer.Record, &events))
	step := 0
	for epoch := range session.Epochs(ctx) {
		if epoch == 2 {
			continue // no BatchEnd: the epoch counts as Steps steps
		}
		for range 2 {
			step = max(step+1, session.State().Step+1)
			if err := session.BatchEnd(ctx, step, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "events", events, []string{
		"TrainBegin 0/0", "ValidationEnd 0/0", "EpochEnd 0/0",
		"EpochBegin 0/0", "BatchEnd 0/1", "BatchEnd 0/2", "ValidationEnd 1/2", "EpochEnd 1/2",
		"EpochBegin 1/2", "ValidationEnd 2/7", "EpochEnd 2/7",
		"EpochBegin 2/7", "BatchEnd 2/8", "BatchEnd 2/9", "ValidationEnd 3/9", "EpochEnd 3/9",
		"TrainEnd 3/9",
	})
	wantEqual(t, "epochs measured", measured, []int{3})
}

// A session may have begun before the loop. Without a context no epoch is trained.
func TestEpochsAfterBegin(t *testing.T) {
	ctx := context.Background()
	for _, begun := range []bool{false, true} {
		for _, given := range []context.Context{ctx, nil} {
			session := newSession(t, trainer.SessionSettings{Epochs: 3})
			if begun {
				if err := session.Begin(ctx); err != nil {
					t.Fatal(err)
				}
			}
			trained := 0
			for range session.Epochs(given) {
				trained++
			}
			if err := session.Err(); given == nil {
				wantError(t, err, "trainer: Begin with a nil context; want context.Background(), or one that can be cancelled")
			} else if err != nil || trained != 3 {
				t.Errorf("begun: %v: %d epochs, error %v", begun, trained, err)
			}
		}
	}
}

// Epochs ends by a stop, by the loop's own break, by an error and by a cancelled
// context; the last epoch is measured unless it failed.
func TestEpochsEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, test := range []struct {
		name     string
		epochs   int
		hook     *probe
		body     func(*trainer.Session, int) (leave bool)
		last     int
		by       string
		measured []int
		err      string
	}{
		{"a stop", 100, stopAfter(4), nil, 4, "stopper", []int{4}, ""},
		{"a stop before training", 100, stopAfter(0), nil, 0, "stopper", []int{0}, ""},
		{"a break", 100, nil, func(_ *trainer.Session, epoch int) bool { return epoch == 3 }, 3, "loop", []int{3}, ""},
		{"a break, number not known", 0, nil, func(_ *trainer.Session, epoch int) bool { return epoch == 3 }, 3, "loop", []int{3}, ""},
		{"an error that nobody reads", 100, nil, func(s *trainer.Session, epoch int) bool {
			_ = s.BatchEnd(ctx, epoch, 1/float64(max(3-epoch, 0)))
			return false
		}, 2, "", nil, "trainer: step 3: the loss of the mini-batch is +Inf: not finite"},
		{"another", 100, nil, func(s *trainer.Session, epoch int) bool {
			_ = s.BatchEnd(ctx, epoch, math.Inf(-1))
			return false
		}, 0, "", nil, "trainer: step 1: the loss of the mini-batch is -Inf: not finite"},
		{"a cancelled context", 100, nil, func(_ *trainer.Session, epoch int) bool {
			if epoch == 5 {
				cancel()
			}
			return false
		}, 5, "", nil, "context canceled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var measured []int
			var events []string
			hooks := []trainer.Hook{final(&measured), logging("h", trainer.Save, &events)}
			if test.hook != nil {
				hooks = append(hooks, test.hook)
			}
			session := newSession(t, trainer.SessionSettings{Epochs: test.epochs}, hooks...)
			for epoch := range session.Epochs(ctx) {
				if test.body != nil && test.body(session, epoch) {
					break
				}
			}
			last := "TrainEnd"
			if test.err == "" && session.Err() != nil || test.err != "" && (session.Err() == nil || !strings.Contains(session.Err().Error(), test.err)) {
				t.Errorf("error %v; want %q", session.Err(), test.err)
			}
			if test.err != "" {
				last = "Interrupted"
			}
			stop, _ := session.Stopped()
			if s := session.State(); s.Epoch != test.last || stop.By != test.by {
				t.Errorf("ended at epoch %d by %q; want %d, %q", s.Epoch, stop.By, test.last, test.by)
			}
			wantEqual(t, "epochs measured", measured, test.measured)
			if have := events[len(events)-1]; !strings.HasPrefix(have, last) {
				t.Errorf("the last event is %s; want %s", have, last)
			}
		})
	}
}

// Where the loop did not tell its last epoch, End measures it and records it
// again.
func TestEndMeasuresTheLastEpoch(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		epochs int
		by     string
	}{{0, ""}, {100, "loop"}} {
		var measured []int
		var rows []string
		table := &probe{name: "table", phase: trainer.Record, on: func(_ context.Context, e string, s *trainer.State) error {
			if value, fresh := s.Fresh("final/epoch"); e == "EpochEnd" {
				rows = append(rows, fmt.Sprint(s.Epoch, value, fresh))
			}
			return nil
		}}
		var events []string
		session := newSession(t, trainer.SessionSettings{Epochs: test.epochs}, final(&measured), table, logging("save", trainer.Save, &events))
		err := errors.Join(session.Begin(ctx), session.EpochEnd(ctx, 1, 1), session.EpochEnd(ctx, 2, 2), session.End(ctx))
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "epochs measured", measured, []int{2})
		wantEqual(t, "rows", rows, []string{"0 0 false", "1 0 false", "2 0 false", "2 2 true"})
		if stop, _ := session.Stopped(); stop.By != test.by {
			t.Errorf("stop %+v; want one by %q", stop, test.by)
		}
	}
}

// If the measurement of the last epoch fails, End may be called again.
func TestEndAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var measured []int
	session := newSession(t, trainer.SessionSettings{Epochs: 9, Evaluate: trainer.Schedule{At: []int{0}}}, final(&measured))
	if err := errors.Join(session.Begin(ctx), session.EpochEnd(ctx, 1, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	wantError(t, session.End(ctx), "context canceled")
	if len(measured) > 0 {
		t.Errorf("measured %v", measured)
	}
	if err := session.End(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "epochs measured", measured, []int{1})
}

// A failed end of an epoch may be repeated, and goes on with what failed.
func TestEpochEndAgain(t *testing.T) {
	ctx := context.Background()
	var events []string
	fail := errors.New("disk full")
	session := newSession(t, trainer.SessionSettings{}, logging("first", trainer.Measure, &events),
		&probe{name: "disk", phase: trainer.Save, on: func(_ context.Context, e string, s *trainer.State) error {
			if e == "EpochEnd" && s.Epoch == 1 {
				return fail
			}
			return nil
		}})
	if err := session.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	work := session.State().Work()
	wantError(t, session.EpochEnd(ctx, 1, 1), "hook disk: disk full")
	once := session.State().Work()
	fail = nil
	if err := session.EpochEnd(ctx, 1, 1); err != nil {
		t.Fatal(err)
	}
	if again := session.State().Work(); again != once || once <= work {
		t.Errorf("work %g, after the error %g, after the repetition %g", work, once, again)
	}
	wantEqual(t, "events", events, []string{"TrainBegin 0/0", "ValidationEnd 0/0", "EpochEnd 0/0", "ValidationEnd 1/1", "EpochEnd 1/1"})
	if err := session.EpochEnd(ctx, 1, 1); err == nil {
		t.Error("no error for an epoch that has ended twice")
	}
}

func TestOwnMetrics(t *testing.T) {
	ctx := context.Background()
	read := make(map[int][]string)
	reader := &probe{name: "reader", phase: trainer.Decide, on: func(_ context.Context, e string, s *trainer.State) error {
		if e != "EpochEnd" {
			return nil
		}
		for _, name := range []string{"own/declared", "own/first"} {
			value, fresh := s.Fresh(name)
			read[s.Epoch] = append(read[s.Epoch], fmt.Sprint(value, fresh))
		}
		return nil
	}}
	session := newSession(t, trainer.SessionSettings{Epochs: 3}, reader)
	declared := trainer.Metric{Name: "own/declared", Unit: "s", Better: trainer.Lower, Meaning: "a time"}
	if err := errors.Join(session.Declare(declared), session.Record("own/first", 0.5)); err != nil {
		t.Fatal(err)
	}
	for epoch := range session.Epochs(ctx) {
		if epoch != 2 {
			if err := errors.Join(session.Record("own/declared", 99), session.Record("own/declared", float64(epoch))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	// A value belongs to the epoch that was under way, and to no other.
	wantEqual(t, "readings", read, map[int][]string{
		0: {"0 false", "0.5 true"}, 1: {"1 true", "0.5 false"}, 2: {"1 false", "0.5 false"}, 3: {"3 true", "0.5 false"},
	})
	if m, err := session.State().Metric("own/declared"); err != nil || m != declared {
		t.Errorf("metric %+v, error %v", m, err)
	}
}

func TestOwnMetricsRefuse(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name string
		call func(*trainer.Session) error
		want string
	}{
		{"NaN", func(s *trainer.Session) error { return s.Record("a", math.NaN()) }, `trainer: metric "a" is NaN: not finite`},
		{"infinite", func(s *trainer.Session) error { return s.Record("a", math.Inf(-1)) }, `trainer: metric "a" is -Inf: not finite`},
		{"no name", func(s *trainer.Session) error { return s.Record("", 1) }, "trainer: a metric without a name"},
		{
			"not declared", func(s *trainer.Session) error { return errors.Join(s.Begin(ctx), s.Record("a", 1)) },
			`trainer: Record of "a", which is no metric of yours; call Declare(trainer.Metric{Name: "a"}) before the loop begins`,
		},
		{
			"of the session", func(s *trainer.Session) error { return errors.Join(s.Begin(ctx), s.Record("train/loss", 1)) },
			`trainer: Record of "train/loss", which is no metric of yours; call Declare(trainer.Metric{Name: "train/loss"}) before the loop begins`,
		},
		{"declared by the session", func(s *trainer.Session) error { return s.Record("train/loss", 1) }, `trainer: metric "train/loss" is declared twice`},
		{
			"declared late", func(s *trainer.Session) error { return errors.Join(s.Begin(ctx), s.Declare(trainer.Metric{Name: "a"})) },
			"trainer: Declare after Begin; hooks must know all metrics when training begins: call it before",
		},
		{"of no epoch", func(s *trainer.Session) error {
			return errors.Join(s.Declare(trainer.Metric{Name: "a"}), s.Begin(ctx), s.EpochEnd(ctx, 1, 1), s.Record("a", 1), s.End(ctx))
		}, `trainer: End after Record of "a", which belongs to no epoch; call Record before EpochEnd`},
		{"rate", func(s *trainer.Session) error { return s.SetRate(math.NaN()) }, "trainer: the learning rate is NaN; want a finite number, 0 or more"},
		{"negative rate", func(s *trainer.Session) error { return s.SetRate(-1) }, "trainer: the learning rate is -1; want a finite number, 0 or more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			session := newSession(t, trainer.SessionSettings{})
			err := test.call(session)
			wantError(t, err, test.want)
			// Epochs does not begin after an error that nobody read.
			for range session.Epochs(ctx) {
				t.Fatal("trained after an error")
			}
			if session.Err() == nil {
				t.Error("no error in Err")
			}
		})
	}
}

func TestSetRate(t *testing.T) {
	ctx := context.Background()
	var rates []float64
	session := newSession(t, trainer.SessionSettings{Epochs: 2}, &probe{name: "h", on: func(_ context.Context, e string, s *trainer.State) error {
		if e == "EpochEnd" {
			rates = append(rates, s.LearningRate)
		}
		return nil
	}})
	for epoch := range session.Epochs(ctx) {
		if err := session.SetRate(0.1 / float64(epoch)); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, "rates", rates, []float64{0, 0.1, 0.05})
}

func TestNewSessionRefuses(t *testing.T) {
	data := load(t, "intro1D")
	model := newMLP(t, data, tensor.Float64, 3)
	wrongLabel := &datasets.Dataset{Shape: data.Shape, Classes: data.Classes, Splits: []datasets.Split{{Name: "train", X: []float64{1}, Labels: []int{-1}, Index: []int{0}}}}
	for _, test := range []struct {
		model models.Model
		data  *datasets.Dataset
		s     trainer.SessionSettings
		hooks []trainer.Hook
		want  string
	}{
		{nil, data, trainer.SessionSettings{}, nil, "trainer: the model is nil; want one of models.FromNodes, models.NewMLP or your own"},
		{(*models.MLP)(nil), data, trainer.SessionSettings{}, nil, "trainer: the model is nil; want one of models.FromNodes, models.NewMLP or your own"},
		{model, nil, trainer.SessionSettings{}, nil, "trainer: there are no data; want those of datasets.FromTensors, FromSlices or Load"},
		{model, &datasets.Dataset{}, trainer.SessionSettings{}, nil, "trainer: there are no data; want those of datasets.FromTensors, FromSlices or Load"},
		{model, wrongLabel, trainer.SessionSettings{}, nil, `trainer: row 0 of split "train" has the label -1; the model has 2 classes: want 0 to 1`},
		{model, data, trainer.SessionSettings{Epochs: -1}, nil, "trainer: Epochs is -1; want 0, if the number is not known, or more"},
		{model, data, trainer.SessionSettings{}, []trainer.Hook{&probe{name: "h"}, nil}, "trainer: hook 2 of 2 is nil (<nil>); leave it out"},
		{model, data, trainer.SessionSettings{}, []trainer.Hook{(*probe)(nil)}, "trainer: hook 1 of 1 is nil (*trainer_test.probe); leave it out"},
	} {
		_, err := trainer.NewSession(test.model, test.data, test.s, test.hooks...)
		wantError(t, err, test.want)
		if test.s.Epochs == 0 && test.data != wrongLabel { // a Trainer refuses the same
			_, err := trainer.New(trainer.Config{Rate: trainer.Rate{Base: 0.1}}, test.model, test.data, test.hooks...)
			wantError(t, err, test.want)
		}
	}
}

// remembering is a hook with a state, as those are that measure.
type remembering struct{ probe }

func (*remembering) Reset() {}

// A hook that serves two runs at a time is an error of the run that had it first.
func TestHookOfTwoSessions(t *testing.T) {
	ctx := context.Background()
	hook := &remembering{probe{name: "spectrum"}}
	const want = "trainer: hook spectrum was handed to another session or trainer after this one; give each run hooks of its own, or create the second when the first has ended"
	first := newSession(t, trainer.SessionSettings{}, hook)
	if err := errors.Join(first.Begin(ctx), first.EpochEnd(ctx, 1, 1)); err != nil {
		t.Fatal(err)
	}
	second := newSession(t, trainer.SessionSettings{}, hook)
	wantError(t, first.EpochEnd(ctx, 2, 2), want)
	if err := errors.Join(second.Begin(ctx), second.End(ctx)); err != nil {
		t.Fatal(err)
	}
	wantError(t, first.EpochEnd(ctx, 3, 3), want)
	third := newSession(t, trainer.SessionSettings{}, hook)
	fourth := newSession(t, trainer.SessionSettings{}, hook)
	wantError(t, third.Begin(ctx), want)
	if err := errors.Join(fourth.Begin(ctx), fourth.End(ctx)); err != nil {
		t.Fatal(err)
	}
}

// Nothing is called on a session that could not be made, and nothing panics.
func TestNoSession(t *testing.T) {
	ctx := context.Background()
	for _, s := range []*trainer.Session{nil, new(trainer.Session)} {
		for range s.Epochs(ctx) {
			t.Fatal("trained without a session")
		}
		for call, err := range map[string]error{
			"Begin": s.Begin(ctx), "BatchEnd of step 1": s.BatchEnd(ctx, 1, 1), "EpochEnd of epoch 1": s.EpochEnd(ctx, 1, 1), "End": s.End(ctx),
			"Err": s.Err(), "SetRate": s.SetRate(1), "Declare": s.Declare(), `Record of "a"`: s.Record("a", 1), "Restore": s.Restore(nil), "Interrupted": s.Interrupted(ctx, nil),
		} {
			wantError(t, err, "trainer: "+call+" of a session that NewSession has not made; look at the error that it returned")
		}
	}
}

func TestNilContext(t *testing.T) {
	var ctx context.Context
	session := newSession(t, trainer.SessionSettings{})
	for call, err := range map[string]error{
		"Begin": session.Begin(ctx), "BatchEnd of step 1": session.BatchEnd(ctx, 1, 1), "EpochEnd of epoch 1": session.EpochEnd(ctx, 1, 1),
		"End": session.End(ctx), "Interrupted": session.Interrupted(ctx, nil),
	} {
		wantError(t, err, "trainer: "+call+" with a nil context; want context.Background(), or one that can be cancelled")
	}
	session = newSession(t, trainer.SessionSettings{})
	for range session.Epochs(ctx) {
		t.Fatal("trained without a context")
	}
	wantError(t, session.Err(), "trainer: Begin with a nil context; want context.Background(), or one that can be cancelled")
}

// The body of a loop over Epochs may end the session by an error of its own.
func TestInterruptedWithinEpochs(t *testing.T) {
	ctx := context.Background()
	var events []string
	session := newSession(t, trainer.SessionSettings{Epochs: 9}, logging("h", trainer.Measure, &events))
	broken := errors.New("the machine broke")
	for range session.Epochs(ctx) {
		wantError(t, session.Interrupted(ctx, broken), "the machine broke")
		break
	}
	wantEqual(t, "events", events, []string{"TrainBegin 0/0", "ValidationEnd 0/0", "EpochEnd 0/0", "EpochBegin 0/0", "Interrupted 0/0"})
	wantError(t, session.Interrupted(ctx, nil), "trainer: Interrupted without an error; End ends a session that was not interrupted")
}
