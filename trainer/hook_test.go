package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// journals returns one hook for each phase, given in the wrong order, that
// write every event to a log.
func journals(log *[]string) []trainer.Hook {
	write := func(name string) func(context.Context, string, *trainer.State) error {
		return func(_ context.Context, event string, s *trainer.State) error {
			*log = append(*log, fmt.Sprintf("%s %s %d/%d", event, name, s.Epoch, s.Step))
			return nil
		}
	}
	var hooks []trainer.Hook
	for _, h := range []struct {
		name  string
		phase trainer.Phase
	}{{"save", trainer.Save}, {"record", trainer.Record}, {"decide", trainer.Decide}, {"first", trainer.Measure}, {"second", trainer.Measure}} {
		hooks = append(hooks, &probe{name: h.name, phase: h.phase, on: write(h.name)})
	}
	return hooks
}

func TestOrderOfEvents(t *testing.T) {
	// all returns the log of an event of all hooks, in the order of their phases.
	all := func(event, at string) []string {
		var lines []string
		for _, name := range []string{"first", "second", "decide", "record", "save"} {
			lines = append(lines, event+" "+name+" "+at)
		}
		return lines
	}
	untrained := slices.Concat(all("TrainBegin", "0/0"), all("ValidationEnd", "0/0"), all("EpochEnd", "0/0"))
	begun := slices.Concat(untrained, all("EpochBegin", "0/0"), all("BatchEnd", "0/1"))
	first := slices.Concat(begun, all("BatchEnd", "0/2"), all("ValidationEnd", "1/2"))

	for _, test := range []struct {
		name string
		// act is what the first Decide hook does with an event.
		act  func(event string, s *trainer.State, cancel func()) error
		want []string
	}{
		{"completed", nil, slices.Concat(first, all("EpochEnd", "1/2"),
			all("EpochBegin", "1/2"), all("BatchEnd", "1/3"), all("BatchEnd", "1/4"),
			all("ValidationEnd", "2/4"), all("EpochEnd", "2/4"), all("TrainEnd", "2/4"))},
		{"stopped by a Decide hook", func(event string, s *trainer.State, _ func()) error {
			if event == "EpochEnd" && s.Epoch == 1 {
				s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "decide"})
			}
			return nil
		}, slices.Concat(first, all("EpochEnd", "1/2")[:3], // measure, decide
			all("EpochEnd", "1/2")[:2], // measure again
			all("EpochEnd", "1/2")[3:], // record, save
			all("TrainEnd", "1/2"))},
		{"failed in a batch", func(event string, s *trainer.State, _ func()) error {
			if event == "BatchEnd" && s.Step == 2 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}, slices.Concat(begun, all("BatchEnd", "0/2")[:3], all("Interrupted", "0/2"))},
		{"cancelled in a batch", func(event string, s *trainer.State, cancel func()) error {
			if event == "BatchEnd" && s.Step == 1 {
				cancel()
			}
			return nil
		}, slices.Concat(begun, all("Interrupted", "0/1"))},
		{"cancelled at the end of an epoch", func(event string, s *trainer.State, cancel func()) error {
			if event == "EpochEnd" && s.Epoch == 0 {
				cancel()
			}
			return nil
		}, slices.Concat(untrained, all("Interrupted", "0/0"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var log []string
			hooks := journals(&log)
			if test.act != nil {
				decide := hooks[2].(*probe)
				write := decide.on
				decide.on = func(ctx context.Context, event string, s *trainer.State) error {
					return errors.Join(write(ctx, event, s), test.act(event, s, cancel))
				}
			}
			data := load(t, "gauss")
			c := trainer.Config{Epochs: 2, BatchSize: 75, Rate: trainer.Rate{Base: 0.1}}
			tr := newTrainer(t, c, newMLP(t, data, tensor.Float64, 4), data, hooks...)
			_, _ = tr.Run(ctx) // the events tell how it ended
			if diff := cmp.Diff(test.want, log); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsOfHooksNameThem(t *testing.T) {
	data := load(t, "gauss")
	for _, event := range []string{"TrainBegin", "EpochBegin", "BatchEnd", "ValidationEnd", "EpochEnd", "TrainEnd"} {
		var interrupted int
		h := &probe{name: "faulty", on: func(_ context.Context, e string, _ *trainer.State) error {
			switch e {
			case event:
				return io.ErrUnexpectedEOF
			case "Interrupted":
				interrupted++
			}
			return nil
		}}
		tr := newTrainer(t, trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}, newMLP(t, data, tensor.Float64, 4), data, h)
		stop, err := tr.Run(context.Background())
		wantError(t, err, "hook faulty: unexpected EOF")
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v does not wrap the hook's error", event, err)
		}
		if stop.Reason != trainer.Failed || stop.Detail != "hook faulty: unexpected EOF" {
			t.Errorf("%s: stop %+v", event, stop)
		}
		if interrupted != 1 {
			t.Errorf("%s: Interrupted %d times", event, interrupted)
		}
	}
}

// Every hook is told of an interrupt, with a context that is not cancelled, and
// its error is returned.
func TestInterruptedReachesAll(t *testing.T) {
	data := load(t, "gauss")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var heard []string
	hook := func(name string) *probe {
		return &probe{name: name, on: func(ctx context.Context, e string, _ *trainer.State) error {
			if e != "Interrupted" {
				return nil
			}
			heard = append(heard, name)
			if ctx.Err() != nil {
				t.Error("the context of Interrupted is cancelled")
			}
			return fmt.Errorf("%s failed", name)
		}}
	}
	tr := newTrainer(t, trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}, newMLP(t, data, tensor.Float64, 4), data, hook("a"), hook("b"))
	_, err := tr.Run(ctx)
	if fmt.Sprint(heard) != "[a b]" {
		t.Errorf("heard by %v", heard)
	}
	if !errors.Is(err, context.Canceled) || !strings.HasSuffix(err.Error(), "context canceled\nhook a: a failed\nhook b: b failed") {
		t.Errorf("error %v", err)
	}
}

func TestHookNamesAreUnique(t *testing.T) {
	data := load(t, "gauss")
	_, err := trainer.New(trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}, newMLP(t, data, tensor.Float64, 4), data,
		&probe{name: "margin"}, &probe{name: "margin", phase: trainer.Save})
	wantError(t, err, `trainer: two hooks are named "margin"; hooks need names of their own`)
}

func TestStopReasons(t *testing.T) {
	data := load(t, "gauss")
	want := trainer.Stop{Reason: trainer.Requested, By: "patience", Detail: "no progress"}
	for _, event := range []string{"TrainBegin", "EpochBegin", "BatchEnd", "ValidationEnd", "EpochEnd"} {
		h := &probe{name: "patience", phase: trainer.Decide, on: func(_ context.Context, e string, s *trainer.State) error {
			if e == event && (s.Epoch == 1 || e == "TrainBegin") {
				s.RequestStop(want)
			}
			return nil
		}}
		tr := newTrainer(t, trainer.Config{Epochs: 9, Rate: trainer.Rate{Base: 0.1}}, newMLP(t, data, tensor.Float64, 4), data, h)
		stop, err := tr.Run(context.Background())
		if err != nil || stop != want {
			t.Errorf("%s: stop %+v, error %v", event, stop, err)
		}
		// A stop that is requested during an epoch takes effect at its end.
		ends := map[string]int{"TrainBegin": 0, "EpochBegin": 2, "BatchEnd": 2, "ValidationEnd": 1, "EpochEnd": 1}
		if got := tr.State().Epoch; got != ends[event] {
			t.Errorf("%s: stopped after epoch %d, want %d", event, got, ends[event])
		}
	}
}

// If a Decide hook makes an epoch the last that the schedule leaves out, it is
// evaluated after the decision, before the second measurement.
func TestStopEvaluatesTheLastEpoch(t *testing.T) {
	data := load(t, "gauss")
	var evaluated, fresh []string
	watch := &probe{name: "watch", on: func(_ context.Context, e string, s *trainer.State) error {
		switch e {
		case "ValidationEnd":
			evaluated = append(evaluated, fmt.Sprint(s.Epoch))
		case "EpochEnd":
			_, ok := s.Fresh("train/loss")
			fresh = append(fresh, fmt.Sprint(s.Epoch, ok))
		}
		return nil
	}}
	stop := &probe{name: "stop", phase: trainer.Decide, on: func(_ context.Context, e string, s *trainer.State) error {
		if e == "EpochEnd" && s.Epoch == 3 {
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "stop"})
		}
		return nil
	}}
	tr := newTrainer(t, trainer.Config{Epochs: 9, Rate: trainer.Rate{Base: 0.1}, Evaluate: trainer.Schedule{Every: 2}},
		newMLP(t, data, tensor.Float64, 4), data, watch, stop)
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(evaluated, ", "); got != "0, 2, 3" {
		t.Errorf("evaluated at %s", got)
	}
	if got, want := strings.Join(fresh, ", "), "0 true, 1 false, 2 true, 3 false, 3 true"; got != want {
		t.Errorf("loss fresh: %s, want %s", got, want)
	}
}

// The final parameters are the same, bit for bit, whatever the hooks read.
func TestHooksDoNotChangeTraining(t *testing.T) {
	data := load(t, "gauss")
	split, err := data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	c := trainer.Config{Epochs: 50, BatchSize: 40, Rate: trainer.Rate{Base: 0.05}, Optimizer: trainer.OptimizerConfig{Name: "adam"}, Seed: 3}
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		alone := newMLP(t, data, precision, 8, 8)
		train(t, c, alone, data)

		watched := newMLP(t, data, precision, 8, 8)
		o, err := models.NewObjective(watched, models.CrossEntropy, split, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		measure := &probe{
			name: "curvature", metrics: []trainer.Metric{{Name: "curvature/norm"}},
			on: func(ctx context.Context, e string, s *trainer.State) error {
				if e != "EpochEnd" {
					return nil
				}
				return curvature(ctx, o, s)
			},
		}
		events := 0
		all := &probe{name: "all", phase: trainer.Record, on: func(context.Context, string, *trainer.State) error {
			events++
			return nil
		}}
		train(t, c, watched, data, measure, all)
		wantSame(t, precision.String(), flat(watched), flat(alone))
		if want := 2 + 51*2 + 50 + 50*4; events != want {
			t.Errorf("%d events, want %d", events, want)
		}
	}
}

// curvature records ‖H·V‖ for two random directions.
func curvature(ctx context.Context, o *models.Objective, s *trainer.State) error {
	if err := o.Refresh(); err != nil {
		return err
	}
	src, dst := mat.NewDense(2, o.Dim(), nil), mat.NewDense(2, o.Dim(), nil)
	rng := trainer.Stream(s.Seed, "curvature", s.Epoch)
	src.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, src)
	if err := o.HessianProducts(ctx, dst, src); err != nil {
		return err
	}
	return s.Record("curvature/norm", mat.Norm(dst, 2))
}

func TestMetrics(t *testing.T) {
	data := load(t, "gauss")
	var errs []error
	h := &probe{
		name: "h", metrics: []trainer.Metric{{Name: "hessian/top", Unit: "1", Meaning: "largest eigenvalue", Better: trainer.Lower}},
		on: func(_ context.Context, e string, s *trainer.State) error {
			if e != "EpochEnd" {
				return nil
			}
			switch s.Epoch {
			case 0:
				if _, ok := s.Last("hessian/top"); ok {
					t.Error("a reading before the first")
				}
				return s.Record("hessian/top", 7)
			case 1:
				errs = append(errs, s.Record("hessian/bottom", 1), s.Record("hessian/top", math.NaN()), s.Record("hessian/top", math.Inf(-1)))
			}
			return nil
		},
	}
	s := train(t, trainer.Config{Epochs: 2, Rate: trainer.Rate{Base: 0.1}}, newMLP(t, data, tensor.Float64, 4), data, h)
	wantError(t, errs[0], `trainer: metric "hessian/bottom" was not declared`)
	wantError(t, errs[1], `trainer: metric "hessian/top" is NaN: not finite`)
	wantError(t, errs[2], `trainer: metric "hessian/top" is -Inf: not finite`)
	if !errors.Is(errs[1], models.ErrNotFinite) {
		t.Error("not an ErrNotFinite")
	}
	if r, ok := s.Last("hessian/top"); !ok || r != (trainer.Reading{Value: 7}) {
		t.Errorf("last %+v, %v", r, ok)
	}
	if _, ok := s.Fresh("hessian/top"); ok {
		t.Error("a reading of epoch 0 is fresh at epoch 2")
	}
	if v, ok := s.Fresh("train/learning_rate"); !ok || v != 0.1 {
		t.Errorf("learning rate %v, fresh: %v", v, ok)
	}
	m, err := s.Metric("hessian/top")
	if err != nil || m != h.metrics[0] {
		t.Errorf("metric %+v, error %v", m, err)
	}
	const all = "; want one of hessian/top, test/accuracy, test/loss, train/accuracy, train/loss, validation/accuracy, validation/loss"
	for name, want := range map[string]string{
		"xyz":         all,
		"hesian/top":  `; did you mean "hessian/top"?`,
		"val_loss":    `; did you mean "validation/loss"?`,
		"val/acc":     `; did you mean "validation/accuracy"?`,
		"test/acc":    `; did you mean "test/accuracy"?`,
		"train/error": all,
	} {
		_, err = s.Metric(name)
		wantError(t, err, fmt.Sprintf("trainer: no metric %q%s", name, want))
	}
}

func TestMetricsAreDeclaredOnce(t *testing.T) {
	data := load(t, "gauss")
	c := trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}
	margin := []trainer.Metric{{Name: "margin"}}
	_, err := trainer.New(c, newMLP(t, data, tensor.Float64, 4), data, &probe{name: "a", metrics: margin}, &probe{name: "b", metrics: margin})
	wantError(t, err, `hook b: trainer: metric "margin" is declared twice`)
	_, err = trainer.New(c, newMLP(t, data, tensor.Float64, 4), data, &probe{name: "a", metrics: []trainer.Metric{{Name: "train/loss"}}})
	wantError(t, err, `hook a: trainer: metric "train/loss" is declared twice`)
}

func TestDirection(t *testing.T) {
	for d, want := range map[trainer.Direction]string{trainer.Neither: "neither", trainer.Lower: "lower", trainer.Higher: "higher"} {
		text, err := d.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%d: %s, error %v", int(d), text, err)
		}
		var back trainer.Direction
		if err := back.UnmarshalText(text); err != nil || back != d {
			t.Errorf("%s: %v, error %v", text, back, err)
		}
	}
	var d trainer.Direction
	wantError(t, d.UnmarshalText([]byte("up")), `trainer: direction "up"; want neither, lower or higher`)
}
