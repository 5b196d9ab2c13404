package models

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gorgonia.org/tensor"
)

// Init names the distribution of the initial parameters of a dense or a
// convolutional layer.
type Init string

// The initialisations, for a layer with the given numbers of inputs and outputs of
// a unit. Those of a convolution are its channels, of one group for the inputs, times
// the size of the kernel.
const (
	PyTorch Init = "pytorch" // weight and bias uniform in ±1/√inputs: the default of torch.nn.Linear and Conv2d
	Kaiming Init = "kaiming" // weight normal with variance 2/inputs, bias 0 (He et al. 2015)
	Xavier  Init = "xavier"  // weight uniform in ±√(6/(inputs + outputs)), bias 0 (Glorot and Bengio 2010)
)

// Validate returns an error unless the initialisation is one of those above.
func (i Init) Validate() error { return known(inits, i) }

// Draw sets weight, (out, in, kernel...), and bias, which may be nil. Both hold zeros
// before.
func (i Init) Draw(rng *rand.Rand, weight, bias *tensor.Dense) error {
	if err := i.Validate(); err != nil {
		return fmt.Errorf("models: initialisation %w", err)
	}
	shape := weight.Shape()
	if shape.Dims() < 2 {
		return fmt.Errorf("models: weight of shape %v; want (out, in, …)", shape)
	}
	in := weight.DataSize() / shape[0]
	inits[i](rng, weight, bias, float64(in), float64(shape[0]*in/shape[1]))
	return nil
}

var inits = map[Init]func(rng *rand.Rand, weight, bias *tensor.Dense, in, out float64){
	PyTorch: func(rng *rand.Rand, weight, bias *tensor.Dense, in, _ float64) {
		bound := 1 / math.Sqrt(in)
		draw(weight, func() float64 { return bound * (2*rng.Float64() - 1) })
		if bias != nil {
			draw(bias, func() float64 { return bound * (2*rng.Float64() - 1) })
		}
	},
	Kaiming: func(rng *rand.Rand, weight, _ *tensor.Dense, in, _ float64) {
		deviation := math.Sqrt(2 / in)
		draw(weight, func() float64 { return deviation * rng.NormFloat64() })
	},
	Xavier: func(rng *rand.Rand, weight, _ *tensor.Dense, in, out float64) {
		bound := math.Sqrt(6 / (in + out))
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
