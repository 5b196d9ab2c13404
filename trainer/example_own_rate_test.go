package trainer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// triangle rises to a peak in the middle of the run and falls again, as the
// cyclical rate of Smith 2017 does in one cycle.
type triangle struct{ peak float64 }

func (t triangle) At(epoch, epochs int) float64 {
	middle := float64(epochs+1) / 2
	if e := float64(epoch); e > middle {
		return t.peak * (2 - e/middle)
	}
	return t.peak * float64(epoch) / middle
}

// rates prints the learning rate of each epoch.
type rates struct{}

func (rates) Name() string { return "rates" }

func (rates) EpochBegin(_ context.Context, s *trainer.State) error {
	fmt.Printf("%.2f ", s.LearningRate)
	return nil
}

// A user-defined learning rate schedule.
func ExampleRateSchedule() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{20}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	t, err := trainer.New(trainer.Config{Epochs: 5, Rate: triangle{peak: 0.3}}, model, data, rates{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: 0.10 0.20 0.30 0.20 0.10
}
