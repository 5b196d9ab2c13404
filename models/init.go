package models

import (
	"math"
	"math/rand/v2"

	"gorgonia.org/tensor"
)

// Init names the distribution of a dense layer's initial parameters.
type Init string

// The initialisations, for a layer with the given numbers of inputs and
// outputs.
const (
	PyTorch Init = "pytorch" // weight and bias uniform in ±1/√inputs: the default of torch.nn.Linear
	Kaiming Init = "kaiming" // weight normal with variance 2/inputs, bias 0 (He et al. 2015)
	Xavier  Init = "xavier"  // weight uniform in ±√(6/(inputs + outputs)), bias 0 (Glorot and Bengio 2010)
)

// Validate returns an error unless the initialisation is one of those above.
func (i Init) Validate() error { return known(inits, i) }

var inits = map[Init]func(rng *rand.Rand, weight, bias *tensor.Dense){
	PyTorch: func(rng *rand.Rand, weight, bias *tensor.Dense) {
		bound := 1 / math.Sqrt(float64(weight.Shape()[1]))
		draw(weight, func() float64 { return bound * (2*rng.Float64() - 1) })
		draw(bias, func() float64 { return bound * (2*rng.Float64() - 1) })
	},
	Kaiming: func(rng *rand.Rand, weight, _ *tensor.Dense) {
		deviation := math.Sqrt(2 / float64(weight.Shape()[1]))
		draw(weight, func() float64 { return deviation * rng.NormFloat64() })
	},
	Xavier: func(rng *rand.Rand, weight, _ *tensor.Dense) {
		bound := math.Sqrt(6 / float64(weight.Shape()[0]+weight.Shape()[1]))
		draw(weight, func() float64 { return bound * (2*rng.Float64() - 1) })
	},
}

func draw(t *tensor.Dense, next func() float64) {
	values := make([]float64, t.DataSize())
	for i := range values {
		values[i] = next()
	}
	SetValues(t, values)
}
