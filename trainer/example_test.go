package trainer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// weightNorm is a hook that measures the norm of the parameters.
type weightNorm struct{}

func (weightNorm) Name() string { return "weight_norm" }

func (weightNorm) Metrics() []trainer.Metric {
	return []trainer.Metric{{Name: "weights/norm", Meaning: "Euclidean norm of all parameters"}}
}

func (weightNorm) EpochEnd(_ context.Context, s *trainer.State) error {
	return s.Record("weights/norm", models.Norm(s.Model))
}

func Example() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{20}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	t, err := trainer.New(trainer.Config{
		Epochs:    40,
		BatchSize: 25,
		Rate:      trainer.Rate{Base: 0.01, Schedule: "cosine"},
		Optimizer: trainer.OptimizerConfig{Name: "adam"},
		Seed:      1,
	}, model, data, weightNorm{})
	if err != nil {
		log.Fatal(err)
	}
	stop, err := t.Run(ctx)
	if err != nil {
		log.Fatal(err)
	}
	accuracy, _ := t.State().Fresh("validation/accuracy")
	norm, _ := t.State().Fresh("weights/norm")
	fmt.Printf("%s after %d epochs of %d steps\n", stop.Reason, t.State().Epoch, t.State().Steps)
	fmt.Printf("accuracy %.2f, norm of the weights %.1f\n", accuracy, norm)
	// Output:
	// completed after 40 epochs of 6 steps
	// accuracy 1.00, norm of the weights 5.4
}

func ExampleRate() {
	r := trainer.Rate{Base: 0.1, Schedule: "step", Every: 2, Gamma: 0.5, Warmup: 1}
	for epoch := 1; epoch <= 5; epoch++ {
		fmt.Printf("%.4f ", r.At(epoch, 5))
	}
	// Output: 0.0500 0.1000 0.0500 0.0500 0.0250
}

func ExampleSchedule() {
	measure := trainer.Schedule{Log: 5}
	for epoch := range 101 {
		if measure.Due(&trainer.State{Epoch: epoch, Epochs: 100}) {
			fmt.Print(epoch, " ")
		}
	}
	// Output: 0 1 3 10 32 100
}
