package models

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Dense is one dense layer of a network, h ↦ W·h + b.
type Dense struct {
	Weight []float64 // out × in, row-major
	Bias   []float64 // out
}

// Dense returns copies of the layers of an MLP and the activation between them.
// It reports false if the model is no MLP, or is not computed in float64.
func (f *Field) Dense() (layers []Dense, activation Activation, ok bool) {
	m, ok := f.model.(*MLP)
	if !ok || f.params[0].Dtype() != tensor.Float64 {
		return nil, "", false
	}
	for l := 0; l < len(f.params); l += 2 {
		layers = append(layers, Dense{Weight: Values(f.params[l]), Bias: Values(f.params[l+1])})
	}
	return layers, m.activation, true
}

// Kinked reports whether the model has rectifiers or maximum pooling of package op,
// where it is not differentiable.
func (f *Field) Kinked() bool {
	logits := f.replicas[0].Logits
	return len(kinked(logits, make(map[*G.Node]bool))) > 0 || selects(logits, make(map[*G.Node]bool))
}

// Workers is how many chunks of points are computed at once.
func (f *Field) Workers() int { return len(f.replicas) }
