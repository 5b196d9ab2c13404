package models

import (
	"gorgonia.org/tensor"
)

// Dense is one dense layer of a network, h ↦ W·h + b.
type Dense struct {
	Weight []float64 // out × in, row-major
	Bias   []float64 // out
}

// Dense returns copies of the layers of a network of dense layers, and the activation
// between them. It knows MLPs, and by their values other models with ReLU or LeakyReLU
// between affine maps, such as a graph from outside. It reports false for the rest, and
// if the model is not computed in float64.
func (f *Field) Dense() (layers []Dense, activation Activation, ok bool) {
	if f.params[0].Dtype() != tensor.Float64 {
		return nil, "", false
	}
	m, ok := f.model.(*MLP)
	if !ok {
		return f.rectified()
	}
	for l := 0; l < len(f.params); l += 2 {
		layers = append(layers, Dense{Weight: Values(f.params[l]), Bias: Values(f.params[l+1])})
	}
	return layers, m.activation, true
}

// Kinked reports whether the model has rectifiers or maximum pooling of package op,
// where it is not differentiable.
func (f *Field) Kinked() bool {
	return len(f.kinks()) > 0 || selects(f.replicas[0].Logits)
}

// Workers is how many chunks of points are computed at once.
func (f *Field) Workers() int { return len(f.replicas) }
