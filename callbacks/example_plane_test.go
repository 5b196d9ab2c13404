package callbacks_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// The decision regions of a network, as they are stored with its spectrum.
func ExamplePlane() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "plane")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	folder := record.Folder(dir)
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{At: []int{100}}, Dir: folder.Measurements()}
	t, err := trainer.New(trainer.Config{Epochs: 100, BatchSize: 25, Rate: trainer.Rate{Base: 0.1}},
		model, data, spectrum, &callbacks.Plane{Spectrum: spectrum, Side: 7})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(ctx); err != nil {
		log.Fatal(err)
	}
	arrays, err := folder.ReadSpectrum(100, "plane_predicted")
	if err != nil {
		log.Fatal(err)
	}
	for row := range 7 {
		fmt.Println(arrays["plane_predicted"].Data[7*row : 7*row+7])
	}
	// Output:
	// [1 2 2 2 2 2 2]
	// [1 1 2 2 2 2 2]
	// [1 1 1 2 2 2 2]
	// [1 1 1 1 2 0 0]
	// [1 1 1 1 0 0 0]
	// [1 1 1 1 0 0 0]
	// [1 1 1 1 0 0 0]
}
