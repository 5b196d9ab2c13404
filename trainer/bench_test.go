package trainer_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// BenchmarkTrainStep is one step of training on 64 samples, the gradient and the
// update, of two of the paper's networks: the MLP of its Gaussians, 2-100-100-3,
// and the convolutional network of the digits 0, 1 and 7, also with momentum; and
// of wider ones on images of 784 pixels and ten classes, one also with Adam.
func BenchmarkTrainStep(b *testing.B) {
	// Epochs of a thousand steps, and of a hundred long ones, so that their ends
	// count for nothing.
	gauss, err := datasets.Load(context.Background(), "gauss", datasets.Options{Samples: 128_000})
	if err != nil {
		b.Fatal(err)
	}
	digits := digits(b, 6400)
	images := noiseImages(6400)
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		suffix := ""
		if precision == tensor.Float32 {
			suffix = "/float32"
		}
		cnn := func() models.Model {
			n, err := network.New(network.CNN(3), network.Settings{Precision: precision}, trainer.Stream(0, "init", 0))
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
		for _, bench := range []struct {
			name  string
			model models.Model
			data  *datasets.Dataset
			rule  trainer.OptimizerConfig
		}{
			{"gauss", newMLP(b, gauss, precision, 100, 100), gauss, trainer.OptimizerConfig{}},
			{"mnist017", cnn(), digits, trainer.OptimizerConfig{}},
			{"mnist017_momentum", cnn(), digits, trainer.OptimizerConfig{Momentum: 0.9}},
			{"100-100_64", newMLP(b, images, precision, 100, 100), images, trainer.OptimizerConfig{}},
			{"100-100_64_adam", newMLP(b, images, precision, 100, 100), images, trainer.OptimizerConfig{Name: "adam"}},
			{"1000_64", newMLP(b, images, precision, 1000), images, trainer.OptimizerConfig{}},
			{"512-512-512_64", newMLP(b, images, precision, 512, 512, 512), images, trainer.OptimizerConfig{}},
		} {
			b.Run(bench.name+suffix, func(b *testing.B) {
				done := errors.New("done")
				hook := &probe{name: "loop", on: func(_ context.Context, event string, _ *trainer.State) error {
					if event == "BatchEnd" && !b.Loop() {
						return done
					}
					return nil
				}}
				tr := newTrainer(b, trainer.Config{
					Epochs: 1 << 40, BatchSize: 64, Rate: trainer.Rate{Base: 1e-3},
					Optimizer: bench.rule, Evaluate: trainer.Schedule{SkipFinal: true},
				}, bench.model, bench.data, hook)
				b.ReportAllocs()
				if _, err := tr.Run(context.Background()); !errors.Is(err, done) {
					b.Fatal(err)
				}
			})
		}
	}
}

// digits are n of the 450 images of 0, 1 and 7, again and again.
func digits(b testing.TB, n int) *datasets.Dataset {
	arrays, err := weights.Read("../models/testdata/mnist017.npz")
	if err != nil {
		b.Fatal(err)
	}
	values := make(map[string][]float64)
	for _, a := range arrays {
		values[a.Name] = a.Data
	}
	const pixels = 28 * 28
	s := datasets.Split{Name: "train"}
	for i := range n {
		k := i % len(values["y"])
		for _, v := range values["x"][k*pixels:][:pixels] {
			s.X = append(s.X, v/255)
		}
		s.Labels = append(s.Labels, int(values["y"][k]))
	}
	return &datasets.Dataset{
		Name: "digits", Shape: []int{1, 28, 28}, Classes: []string{"0", "1", "7"}, Splits: []datasets.Split{s}, Shared: true,
	}
}

// noiseImages are n images of 28×28 uniform pixels, of ten classes at random.
func noiseImages(n int) *datasets.Dataset {
	rng := trainer.Stream(0, "noise", 0)
	s := datasets.Split{Name: "train", X: make([]float64, n*28*28), Labels: make([]int, n)}
	for i := range s.X {
		s.X[i] = rng.Float64()
	}
	for i := range s.Labels {
		s.Labels[i] = rng.IntN(10)
	}
	return &datasets.Dataset{
		Name: "noise", Shape: []int{28 * 28}, Classes: strings.Split("0123456789", ""), Splits: []datasets.Split{s}, Shared: true,
	}
}
