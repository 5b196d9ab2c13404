package callbacks_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// localization measures the number of parameters over which the first eigenvector is
// spread, 1/Σⱼ v₁ⱼ⁴.
type localization struct{ spectrum *callbacks.Spectrum }

func (*localization) Name() string { return "localization" }

func (*localization) Metrics() []trainer.Metric {
	return []trainer.Metric{{Name: "spectrum/spread", Meaning: "parameters that the first eigenvector is spread over", Better: trainer.Higher}}
}

func (l *localization) TrainBegin(_ context.Context, s *trainer.State) error {
	return l.spectrum.Subscribe(s, l)
}

func (l *localization) Consume(_ context.Context, m *analysis.Measurement, s *trainer.State) ([]weights.Array, error) {
	fourth := 0.0
	for _, v := range m.Spectrum.Top.Vectors.RawRowView(0) {
		fourth += math.Pow(v, 4)
	}
	return nil, s.Record("spectrum/spread", 1/fourth)
}

// A user-defined hook that uses the eigenpairs.
func ExampleSpectrumConsumer() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{At: []int{0, 10}}}
	t, err := trainer.New(trainer.Config{Epochs: 100, BatchSize: 25, Rate: trainer.Rate{Base: 0.1}},
		model, data, spectrum, &localization{spectrum})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(ctx); err != nil {
		log.Fatal(err)
	}
	spread, _ := t.State().Fresh("spectrum/spread")
	fmt.Printf("%.0f of %d parameters\n", spread, models.Size(model))

	// If its Spectrum is not a hook of the run, there is an error.
	t, err = trainer.New(trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}, model, data, &localization{spectrum})
	if err != nil {
		log.Fatal(err)
	}
	_, err = t.Run(ctx)
	fmt.Println(err)
	// Output:
	// 10 of 63 parameters
	// hook localization: the Spectrum that it takes the eigenpairs from is not a hook of this run: add it to the hooks
}
