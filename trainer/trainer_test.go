package trainer_test

import (
	"context"
	"testing"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

func TestSmoke(t *testing.T) {
	data, err := datasets.Load(context.Background(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewMLP(models.MLPConfig{Input: 4, Hidden: []int{50, 50}, Classes: 3}, trainer.Stream(0, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trainer.New(trainer.Config{Epochs: 1000, Rate: trainer.Rate{Base: 0.02}}, m, data)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(stop)
	for _, m := range tr.State().Metrics() {
		r, _ := tr.State().Last(m.Name)
		t.Log(m.Name, r)
	}
}
