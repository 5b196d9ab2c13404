package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// exploding is a learning rate that is good for three epochs and then so large
// that the loss becomes infinite or NaN.
func exploding(batch int) trainer.Config {
	return trainer.Config{
		Epochs: 6, BatchSize: batch, Seed: 2,
		Rate:      trainer.Rate{Base: 0.1, Schedule: "multi_step", Milestones: []int{3}, Gamma: 1e200},
		Optimizer: trainer.OptimizerConfig{Name: "sgd", Momentum: 0.9},
	}
}

func TestNotFiniteLossKeepsTheEpochBefore(t *testing.T) {
	data := load(t, "gauss")
	for _, test := range []struct {
		name      string
		batch     int
		precision tensor.Dtype
		where     string // the loss is found to be not finite
	}{
		{"in a batch", 40, tensor.Float64, "trainer: epoch 4, step 14: "},
		{"in a batch, float32", 40, tensor.Float32, "trainer: epoch 4, step 14: "},
		{"at the end of the epoch", 0, tensor.Float64, `models: the loss of sample 0 of split "train" is NaN`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := exploding(test.batch)
			m := newMLP(t, data, test.precision, 8, 8)
			var interrupted trainer.State
			hook := &probe{name: "h", on: func(_ context.Context, e string, s *trainer.State) error {
				if e == "Interrupted" {
					interrupted = *s
				}
				return nil
			}}
			tr := newTrainer(t, c, m, data, hook)
			stop, err := tr.Run(context.Background())
			if !errors.Is(err, models.ErrNotFinite) || stop.Reason != trainer.NotFinite {
				t.Fatalf("stop %+v, error %v; want one that is not finite", stop, err)
			}
			if !strings.HasPrefix(err.Error(), test.where) || !strings.Contains(err.Error(), "; the model is set back to epoch 3, step ") || !strings.Contains(err.Error(), ": lower the learning rate (1e+199) or clip the gradient") {
				t.Errorf("error %v", err)
			}

			want := newMLP(t, data, test.precision, 8, 8)
			c.Epochs = 3
			s := train(t, c, want, data)
			wantSame(t, "parameters", flat(m), flat(want))
			if interrupted.Epoch != 3 || interrupted.Step != s.Step {
				t.Errorf("hooks are told of epoch %d, step %d; want 3 and %d", interrupted.Epoch, interrupted.Step, s.Step)
			}
			for _, metric := range s.Metrics() {
				got, _ := tr.State().Last(metric.Name)
				if want, _ := s.Last(metric.Name); got != want {
					t.Errorf("%s is %+v, want that of epoch 3, %+v", metric.Name, got, want)
				}
			}
		})
	}
}

// memory is a hook whose state changes with every step and every epoch, and that takes a
// checkpoint at the end of some.
type memory struct {
	Seen       []int // steps, and the negatives of epochs
	saves      int   // epoch of the checkpoint
	saved      *trainer.Checkpoint
	afterwards error // of the checkpoint that Interrupted takes
}

func (*memory) Name() string { return "memory" }

func (m *memory) BatchEnd(_ context.Context, s *trainer.State) error {
	m.Seen = append(m.Seen, s.Step)
	return nil
}

func (m *memory) EpochEnd(_ context.Context, s *trainer.State) (err error) {
	m.Seen = append(m.Seen, -s.Epoch)
	if s.Epoch == m.saves {
		m.saved, err = s.Checkpoint()
	}
	return err
}

func (m *memory) Interrupted(_ context.Context, s *trainer.State, _ error) error {
	_, m.afterwards = s.Checkpoint()
	return nil
}

func (m *memory) Snapshot() ([]byte, error)  { return trainer.EncodeState(m.Seen) }
func (m *memory) Restore(state []byte) error { return trainer.DecodeState(state, &m.Seen) }

// A loss that is not finite ends a run: what hooks remember is later than the parameters, so
// that no checkpoint can be taken. From one that was taken before, the run goes on with a
// lower rate as if the other rate had never been, with its hooks.
func TestResumeAfterNotFiniteLoss(t *testing.T) {
	data := load(t, "gauss")
	for _, batch := range []int{40, 0} { // found in a batch, and at the end of an epoch
		c := exploding(batch)
		broken := &memory{saves: 2}
		tr := newTrainer(t, c, newMLP(t, data, tensor.Float64, 8), data, broken)
		if _, err := tr.Run(context.Background()); !errors.Is(err, models.ErrNotFinite) {
			t.Fatal(err)
		}
		if !errors.Is(broken.afterwards, trainer.ErrAfterNotFinite) {
			t.Errorf("a checkpoint with a mixture of states was taken: error %v", broken.afterwards)
		}
		if _, err := tr.State().Checkpoint(); !errors.Is(err, trainer.ErrAfterNotFinite) {
			t.Errorf("error %v", err)
		}
		c.Rate = trainer.Rate{Base: 0.1}
		got, resumed := newMLP(t, data, tensor.Float64, 8), &memory{saves: -1}
		tr = newTrainer(t, c, got, data, resumed)
		if err := tr.Restore(broken.saved); err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		want, whole := newMLP(t, data, tensor.Float64, 8), &memory{saves: -1}
		train(t, c, want, data, whole)
		wantSame(t, "parameters", flat(got), flat(want))
		wantEqual(t, "what the hook has seen", resumed.Seen, whole.Seen)
	}
}

// A run that was resumed and meets NaN is set back to the checkpoint.
func TestNotFiniteAfterResumeGoesBackToTheCheckpoint(t *testing.T) {
	data := load(t, "gauss")
	for name, cut := range map[string]func(event string, s *trainer.State) bool{
		"in the middle of an epoch": func(e string, s *trainer.State) bool { return e == "BatchEnd" && s.Step == 13 },
		"between its stages":        func(e string, s *trainer.State) bool { return e == "EpochEnd" && s.Epoch == 3 },
	} {
		t.Run(name, func(t *testing.T) {
			hook := func(cut func(string, *trainer.State) bool) (*probe, context.Context) {
				ctx, cancel := context.WithCancel(context.Background())
				return &probe{name: "h", metrics: []trainer.Metric{{Name: "h"}}, on: func(ctx context.Context, e string, s *trainer.State) error {
					switch {
					case cut == nil && e == "EpochEnd" && s.Epoch >= 3:
						return s.Record("h", math.NaN())
					case cut != nil && cut(e, s):
						cancel()
						if e == "EpochEnd" {
							return ctx.Err()
						}
					}
					return nil
				}}, ctx
			}
			h, ctx := hook(cut)
			c := exploding(40)
			c.Rate = trainer.Rate{Base: 0.1}
			tr := newTrainer(t, c, newMLP(t, data, tensor.Float64, 8), data, h)
			if _, err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			saved, err := tr.State().Checkpoint()
			if err != nil {
				t.Fatal(err)
			}
			h, ctx = hook(nil)
			m := newMLP(t, data, tensor.Float64, 8)
			tr = newTrainer(t, c, m, data, h)
			if err := tr.Restore(saved); err != nil {
				t.Fatal(err)
			}
			p := saved.Progress
			want := fmt.Sprintf("; the model is set back to epoch 3, step %d: ", p.Step)
			if _, err = tr.Run(ctx); !errors.Is(err, models.ErrNotFinite) || !strings.Contains(err.Error(), want) {
				t.Fatalf("error %v, want %q", err, want)
			}
			parameters := models.Export(models.State(m))
			wantEqual(t, "parameters", parameters, saved.Arrays[:len(parameters)])
			for name, reading := range p.Metrics {
				if have, _ := tr.State().Last(name); have != reading {
					t.Errorf("%s is %+v; want %+v", name, have, reading)
				}
			}
		})
	}
}

func TestNotFiniteData(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		data := load(t, "gauss")
		data.Splits[0].X[2*17] = v
		for _, test := range []struct {
			evaluate trainer.Schedule
			want     string
		}{
			{
				trainer.Schedule{},
				`models: the loss of sample 17 of split "train" is NaN: not finite; the cause is in the initial parameters or in the data`,
			},
			{
				trainer.Schedule{At: []int{3}}, // found when training
				`trainer: epoch 1, step 3: the loss of sample 17 of split "train" is NaN: not finite; ` +
					`the model is set back to epoch 0, step 0: lower the learning rate (0.1) or clip the gradient`,
			},
		} {
			tr := newTrainer(t, trainer.Config{Epochs: 3, BatchSize: 40, Rate: trainer.Rate{Base: 0.1}, Evaluate: test.evaluate},
				newMLP(t, data, tensor.Float64, 4), data)
			stop, err := tr.Run(context.Background())
			if stop.Reason != trainer.NotFinite || !errors.Is(err, models.ErrNotFinite) {
				t.Errorf("stop %+v, error %v", stop, err)
			}
			wantError(t, err, test.want)
		}
	}
}

// A loss that stays finite and ends far above that of the start is no success,
// also if the run was resumed.
func TestDiverged(t *testing.T) {
	data := load(t, "gauss")
	config := trainer.Config{Epochs: 4, BatchSize: 40, Optimizer: trainer.OptimizerConfig{Name: "sgd"}}
	interrupted := trainer.Stop{Reason: trainer.Requested, By: "h", Rule: "patience", Detail: "not better"}
	for name, test := range map[string]struct {
		rate float64
		stop bool
		want trainer.Reason
	}{
		"good":              {0.05, false, trainer.Completed},
		"diverged":          {30, false, trainer.Diverged},
		"stopped":           {0.05, true, trainer.Requested},
		"stopped, diverged": {30, true, trainer.Diverged},
	} {
		t.Run(name, func(t *testing.T) {
			config.Rate = trainer.Rate{Base: test.rate}
			var saved *trainer.Checkpoint
			hook := func() *probe {
				return &probe{name: "h", on: func(_ context.Context, e string, s *trainer.State) error {
					if e != "EpochEnd" {
						return nil
					}
					if test.stop && s.Epoch == 4 {
						s.RequestStop(interrupted)
					}
					var err error
					if s.Epoch == 2 && saved == nil {
						saved, err = s.Checkpoint()
					}
					return err
				}}
			}
			stop, err := newTrainer(t, config, newMLP(t, data, tensor.Float64, 8, 8), data, hook()).Run(t.Context())
			if err != nil || stop.Reason != test.want {
				t.Fatalf("stop %+v, error %v; want the reason %s", stop, err, test.want)
			}
			if test.want == trainer.Diverged && !strings.Contains(stop.Detail, "at the start; lower the learning rate") || test.stop && (stop.Rule != "patience" || !strings.HasSuffix(stop.Detail, "not better")) {
				t.Errorf("stop %+v", stop)
			}
			resumed := newTrainer(t, config, newMLP(t, data, tensor.Float64, 8, 8), data, hook())
			if err := resumed.Restore(saved); err != nil {
				t.Fatal(err)
			}
			if again, err := resumed.Run(t.Context()); err != nil || again != stop {
				t.Errorf("resumed: stop %+v, error %v; want %+v", again, err, stop)
			}
		})
	}
}
