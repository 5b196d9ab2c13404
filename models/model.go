package models

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Model is a network: a classifier, or one for the values of a regression.
type Model interface {
	// Parameters returns the parameters in a fixed order. The tensors are the
	// model's own, dense, row-major and all of one type, float32 or float64.
	Parameters() []Parameter
	// InputShape is the shape of one sample.
	InputShape() []int
	// Classes is the number of logits of a sample, of outputs in a regression.
	Classes() int
	// Logits returns the logits, (n, Classes), for the input x, (n,
	// InputShape...), and nodes that hold the parameters, in the order of
	// Parameters; those of the buffers follow if it is Buffered. All are of one
	// float type, not always that of Parameters.
	Logits(x *G.Node, params G.Nodes) (*G.Node, error)
}

// A Fixed model can be built for one batch size only. Smaller batches are padded
// with samples of weight zero.
type Fixed interface {
	Model
	BatchSize() int
}

// A Buffered model has tensors besides its parameters that its logits depend on
// and that are not learned, such as running statistics. Their nodes follow those of
// the parameters when Logits is called, and their values are taken over whenever
// those of the parameters are.
type Buffered interface {
	Model
	Buffers() []Parameter
}

func buffersOf(m Model) []Parameter {
	if b, ok := m.(Buffered); ok {
		return b.Buffers()
	}
	return nil
}

// Parameter is a named parameter tensor.
type Parameter struct {
	Name  string
	Value *tensor.Dense
}

// Describe is the model in one line: its String, if it has one, or its type.
func Describe(m Model) string {
	if s, ok := m.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", m)
}

// Size is the number of values of all parameters, P.
func Size(m Model) int {
	size := 0
	for _, p := range m.Parameters() {
		size += p.Value.DataSize()
	}
	return size
}

// Precision is the type of the model's parameters.
func Precision(m Model) tensor.Dtype { return m.Parameters()[0].Value.Dtype() }

func checkPrecision(t tensor.Dtype) error {
	if t != tensor.Float64 && t != tensor.Float32 {
		return fmt.Errorf("models: precision is %v; want float32 or float64", t)
	}
	return nil
}

// Norm is the Euclidean norm of all parameters, ‖θ‖.
func Norm(m Model) float64 {
	sum := 0.0
	for _, p := range m.Parameters() {
		for _, v := range Values(p.Value) {
			sum += v * v
		}
	}
	return math.Sqrt(sum)
}

// Rescale multiplies all parameters by one factor so that their norm becomes
// norm: the starting point of the paper's large-norm regime.
func Rescale(m Model, norm float64) error {
	old, limit := Norm(m), math.MaxFloat64
	if Precision(m) == tensor.Float32 {
		limit = math.MaxFloat32
	}
	if !(norm > 0 && norm <= limit) || !(old > 0) {
		return fmt.Errorf("models: cannot rescale parameters of norm %g to %g; want finite, positive norms", old, norm)
	}
	for _, p := range m.Parameters() {
		scaled := Values(p.Value)
		for i := range scaled {
			scaled[i] *= norm / old
		}
		SetValues(p.Value, scaled)
	}
	return nil
}

// parametersIn returns tensors of one precision for the parameters of m: the
// model's own, shared with it, if they have that precision.
func parametersIn(m Model, dtype tensor.Dtype) (params []*tensor.Dense, shared bool) {
	if _, fixed := m.(Fixed); fixed || dtype != Precision(m) {
		return ownParameters(m, dtype), false
	}
	for _, p := range m.Parameters() {
		params = append(params, p.Value)
	}
	return params, true
}

// ownParameters returns new tensors of the shapes of the parameters of m.
func ownParameters(m Model, dtype tensor.Dtype) (params []*tensor.Dense) {
	for _, p := range m.Parameters() {
		params = append(params, tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(dtype)))
	}
	return params
}

// copyParameters sets dst to the parameters of m, in its precision.
func copyParameters(dst []*tensor.Dense, m Model) error {
	for i, p := range m.Parameters() {
		if !slices.Equal(p.Value.Shape(), dst[i].Shape()) || !rowMajor(p.Value) {
			return fmt.Errorf("models: parameter %q has shape %v, strides %v; want a row-major tensor of shape %v",
				p.Name, p.Value.Shape(), p.Value.Strides(), dst[i].Shape())
		}
		assign(dst[i], p.Value)
	}
	return nil
}
