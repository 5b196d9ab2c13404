package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/trainer"
)

// newNetwork returns a network for iris with dropout and batch normalisation.
func newNetwork(t testing.TB, dtype tensor.Dtype) *network.Network {
	t.Helper()
	n, err := network.New(network.Description{Input: []int{4}, Layers: network.Layers{
		network.Dense{Out: 8},
		network.BatchNorm{Name: "bn"},
		network.Activation(models.GELU),
		network.Dropout{P: 0.3},
		network.Residual{Layers: network.Layers{network.Dense{Out: 8}, network.BatchNorm{}, network.Dropout{P: 0.1}}},
		network.Dense{Out: 3},
	}}, network.Settings{Precision: dtype}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func formConfig() trainer.Config {
	return trainer.Config{Epochs: 4, BatchSize: 50, Rate: trainer.Rate{Base: 0.05}, Seed: 5, Optimizer: trainer.OptimizerConfig{Momentum: 0.9}}
}

// A run with dropout and batch normalisation that is interrupted after any step ends
// with the same bits, running statistics included.
func TestResumeOfTrainingForm(t *testing.T) {
	data := load(t, "iris")
	for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		whole := newNetwork(t, dtype)
		train(t, formConfig(), whole, data)
		for step := 1; step <= 12; step++ {
			path := filepath.Join(t.TempDir(), "c.npz")
			ctx, cancel := context.WithCancel(t.Context())
			cut := &probe{name: "cut", on: func(_ context.Context, event string, s *trainer.State) error {
				if event == "BatchEnd" && s.Step == step {
					cancel()
				}
				return nil
			}}
			tr := newTrainer(t, formConfig(), newNetwork(t, dtype), data, cut, &saver{path})
			if _, err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v; want a cancelled context", err)
			}
			c, err := trainer.ReadCheckpoint(path)
			if err != nil {
				t.Fatal(err)
			}
			resumed := newNetwork(t, dtype)
			tr = newTrainer(t, formConfig(), resumed, data, &probe{name: "cut"}, &saver{path})
			if err := tr.Restore(c); err != nil {
				t.Fatal(err)
			}
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(models.Export(models.State(whole)), models.Export(models.State(resumed))); diff != "" {
				t.Fatalf("%v, interrupted after step %d (-whole +resumed):\n%s", dtype, step, diff)
			}
		}
	}
}

// Evaluations between the steps change nothing, and another seed changes the masks.
func TestTrainingFormIsRepeatable(t *testing.T) {
	data := load(t, "iris")
	run := func(change func(*trainer.Config)) []float64 {
		c, n := formConfig(), newNetwork(t, tensor.Float64)
		c.BatchSize = 0 // the order of the samples does not depend on the seed
		change(&c)
		train(t, c, n, data)
		return flat(n)
	}
	want := run(func(*trainer.Config) {})
	wantSame(t, "without evaluations", run(func(c *trainer.Config) { c.Evaluate = trainer.Schedule{At: []int{4}} }), want)
	if cmp.Equal(run(func(c *trainer.Config) { c.Seed++ }), want) {
		t.Error("another seed has the same masks")
	}
}

// The training loss is that of the form with masks and the mini-batch's statistics;
// the recorded loss is that of the other.
func TestTrainingFormIsTrained(t *testing.T) {
	data := load(t, "iris")
	n := newNetwork(t, tensor.Float64)
	c := formConfig()
	c.Epochs, c.BatchSize = 1, 0
	first, err := data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	o, err := models.NewObjective(n, models.CrossEntropy, first, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	before, err := o.Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := train(t, c, n, data)
	if s.BatchLoss == before.Loss {
		t.Errorf("both losses are %v", before.Loss)
	}
	if err := o.Refresh(); err != nil {
		t.Fatal(err)
	}
	after, err := o.Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if recorded, _ := s.Last("train/loss"); recorded.Value != after.Loss {
		t.Errorf("recorded loss %v; want %v", recorded.Value, after.Loss)
	}
}

func TestTrainingFormNeedsMoreThanOneSample(t *testing.T) {
	c := formConfig()
	c.BatchSize = 119 // of 120
	_, err := trainer.New(c, newNetwork(t, tensor.Float64), load(t, "iris"))
	wantError(t, err, "trainer: mini-batches of 1 of 120 samples: models: building the logits: layers[1].batch_norm: one value a channel has no variance; want a batch size that leaves no last batch of 1 sample")
}

// Masks drop as many values as they should, and keep the mean.
func TestMasks(t *testing.T) {
	for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		e, err := models.ExpressTraining(newNetwork(t, dtype), models.CrossEntropy, 500, dtype)
		if err != nil {
			t.Fatal(err)
		}
		e.DrawMasks(rand.New(rand.NewPCG(1, 2)))
		for i, drop := range []float64{0.3, 0.1} {
			dropped, total := 0.0, 0.0
			values := models.Values(e.Masks[i].Node.Value().(*tensor.Dense))
			for _, v := range values {
				if v == 0 {
					dropped++
				}
				total += v / float64(len(values))
			}
			if share := dropped / float64(len(values)); share < drop-0.03 || share > drop+0.03 || total < 0.95 || total > 1.05 { // 4000 values: four standard errors
				t.Errorf("%v: mask %d drops %g and has the mean %g; want %g and 1", dtype, i, share, total, drop)
			}
		}
		if fmt.Sprint(e.Masks[0].Node) == fmt.Sprint(e.Masks[1].Node) {
			t.Error("two masks are one node")
		}
	}
}
