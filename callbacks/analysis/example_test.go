package analysis_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Some of the results that hessoscope analyze prints. WriteTable prints all.
func ExampleAnalyze() {
	ctx := context.Background()
	model, err := models.LoadMLP("../../models/weights/testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		log.Fatal(err)
	}
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, err := data.Split(datasets.Train)
	if err != nil {
		log.Fatal(err)
	}
	result, err := analysis.Analyze(ctx, model, train, analysis.Settings{Margin: &margin.Settings{Samples: 20}})
	if err != nil {
		log.Fatal(err)
	}
	lambda, residual := result.Spectrum.Top[0], result.Spectrum.Residuals[0]
	fmt.Printf("%s: loss %.4g, λ₁ = %.4g, good to 12 digits: %t\n", result.Model.Description, result.Loss, lambda, residual < 1e-12*lambda)
	fmt.Printf("%d outliers, G = %.4f, margin of 20 samples %.4f\n", result.Spectrum.Outliers.Ratio.Count, *result.Complexity.Value, *result.Margin.Min)
	// Output:
	// MLP 2-30-30-3 relu: loss 0.0006955, λ₁ = 0.09602, good to 12 digits: true
	// 2 outliers, G = 0.0081, margin of 20 samples 0.3356
}
