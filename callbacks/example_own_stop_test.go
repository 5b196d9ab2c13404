package callbacks_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// A user-defined rule as a function: stop when training and validation loss differ
// too much.
func ExampleEarlyStopping_function() {
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{RandomLabels: true})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3}, trainer.Stream(0, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	apart := func(s *trainer.State) (string, bool) {
		train, evaluated := s.Fresh("train/loss")
		validation, _ := s.Fresh("validation/loss")
		return fmt.Sprintf("the losses are %.1f apart", validation-train), evaluated && validation-train > 0.1
	}
	t, err := trainer.New(trainer.Config{Epochs: 1000, BatchSize: 50, Rate: trainer.Rate{Base: 0.5}}, model, data,
		&callbacks.EarlyStopping{When: apart})
	if err != nil {
		log.Fatal(err)
	}
	stop, err := t.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stop.By, "by a", stop.Rule+":", stop.Detail)
	// Output: early_stopping by a function: the losses are 0.3 apart
}
