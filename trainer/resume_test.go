package trainer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// tally is a Measure hook with a state: it counts events and sums losses, and
// records both.
type tally struct {
	name           string
	Epochs, Events int
	Sum            float64
}

func (h *tally) Name() string { return h.name }

func (h *tally) Metrics() []trainer.Metric {
	return []trainer.Metric{{Name: h.name + "/sum"}, {Name: h.name + "/events"}, {Name: h.name + "/batch_loss"}}
}

func (h *tally) EpochBegin(context.Context, *trainer.State) error {
	h.Epochs++
	return nil
}

func (h *tally) BatchEnd(_ context.Context, s *trainer.State) error {
	h.Events++
	h.Sum += s.BatchLoss
	return nil
}

func (h *tally) EpochEnd(ctx context.Context, s *trainer.State) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h.Events++
	return errors.Join(
		s.Record(h.name+"/sum", h.Sum),
		s.Record(h.name+"/events", float64(100*h.Epochs+h.Events)),
		s.Record(h.name+"/batch_loss", s.BatchLoss),
	)
}

func (h *tally) Snapshot() ([]byte, error)  { return json.Marshal(h) }
func (h *tally) Restore(state []byte) error { return json.Unmarshal(state, h) }

// ledger is a Record hook that writes the fresh metrics of each epoch to lines
// that outlive the trainer, as a file would.
type ledger struct{ lines *[]string }

func (h *ledger) Name() string         { return "ledger" }
func (h *ledger) Phase() trainer.Phase { return trainer.Record }

func (h *ledger) EpochEnd(ctx context.Context, s *trainer.State) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	line := fmt.Sprintf("epoch %d, step %d, rate %v:", s.Epoch, s.Step, s.LearningRate)
	for _, m := range s.Metrics() {
		if v, ok := s.Fresh(m.Name); ok {
			line += fmt.Sprintf(" %s %v", m.Name, v)
		}
	}
	*h.lines = append(*h.lines, line)
	return nil
}

func (h *ledger) Snapshot() ([]byte, error) { return json.Marshal(len(*h.lines)) }

func (h *ledger) Restore(state []byte) error {
	var n int
	err := json.Unmarshal(state, &n)
	*h.lines = (*h.lines)[:n]
	return err
}

// saver writes a checkpoint when the run is interrupted.
type saver struct{ path string }

func (h *saver) Name() string         { return "saver" }
func (h *saver) Phase() trainer.Phase { return trainer.Save }

func (h *saver) Interrupted(_ context.Context, s *trainer.State, _ error) error {
	c, err := s.Checkpoint()
	if err != nil {
		return err
	}
	return c.Write(h.path)
}

// A journey is a run with interruptions. Its parts are called legs.
type journey struct {
	config trainer.Config
	data   *datasets.Dataset
	path   string // of the checkpoint
	lines  []string
	events []string // of the last leg, in order: its points
}

// trainer returns a trainer whose hooks have states, with one cutter per phase,
// a hook that may interrupt the run. If the run is to resume, the trainer is
// restored from the checkpoint.
func (j *journey) trainer(t *testing.T, resume bool, cut func(context.Context, string, *trainer.State) error) *trainer.Trainer {
	t.Helper()
	hooks := []trainer.Hook{&tally{name: "before"}}
	for i, phase := range []trainer.Phase{trainer.Measure, trainer.Decide, trainer.Record, trainer.Save} {
		hooks = append(hooks, &probe{name: fmt.Sprint("cut", i), phase: phase, on: cut})
	}
	hooks = append(hooks, &tally{name: "behind"}, &ledger{&j.lines}, &saver{j.path})
	tr := newTrainer(t, j.config, newMLP(t, j.data, tensor.Float64, 3), j.data, hooks...)
	if !resume {
		return tr
	}
	c, err := trainer.ReadCheckpoint(j.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Restore(c); err != nil {
		t.Fatal(err)
	}
	return tr
}

// leg starts from the checkpoint, if there is one, and continues until the cutters
// have seen point events. Then it cancels the run; if fail is set, the hook also
// returns an error. It returns the end of the run, or nil if it was interrupted.
func (j *journey) leg(t *testing.T, resume bool, point int, fail bool) *trainer.Checkpoint {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	passed := 0
	j.events = nil
	cut := func(ctx context.Context, event string, _ *trainer.State) error {
		if event == "Interrupted" {
			return nil
		}
		j.events = append(j.events, event)
		if passed++; passed != point {
			return nil
		}
		cancel()
		if fail {
			return ctx.Err()
		}
		return nil
	}
	tr := j.trainer(t, resume, cut)
	stop, err := tr.Run(ctx)
	switch {
	case errors.Is(err, context.Canceled) && stop.Reason == trainer.Cancelled:
		return nil
	case err != nil:
		t.Fatal(err)
	}
	c, err := tr.State().Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	c.Progress.Elapsed = 0
	return c
}

// resumable is a small run: epochs of 4 batches, the last of which is smaller.
func resumable(t *testing.T, o trainer.OptimizerConfig) *journey {
	return &journey{
		config: trainer.Config{
			Epochs: 3, BatchSize: 40, Seed: 7, Optimizer: o, ClipNorm: 0.5,
			Rate:     trainer.Rate{Base: 0.05, Schedule: "cosine", Warmup: 1},
			Evaluate: trainer.Schedule{Every: 2},
		},
		data: load(t, "gauss"),
		path: filepath.Join(t.TempDir(), "checkpoint.npz"),
	}
}

var optimizers = []trainer.OptimizerConfig{
	{Name: "adam"},
	{Name: "sgd"},
	{Name: "sgd", Momentum: 0.9},
	{Name: "sgd", Momentum: 0.9, Nesterov: true, WeightDecay: 0.01},
	{Name: "adamw", WeightDecay: 0.01},
	{Name: "rmsprop"},
	{Name: "rmsprop", Momentum: 0.5},
}

func TestResumedRunEndsAsIfNeverInterrupted(t *testing.T) {
	for i, o := range optimizers {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			whole := resumable(t, o)
			want := whole.leg(t, false, 0, false)
			points := whole.events
			stride := 1
			if i > 0 {
				stride = 7 // no divisor of the events of a batch, a stage or an epoch
			}
			for point := 1 + i; point <= len(points); point += stride {
				for _, fail := range []bool{false, true} {
					event := points[point-1]
					if fail && (event == "EpochBegin" || event == "BatchEnd" || event == "TrainEnd") {
						continue // repeated for all hooks or for none, which tally counts
					}
					j := resumable(t, o)
					got := j.leg(t, false, point, fail)
					if got == nil {
						got = j.leg(t, true, 0, false)
					}
					compareRuns(t, fmt.Sprintf("point %d, %s, fails: %v", point, event, fail), j, got, whole, want)
				}
			}
		})
	}
}

func compareRuns(t *testing.T, what string, j *journey, got *trainer.Checkpoint, whole *journey, want *trainer.Checkpoint) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: end of run (-want +got):\n%s", what, diff)
	}
	if diff := cmp.Diff(whole.lines, j.lines); diff != "" {
		t.Errorf("%s: metrics (-want +got):\n%s", what, diff)
	}
}

func TestRunInterruptedOverAndOver(t *testing.T) {
	for _, o := range optimizers[:2] {
		whole := resumable(t, o)
		want := whole.leg(t, false, 0, false)
		for every := 5; every <= 41; every += 4 {
			j := resumable(t, o)
			got := j.leg(t, false, every, false)
			legs := 1
			for ; got == nil && legs < 100; legs++ {
				got = j.leg(t, true, every, false)
			}
			if legs < 2 {
				t.Fatalf("every %d events: never interrupted", every)
			}
			compareRuns(t, fmt.Sprintf("every %d events", every), j, got, whole, want)
		}
	}
}

// The context is cancelled while the splits are evaluated, where no hook can
// cancel it.
func TestResumeAfterCancelledEvaluation(t *testing.T) {
	o := trainer.OptimizerConfig{Name: "adam"}
	whole := resumable(t, o)
	want := whole.leg(t, false, 0, false)
	// Evaluation and batches check the context; cancel it at each check in turn.
	for n := 1; ; n++ {
		j := resumable(t, o)
		j.config.Workers = 1 // asks in order
		_, err := j.trainer(t, false, nil).Run(&expiring{context.Background(), n})
		if err == nil {
			if n < 20 {
				t.Fatalf("the context was asked only %d times", n)
			}
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		compareRuns(t, fmt.Sprintf("question %d", n), j, j.leg(t, true, 0, false), whole, want)
	}
}

// expiring is a context that is cancelled after its error was read a number of
// times.
type expiring struct {
	context.Context
	left int
}

func (c *expiring) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// In a checkpoint that is saved when training ends, or by the last hooks, the last
// epoch is complete: a run that is resumed from it only ends training.
func TestResumeAfterTheEnd(t *testing.T) {
	data := load(t, "gauss")
	c := trainer.Config{Epochs: 2, BatchSize: 40, Rate: trainer.Rate{Base: 0.1}}
	var events []string
	var inTrainEnd *trainer.Checkpoint
	hook := &probe{name: "h", on: func(_ context.Context, e string, s *trainer.State) (err error) {
		events = append(events, e)
		if e == "TrainEnd" {
			inTrainEnd, err = s.Checkpoint()
		}
		return err
	}}
	m := newMLP(t, data, tensor.Float64, 3)
	behind, err := train(t, c, m, data, hook).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for _, saved := range []*trainer.Checkpoint{inTrainEnd, behind} {
		events = nil
		again := newMLP(t, data, tensor.Float64, 3)
		tr := newTrainer(t, c, again, data, hook)
		if err := tr.Restore(saved); err != nil {
			t.Fatal(err)
		}
		if stop, err := tr.Run(context.Background()); err != nil || stop.Reason != trainer.Completed {
			t.Errorf("stop %+v, error %v", stop, err)
		}
		wantEqual(t, "events", events, []string{"TrainBegin", "TrainEnd"})
		wantSame(t, "parameters", flat(again), flat(m))
	}
}

func TestResumeKeepsARequestedStop(t *testing.T) {
	data := load(t, "gauss")
	path := filepath.Join(t.TempDir(), "checkpoint.npz")
	c := trainer.Config{Epochs: 9, Rate: trainer.Rate{Base: 0.1}}
	want := trainer.Stop{Reason: trainer.Requested, By: "decide", Detail: "seen enough"}
	var calls []string
	run := func(resume bool) (trainer.Stop, error) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		hooks := []trainer.Hook{
			&probe{name: "measure", on: func(ctx context.Context, e string, s *trainer.State) error {
				if _, stopped := s.Stopped(); e != "EpochEnd" || !stopped {
					return nil
				}
				if !resume {
					cancel()
					return ctx.Err()
				}
				calls = append(calls, fmt.Sprint("measure ", s.Epoch, s.Final()))
				return nil
			}},
			&probe{name: "decide", phase: trainer.Decide, on: func(_ context.Context, e string, s *trainer.State) error {
				if e == "EpochEnd" && s.Epoch == 2 {
					calls = append(calls, "decide")
					s.RequestStop(want)
				}
				return nil
			}},
			&saver{path},
		}
		tr := newTrainer(t, c, newMLP(t, data, tensor.Float64, 3), data, hooks...)
		if resume {
			saved, err := trainer.ReadCheckpoint(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Restore(saved); err != nil {
				t.Fatal(err)
			}
		}
		return tr.Run(ctx)
	}
	if stop, err := run(false); stop.Reason != trainer.Cancelled {
		t.Fatalf("stop %+v, error %v", stop, err)
	}
	if stop, err := run(true); err != nil || stop != want {
		t.Errorf("stop %+v, error %v", stop, err)
	}
	if got := strings.Join(calls, ", "); got != "decide, measure 2 true" {
		t.Errorf("calls: %s", got)
	}
}
