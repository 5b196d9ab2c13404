package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Activation names the nonlinearity between layers.
type Activation string

// The activations.
const (
	ReLU      Activation = "relu"
	LeakyReLU Activation = "leaky_relu" // slope 0.01 below zero, as PyTorch's default
	Tanh      Activation = "tanh"
	Sigmoid   Activation = "sigmoid"
	Softplus  Activation = "softplus"
	GELU      Activation = "gelu" // exact, with the normal distribution function
)

const leakySlope = 0.01

var activations = map[Activation]func(*G.Node) (*G.Node, error){
	ReLU:      op.ReLU,
	LeakyReLU: func(z *G.Node) (*G.Node, error) { return op.LeakyReLU(z, leakySlope) },
	Tanh:      op.Tanh,
	Sigmoid:   op.Sigmoid,
	Softplus:  op.Softplus,
	GELU:      op.GELU,
}

// Validate returns an error unless the activation is one of those above.
func (a Activation) Validate() error { return known(activations, a) }

// Activations returns all activations, sorted by name.
func Activations() []Activation { return slices.Sorted(maps.Keys(activations)) }

// Apply applies the activation to z, element by element.
func (a Activation) Apply(z *G.Node) (*G.Node, error) {
	if err := a.Validate(); err != nil {
		return nil, fmt.Errorf("models: activation %w", err)
	}
	return activations[a](z)
}

// known returns an error that lists the keys of m unless name is one of them.
func known[K ~string, V any](m map[K]V, name K) error {
	if _, ok := m[name]; ok {
		return nil
	}
	names := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		names = append(names, string(k))
	}
	return fmt.Errorf("is %q; want one of %s", name, strings.Join(names, ", "))
}

// Slope returns the slope below zero of a rectifier, which has slope 1 above. It
// reports false for the activations that are smooth.
func (a Activation) Slope() (slope float64, ok bool) {
	switch a {
	case ReLU:
		return 0, true
	case LeakyReLU:
		return leakySlope, true
	}
	return 0, false
}
