package piecewise_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/hessoscope/hessoscope/callbacks/margin/piecewise"
	"github.com/hessoscope/hessoscope/models"
)

// The logits of the network are 1 and |x₁|, so its boundary is where |x₁| is 1.
func Example() {
	network := piecewise.New([]models.Dense{
		{Weight: []float64{1, 0, -1, 0}, Bias: []float64{0, 0}},
		{Weight: []float64{0, 0, 1, 1}, Bias: []float64{1, 0}},
	}, models.ReLU)
	sample, beyond := []float64{0.25, 3}, []float64{-2, 1} // the latter as an offset
	found := piecewise.NewExplorer(network).Nearest(sample, 0, [][]float64{beyond}, rand.New(rand.NewPCG(1, 2)))
	point := network.Point(sample, found.Y)
	fmt.Printf("(%.6f, %.6f) is %.6f away, and no boundary point is nearer than %.6f\n",
		point[0], point[1], math.Hypot(found.Y[0], found.Y[1]), found.Lower)
	// Output: (1.000000, 3.000000) is 0.750000 away, and no boundary point is nearer than 0.749999
}
