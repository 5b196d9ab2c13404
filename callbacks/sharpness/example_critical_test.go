package sharpness_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// The largest learning rate with which a step of gradient descent does not raise the
// loss of a network.
func ExampleCritical() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.LoadMLP("../curvature/testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		log.Fatal(err)
	}
	loss, err := models.NewObjective(model, models.SquaredError, &data.Splits[0], models.ObjectiveSettings{})
	if err != nil {
		log.Fatal(err)
	}
	critical := sharpness.Critical{Objective: loss}
	step, err := critical.AlongGradient(ctx)
	if err != nil {
		log.Fatal(err)
	}
	value, low, high := step.Sharpness()
	fmt.Printf("η_c = %.4g by %d passes: λ_c = %.3g, from %.3g to %.3g\n", step.Value, step.Passes, value, low, high)
	// Output: η_c = 0.6149 by 7 passes: λ_c = 3.25, from 3.24 to 3.26
}
