package trainer_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
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
			if !strings.HasPrefix(err.Error(), test.where) || !strings.Contains(err.Error(), "the parameters after epoch 3 are kept: lower the learning rate (1e+199) or clip the gradient") {
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

// A checkpoint that is saved after a loss that was not finite has the previous
// epoch, and can be resumed with a lower rate.
func TestResumeAfterNotFiniteLoss(t *testing.T) {
	data := load(t, "gauss")
	path := filepath.Join(t.TempDir(), "checkpoint.npz")
	c := exploding(40)
	tr := newTrainer(t, c, newMLP(t, data, tensor.Float64, 8), data, &saver{path})
	if _, err := tr.Run(context.Background()); !errors.Is(err, models.ErrNotFinite) {
		t.Fatal(err)
	}
	saved, err := trainer.ReadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Rate = trainer.Rate{Base: 0.1}
	got := newMLP(t, data, tensor.Float64, 8)
	tr = newTrainer(t, c, got, data, &saver{path})
	if err := tr.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := newMLP(t, data, tensor.Float64, 8)
	train(t, c, want, data)
	wantSame(t, "parameters", flat(got), flat(want))
}

func TestNotFiniteAfterResumeGoesBackToTheCheckpoint(t *testing.T) {
	data := load(t, "gauss")
	for _, test := range []struct {
		name string
		cut  func(event string, s *trainer.State) bool // where the checkpoint is taken
		want string
	}{
		{
			"in the middle of an epoch", func(e string, s *trainer.State) bool { return e == "BatchEnd" && s.Step == 13 },
			"the parameters after epoch 3 are kept",
		},
		{
			"between its stages", func(e string, s *trainer.State) bool { return e == "EpochEnd" && s.Epoch == 3 },
			"the parameters after epoch 3 are kept",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
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
			h, ctx := hook(test.cut)
			c := exploding(40)
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
			if _, err = tr.Run(ctx); !errors.Is(err, models.ErrNotFinite) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			again, err := tr.State().Checkpoint()
			if err != nil {
				t.Fatal(err)
			}
			saved.Progress.Elapsed, again.Progress.Elapsed = 0, 0
			// The mini-batch loss is only reported; the parameters are still finite.
			saved.Progress.BatchLoss, again.Progress.BatchLoss = 0, 0
			wantEqual(t, "checkpoint", again, saved)
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
					`the parameters after epoch 0 are kept: lower the learning rate (0.1) or clip the gradient`,
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
