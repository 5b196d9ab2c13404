package callbacks_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// A training run that writes its metrics, checkpoints and record to a folder.
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
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{8}, Classes: 3}, trainer.Stream(0, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	t, err := trainer.New(
		trainer.Config{Epochs: 4, BatchSize: 50, Rate: trainer.Rate{Base: 0.1}, Evaluate: trainer.Schedule{Every: 2}}, model, data,
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
		&callbacks.Checkpoint{Dir: filepath.Join(dir, "checkpoints"), Best: "validation/loss"},
		&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")},
	)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(context.Background()); err != nil {
		log.Fatal(err)
	}

	metrics, err := os.Open(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	defer metrics.Close()
	for lines := bufio.NewScanner(metrics); lines.Scan(); {
		var line struct {
			Epoch, Step int
			Metrics     map[string]float64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			log.Fatal(err)
		}
		_, evaluated := line.Metrics["validation/accuracy"]
		fmt.Printf("epoch %d, step %2d: %d metrics, evaluated: %t\n", line.Epoch, line.Step, len(line.Metrics), evaluated)
	}
	run, err := record.ReadRun(filepath.Join(dir, "run.json"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Model.Description, run.Status, run.Stop.Reason)
	// Output:
	// epoch 0, step  0: 6 metrics, evaluated: true
	// epoch 1, step  3: 2 metrics, evaluated: false
	// epoch 2, step  6: 8 metrics, evaluated: true
	// epoch 3, step  9: 2 metrics, evaluated: false
	// epoch 4, step 12: 8 metrics, evaluated: true
	// MLP 2-8-3 relu finished completed
}
