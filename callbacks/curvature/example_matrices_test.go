package curvature_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Three matrices of the same loss: the Hessian, its part that comes from the curvature
// of the loss in the logits, and the second moment of the samples' gradients.
func ExampleEmpiricalFisher() {
	ctx := context.Background()
	model, err := models.LoadMLP("testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		log.Fatal(err)
	}
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	loss, err := models.NewObjective(model, models.CrossEntropy, &data.Splits[0], models.ObjectiveSettings{})
	if err != nil {
		log.Fatal(err)
	}
	for _, matrix := range []curvature.Operator{
		curvature.Hessian{Objective: loss},
		curvature.GaussNewton{Objective: loss},
		curvature.EmpiricalFisher{Objective: loss},
	} {
		found, err := curvature.Solve(ctx, matrix, curvature.Settings{Method: curvature.Lanczos, Top: 3, Bottom: -1})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%T: %.3g\n", matrix, found.Top.Values)
	}
	// Output:
	// curvature.Hessian: [0.096 0.0182 0.00917]
	// curvature.GaussNewton: [0.0962 0.0188 0.0103]
	// curvature.EmpiricalFisher: [0.000893 0.000115 4.97e-05]
}
