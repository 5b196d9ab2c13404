package trainer_test

import (
	"context"
	"errors"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// BenchmarkTrainStep is one step of training: the gradient on 64 samples of
// the paper's Gaussians for the net 2-100-100-3, and the update.
func BenchmarkTrainStep(b *testing.B) {
	// An epoch of a thousand steps, so that its end counts for nothing.
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{Samples: 128_000})
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name      string
		precision tensor.Dtype
	}{{"gauss", tensor.Float64}, {"gauss/float32", tensor.Float32}} {
		b.Run(bench.name, func(b *testing.B) {
			done := errors.New("done")
			hook := &probe{name: "loop", on: func(_ context.Context, event string, _ *trainer.State) error {
				if event == "BatchEnd" && !b.Loop() {
					return done
				}
				return nil
			}}
			tr := newTrainer(b, trainer.Config{
				Epochs: 1 << 40, BatchSize: 64, Rate: trainer.Rate{Base: 1e-3}, Evaluate: trainer.Schedule{SkipFinal: true},
			}, newMLP(b, data, bench.precision, 100, 100), data, hook)
			b.ReportAllocs()
			if _, err := tr.Run(context.Background()); !errors.Is(err, done) {
				b.Fatal(err)
			}
		})
	}
}
