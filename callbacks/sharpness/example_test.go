package sharpness_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// The two measures of a network on its training split, with their standard errors.
func Example() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "iris", datasets.Options{})
	if err != nil {
		panic(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 4, Classes: 3}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		panic(err)
	}
	models.SetValues(model.Parameters()[0].Value, []float64{0, 2, -3, -3, 0, 0, 0, -1, -1, -2, 3, 4}) // (3, 4)
	models.SetValues(model.Parameters()[1].Value, []float64{8, 2, -10})
	split, settings := &data.Splits[0], models.ObjectiveSettings{}

	fisher, err := sharpness.NewFisherTrace(model, split, settings)
	if err != nil {
		panic(err)
	}
	trace, err := fisher.Measure(ctx, split.Len())
	if err != nil {
		panic(err)
	}
	noise, err := sharpness.NewPerturbation(model, split, 100, 7, settings)
	if err != nil {
		panic(err)
	}
	inverse, _, err := noise.Measure(ctx, split.Len())
	if err != nil {
		panic(err)
	}
	fmt.Printf("tr F = %.4g ± %.4g, 1/σ² = %.2g ± %.1g\n", trace.Value, trace.Error, inverse.Value, inverse.Error)
	// Output: tr F = 8.079 ± 0, 1/σ² = 23 ± 4
}
