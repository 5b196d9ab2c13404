package models

import (
	"fmt"
	"math/rand/v2"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// MLP is a multilayer perceptron: dense layers with an activation between
// them and none after the last,
//
//	h₀ = x,   hₗ = σ(hₗ₋₁·Wₗᵀ + bₗ),   f(x) = h_{L−1}·W_Lᵀ + b_L
//
// Its parameters are fc1.weight (out, in), fc1.bias (out), fc2.weight, … as
// PyTorch names and lays them out.
type MLP struct {
	activation Activation
	params     []Parameter // weight and bias of each layer in turn
}

var _ Model = (*MLP)(nil)

// MLPConfig describes an MLP. Input and Classes are required.
type MLPConfig struct {
	Input      int          // values a sample
	Hidden     []int        // widths of the hidden layers; none makes a linear classifier
	Classes    int          // at least 2
	Activation Activation   // ReLU if empty
	Init       Init         // PyTorch's if empty
	Precision  tensor.Dtype // Float64 if zero
}

// NewMLP returns an MLP with parameters drawn from rng.
func NewMLP(c MLPConfig, rng *rand.Rand) (*MLP, error) {
	if c.Activation == "" {
		c.Activation = ReLU
	}
	if c.Init == "" {
		c.Init = PyTorch
	}
	if c.Precision == (tensor.Dtype{}) {
		c.Precision = tensor.Float64
	}
	if err := c.Activation.Validate(); err != nil {
		return nil, fmt.Errorf("models: activation %w", err)
	}
	if err := checkPrecision(c.Precision); err != nil {
		return nil, err
	}
	if c.Input < 1 || c.Classes < 2 {
		return nil, fmt.Errorf("models: an MLP with %d inputs and %d classes; want at least 1 and 2", c.Input, c.Classes)
	}
	m := &MLP{activation: c.Activation}
	in := c.Input
	for l, out := range append(append([]int(nil), c.Hidden...), c.Classes) {
		if out < 1 {
			return nil, fmt.Errorf("models: hidden layer %d has width %d; want at least 1", l+1, out)
		}
		m.addLayer(fmt.Sprintf("fc%d", l+1), out, in, c.Precision)
		if err := c.Init.Draw(rng, m.params[2*l].Value, m.params[2*l+1].Value); err != nil {
			return nil, err
		}
		in = out
	}
	return m, nil
}

func (m *MLP) addLayer(name string, out, in int, dtype tensor.Dtype) {
	m.params = append(m.params,
		Parameter{name + ".weight", tensor.New(tensor.WithShape(out, in), tensor.Of(dtype))},
		Parameter{name + ".bias", tensor.New(tensor.WithShape(out), tensor.Of(dtype))},
	)
}

// Parameters implements Model: weight and bias of each layer in turn.
func (m *MLP) Parameters() []Parameter { return m.params }

// InputShape implements Model.
func (m *MLP) InputShape() []int { return []int{m.params[0].Value.Shape()[1]} }

// Classes implements Model.
func (m *MLP) Classes() int { return m.params[len(m.params)-1].Value.Shape()[0] }

// Activation is the nonlinearity between the layers.
func (m *MLP) Activation() Activation { return m.activation }

// String gives the widths and the activation: "MLP 2-100-100-3 relu".
func (m *MLP) String() string {
	widths := []string{fmt.Sprint(m.InputShape()[0])}
	for l := 1; l < len(m.params); l += 2 {
		widths = append(widths, fmt.Sprint(m.params[l].Value.DataSize()))
	}
	return fmt.Sprintf("MLP %s %s", strings.Join(widths, "-"), m.activation)
}

// Logits implements Model.
func (m *MLP) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	h := x
	for l := 0; l < len(params); l += 2 {
		z, err := op.MatMul(h, params[l], false, true)
		if err != nil {
			return nil, err
		}
		if h, err = op.AddRow(z, params[l+1]); err != nil {
			return nil, err
		}
		if l+2 < len(params) {
			if h, err = m.activation.Apply(h); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}
