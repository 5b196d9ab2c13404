package export_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/export"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// A run that TensorBoard shows, with its eigenvalues and hyper-parameters, and whose last
// values a collector of text files reads.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 3}, trainer.Stream(0, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 5}}
	t, err := trainer.New(trainer.Config{Epochs: 10, Rate: trainer.Rate{Base: 0.1}}, model, data, spectrum,
		&export.TensorBoard{
			Path:            record.Folder(dir).Events(),
			Spectrum:        spectrum,
			Hyperparameters: map[string]any{"rate": 0.1, "hidden": 4},
		},
		&export.OpenMetrics{Path: record.Folder(dir).OpenMetrics(), Run: "first"},
	)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "metrics.prom"))
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "hessoscope_run_epoch") {
			fmt.Print(line)
		}
	}
	events, err := os.Stat(filepath.Join(dir, "events.out.tfevents.hessoscope"))
	fmt.Println(events.Size() > 1000, err)
	// Output:
	// hessoscope_run_epoch{run="first"} 10.0
	// hessoscope_run_epochs{run="first"} 10.0
	// true <nil>
}

// The runs of a program in its own registry.
func ExampleCollector() {
	registry := prometheus.NewRegistry()
	err := registry.Register(&export.Collector{Runs: func() ([]export.Run, error) {
		return []export.Run{{Name: "first", Run: &record.Run{
			Status:  record.StatusFinished,
			Metrics: []trainer.Metric{{Name: record.LambdaMax, Meaning: "largest eigenvalue"}},
			Final:   map[string]trainer.Reading{record.LambdaMax: {Value: 54.75, Epoch: 1000}},
		}}}, nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	families, err := registry.Gather()
	for _, f := range families {
		if f.GetName() == "hessoscope_spectrum_lambda_max" {
			fmt.Println(f.GetName(), f.GetHelp(), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	fmt.Println(err)
	// Output:
	// hessoscope_spectrum_lambda_max largest eigenvalue 54.75
	// <nil>
}
