package callbacks_test

import (
	"context"
	"fmt"
	"log"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// A large network is measured with products in float32, in half the time and memory. The
// eigenvalues and their residuals are still those of the Hessian in float64.
func ExampleSpectrum_products() {
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{30, 30}, Classes: 3, Precision: tensor.Float32}, trainer.Stream(0, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	spectrum := &callbacks.Spectrum{
		Products: tensor.Float32,
		Settings: curvature.Settings{Method: curvature.Lanczos, Top: 3, Tolerance: 1e-5},
	}
	t, err := trainer.New(trainer.Config{Epochs: 20, BatchSize: 50, Rate: trainer.Rate{Base: 0.1}}, model, data, spectrum)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	largest, _ := t.State().Fresh("spectrum/lambda_max")
	converged, _ := t.State().Fresh("spectrum/converged")
	fmt.Println("all pairs to 1e-5:", converged == 1)
	fmt.Println("largest eigenvalue above 0:", largest > 0)
	// Output:
	// all pairs to 1e-5: true
	// largest eigenvalue above 0: true
}
