package callbacks_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// The critical sharpness at the end of a training, and the step that gradient descent
// takes over the critical one, η·λ_c/2: it is at the edge of stability, where a larger
// step raises the loss.
func ExampleCriticalSharpness() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "iris", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 4, Hidden: []int{8}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	t, err := trainer.New(trainer.Config{Epochs: 100, Rate: trainer.Rate{Base: 0.1}, Loss: models.SquaredError}, model, data, &callbacks.CriticalSharpness{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(ctx); err != nil {
		log.Fatal(err)
	}
	critical, _ := t.State().Fresh(record.CriticalSharpness)
	ratio, _ := t.State().Fresh("sharpness/critical_ratio")
	fmt.Printf("λ_c = %.0f, η/η_c = %.1f\n", critical, ratio)
	// Output: λ_c = 21, η/η_c = 1.0
}
