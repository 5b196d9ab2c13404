package margin_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// A linear classifier that predicts by the sign of x₀ − 1: its boundary is a line.
func Example() {
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Classes: 2}, rand.New(rand.NewPCG(0, 0)))
	if err != nil {
		fmt.Println(err)
		return
	}
	copy(m.Parameters()[0].Value.Float64s(), []float64{-1, 0, 1, 0}) // weights of the two logits
	copy(m.Parameters()[1].Value.Float64s(), []float64{1, -1})       // their biases
	field, err := models.NewField(m, models.ObjectiveSettings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	split := &datasets.Split{X: []float64{-1, 3, 1.5, 4, 2, 0}, Labels: []int{0, 1, 0}, Index: []int{0, 1, 2}}
	distances, err := margin.Measure(context.Background(), field, split, margin.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := distances.Summary()
	fmt.Printf("distances %.3f\n", distances.Values)
	fmt.Printf("margin %.3f at sample %d, towards class %d; misclassified: %d\n", *s.Min, s.Sample, s.Rival, s.Misclassified)
	// Output:
	// distances [2.000 0.500 1.000]
	// margin 0.500 at sample 1, towards class 0; misclassified: 1
}
