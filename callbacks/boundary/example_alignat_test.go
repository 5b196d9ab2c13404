package boundary_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// The alignments along a line from one cloud of points to another: most of the
// gradient is in the space of the two outliers near where the prediction changes.
func ExampleAlignAt() {
	ctx := context.Background()
	model, err := models.LoadMLP("../../models/weights/testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		log.Fatal(err)
	}
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	objective, err := models.NewObjective(model, models.CrossEntropy, &data.Splits[0], models.ObjectiveSettings{})
	if err != nil {
		log.Fatal(err)
	}
	spectrum, err := curvature.Solve(ctx, curvature.Hessian{Objective: objective}, curvature.Settings{Method: curvature.Lanczos, Top: 2})
	if err != nil {
		log.Fatal(err)
	}
	line := []float64{-3, 1.4, -2.1, 1.4, -1.2, 1.4, -0.3, 1.4, 0.6, 1.4}
	at, err := boundary.AlignAt(ctx, model, line, spectrum.Top.Vectors, 2, models.ObjectiveSettings{})
	if err != nil {
		log.Fatal(err)
	}
	for i, class := range at.Predicted {
		fmt.Printf("x0 = %4.1f: class %d, gap %5.2f, energy in the outliers %.2f\n", line[2*i], class, at.Gaps[i], at.OutlierEnergy[i])
	}
	// Output:
	// x0 = -3.0: class 1, gap 15.77, energy in the outliers 0.60
	// x0 = -2.1: class 1, gap  8.96, energy in the outliers 0.87
	// x0 = -1.2: class 1, gap  0.83, energy in the outliers 0.99
	// x0 = -0.3: class 2, gap  6.76, energy in the outliers 0.77
	// x0 =  0.6: class 2, gap  7.45, energy in the outliers 0.49
}
