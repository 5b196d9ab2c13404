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

// What hessoscope analyze prints of weights and data. WriteTable prints it all.
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
	result, err := analysis.Analyze(ctx, model, train, analysis.Settings{Margin: new(margin.Settings)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: loss %.4g, λ₁ = %.4g ± %.0e\n", result.Model.Description, result.Loss, result.Spectrum.Top[0], result.Spectrum.Residuals[0])
	fmt.Printf("%d outliers, G = %.4f, margin %.4f\n", result.Spectrum.Outliers.Ratio.Count, *result.Complexity.Value, *result.Margin.Min)
	// Output:
	// MLP 2-30-30-3 relu: loss 0.0006962, λ₁ = 0.3 ± 1e-16
	// 2 outliers, G = 0.0081, margin 0.1
}
