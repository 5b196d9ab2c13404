package callbacks_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// A network can memorize samples with permuted labels, but not generalize. Training
// stops when the validation loss has not improved for five measurements, and the best
// parameters are put back.
func ExampleEarlyStopping() {
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{RandomLabels: true})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3}, trainer.Stream(0, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	t, err := trainer.New(trainer.Config{Epochs: 1000, BatchSize: 50, Rate: trainer.Rate{Base: 0.5}}, model, data, &callbacks.EarlyStopping{
		Rule:        stopping.Rule{Monitor: "validation/loss", Patience: 5},
		RestoreBest: "validation/loss",
	})
	if err != nil {
		log.Fatal(err)
	}
	stop, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	restored, _ := t.State().Restored()
	fmt.Println(stop.Reason, "by", stop.Rule, "on", stop.Metric)
	fmt.Println("the parameters are those of", t.State().Epoch-restored.Epoch, "epochs before the last")
	// Output:
	// requested by patience on validation/loss
	// the parameters are those of 5 epochs before the last
}
