package trainer_test

import (
	"context"
	"errors"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

func TestRestoreRefuses(t *testing.T) {
	data := load(t, "gauss")
	config := trainer.Config{Epochs: 3, BatchSize: 40, Rate: trainer.Rate{Base: 0.1}, Seed: 1, Optimizer: trainer.OptimizerConfig{Name: "adam"}}
	saved := func(c trainer.Config) *trainer.Checkpoint {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		tr := newTrainer(t, c, newMLP(t, data, tensor.Float64, 3), data, &probe{name: "a", on: func(_ context.Context, e string, s *trainer.State) error {
			if e == "BatchEnd" && s.Step == 6 {
				cancel()
			}
			return nil
		}})
		if _, err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		saved, err := tr.State().Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		return saved
	}
	other := load(t, "gauss")
	other.Splits[0].X[0]++
	type settings = trainer.Config
	for _, test := range []struct {
		name   string
		from   func(*trainer.Config)     // of the run that was saved
		damage func(*trainer.Checkpoint) // to the checkpoint
		data   *datasets.Dataset
		hidden int
		hooks  []trainer.Hook
		want   string
	}{
		{name: "seed", from: func(c *settings) { c.Seed = 2 }, want: "trainer: the checkpoint is of a run with seed 2; this one has 1"},
		{name: "data", data: other, want: "trainer: the checkpoint is of a run on other data than gauss as it is now"},
		{name: "no hooks", hooks: []trainer.Hook{}, want: "trainer: the checkpoint was made with the hooks a, this run has none; resume with the same"},
		{
			name: "hooks", hooks: []trainer.Hook{&probe{name: "b"}, &probe{name: "a"}},
			want: "trainer: the checkpoint was made with the hooks a, this run has b, a; resume with the same",
		},
		{
			name: "optimizer", from: func(c *settings) { c.Optimizer = trainer.OptimizerConfig{Name: "adamw"} },
			want: "trainer: the checkpoint is of a run with the optimizer adamw; this one has adam",
		},
		{
			name: "more optimizer state", damage: func(c *trainer.Checkpoint) {
				extra := c.Arrays[0]
				extra.Name = "optimizer/momentum/fc1.weight"
				c.Arrays = append(c.Arrays, extra)
			},
			want: "trainer: the checkpoint holds 13 arrays, this run 12: its optimizer keeps fewer arrays",
		},
		{
			name: "less optimizer state", damage: func(c *trainer.Checkpoint) { c.Arrays = c.Arrays[:4] },
			want: `models: no array "optimizer/mean/fc1.weight" for the parameter of shape (3, 2); ` +
				`there are "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias" (in the checkpoint)`,
		},
		{name: "shape", hidden: 4, want: `models: array "fc1.weight" has shape (3, 2); want (4, 2) (in the checkpoint)`},
		{
			name: "batch size", from: func(c *settings) { c.BatchSize = 50 },
			want: "trainer: the checkpoint is of a run with batches of 50 samples; this one has 40",
		},
		{
			name: "batch size, of an older version", from: func(c *settings) { c.BatchSize = 50 }, damage: func(c *trainer.Checkpoint) { c.Progress.BatchSize = 0 },
			want: "trainer: the checkpoint is at epoch 2, batch 3, step 6; this run has 3 epochs of 4 batches",
		},
		{
			name: "loss", from: func(c *settings) { c.Loss = models.SquaredError },
			want: "trainer: the checkpoint is of a run with the loss squared_error; this one has cross_entropy",
		},
		{
			name: "epoch", damage: func(c *trainer.Checkpoint) { c.Progress.Epoch = 4 },
			want: "trainer: the checkpoint is at epoch 4, batch 2, step 6; this run has 3 epochs of 4 batches",
		},
		{
			name: "negative epoch", damage: func(c *trainer.Checkpoint) { c.Progress.Epoch = -1 },
			want: "trainer: the checkpoint is at epoch -1, batch 2, step 6; this run has 3 epochs of 4 batches",
		},
		{
			name: "batch", damage: func(c *trainer.Checkpoint) { c.Progress.Batch, c.Progress.Step = 5, 9 },
			want: "trainer: the checkpoint is at epoch 2, batch 5, step 9; this run has 3 epochs of 4 batches",
		},
		{
			name: "stage", damage: func(c *trainer.Checkpoint) { c.Progress.Stage = 1 },
			want: "trainer: the checkpoint is at stage 1 after batch 2; this run has 4 batches an epoch and then 4 stages",
		},
		{
			name: "negative stage", damage: func(c *trainer.Checkpoint) { c.Progress.Stage = -1 },
			want: "trainer: the checkpoint is at stage -1 after batch 2; this run has 4 batches an epoch and then 4 stages",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := config
			if test.from != nil {
				test.from(&from)
			}
			c := saved(from)
			if test.damage != nil {
				test.damage(c)
			}
			if test.data == nil {
				test.data = data
			}
			if test.hidden == 0 {
				test.hidden = 3
			}
			if test.hooks == nil {
				test.hooks = []trainer.Hook{&probe{name: "a"}}
			}
			m := newMLP(t, test.data, tensor.Float64, test.hidden)
			before := flat(m)
			wantError(t, newTrainer(t, config, m, test.data, test.hooks...).Restore(c), test.want)
			wantSame(t, "parameters of the run that refused", flat(m), before)
		})
	}
}

// faultyState is a hook whose snapshot or restoration fails.
type faultyState struct {
	probe
	snapshot, restore error
}

func (h *faultyState) Snapshot() ([]byte, error) { return nil, h.snapshot }
func (h *faultyState) Restore([]byte) error      { return h.restore }

func TestErrorsOfHookStates(t *testing.T) {
	data := load(t, "gauss")
	c := trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}
	h := &faultyState{probe: probe{name: "h"}, snapshot: errors.New("disk full")}
	tr := newTrainer(t, c, newMLP(t, data, tensor.Float64, 3), data, h)
	_, err := tr.State().Checkpoint()
	wantError(t, err, "hook h: snapshot: disk full")

	h.snapshot, h.restore = nil, errors.New("from a newer version")
	saved, err := tr.State().Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, tr.Restore(saved), "hook h: restore: from a newer version")
}
