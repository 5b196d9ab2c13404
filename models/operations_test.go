package models_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
)

// Operations are those of matrix products and convolutions, and few more, for any
// number of samples in a chunk.
func TestOperations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	mlp, err := models.NewMLP(models.MLPConfig{Input: 24, Hidden: []int{64, 32}, Classes: 4}, rng)
	if err != nil {
		t.Fatal(err)
	}
	lenet, err := network.New(network.LeNet5(10), network.Settings{}, rng)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		model models.Model
		want  float64
	}{
		{mlp, 24*64 + 64*32 + 32*4},
		// Two convolutions of 5×5, to 28×28 and to 10×10, and three dense layers.
		{lenet, 6*28*28*3*25 + 16*10*10*6*25 + 400*120 + 120*84 + 84*10},
	} {
		for _, n := range []int{1, 9} {
			width := 1
			for _, d := range test.model.InputShape() {
				width *= d
			}
			split := &datasets.Split{Name: "train", X: make([]float64, n*width), Labels: make([]int, n)}
			o, err := models.NewObjective(test.model, models.CrossEntropy, split, models.ObjectiveSettings{})
			if err != nil {
				t.Fatal(err)
			}
			if got := o.Operations(); math.Abs(got/test.want-1) > 0.1 || got < test.want {
				t.Errorf("%s, %d samples: %.0f operations; want %.0f and up to a tenth more", models.Describe(test.model), n, got, test.want)
			}
		}
	}
}
