package models

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/weights"
)

// A Model is a classifier.
type Model interface {
	// Parameters returns the parameters in a fixed order. The tensors are the
	// model's own, dense, row-major and all of one type, float32 or float64.
	Parameters() []Parameter
	// InputShape is the shape of one sample.
	InputShape() []int
	// Classes is the number of logits of a sample.
	Classes() int
	// Logits returns the logits, (n, Classes), for the input x, (n,
	// InputShape...), and nodes that hold the parameters, in the order of
	// Parameters but perhaps of the other type.
	Logits(x *G.Node, params G.Nodes) (*G.Node, error)
}

// A Fixed model exists for one batch size, and in the type of its parameters,
// only. Smaller batches are padded with samples of weight zero.
type Fixed interface {
	Model
	BatchSize() int
}

// Parameter is a named parameter tensor.
type Parameter struct {
	Name  string
	Value *tensor.Dense
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

// rowMajor tells whether the elements of t are in the order of its shape.
func rowMajor(t *tensor.Dense) bool { return !t.RequiresIterator() && !t.DataOrder().IsColMajor() }

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

// Values returns a copy of the elements of t as float64.
func Values(t *tensor.Dense) []float64 {
	if t.Dtype() == tensor.Float32 {
		wide := make([]float64, t.DataSize())
		for i, v := range t.Float32s() {
			wide[i] = float64(v)
		}
		return wide
	}
	return append([]float64(nil), t.Float64s()...)
}

// SetValues sets the elements of t, rounded to its type. There must be as many
// values as t has elements.
func SetValues(t *tensor.Dense, values []float64) {
	if t.Dtype() == tensor.Float32 {
		dst := t.Float32s()
		for i, v := range values {
			dst[i] = float32(v)
		}
		return
	}
	copy(t.Float64s(), values)
}

// parametersIn returns tensors of one precision for the parameters of m: its
// own, if they are of that precision.
func parametersIn(m Model, dtype tensor.Dtype) (params []*tensor.Dense, shared bool) {
	_, fixed := m.(Fixed)
	shared = !fixed && dtype == Precision(m)
	for _, p := range m.Parameters() {
		if shared {
			params = append(params, p.Value)
			continue
		}
		params = append(params, tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(dtype)))
	}
	return params, shared
}

// copyParameters sets dst to the parameters of m, in its precision.
func copyParameters(dst []*tensor.Dense, m Model) error {
	for i, p := range m.Parameters() {
		if !slices.Equal(p.Value.Shape(), dst[i].Shape()) || !rowMajor(p.Value) {
			return fmt.Errorf("models: parameter %q has shape %v, strides %v; want a row-major tensor of shape %v",
				p.Name, p.Value.Shape(), p.Value.Strides(), dst[i].Shape())
		}
		SetValues(dst[i], Values(p.Value))
	}
	return nil
}

// Export returns parameters as arrays, under their names.
func Export(params []Parameter) []weights.Array {
	arrays := make([]weights.Array, len(params))
	for i, p := range params {
		arrays[i] = weights.Array{
			Name:    p.Name,
			Shape:   append([]int(nil), p.Value.Shape()...),
			Data:    Values(p.Value),
			Float32: p.Value.Dtype() == tensor.Float32,
		}
	}
	return arrays
}

// Import sets parameters from arrays of the same names and shapes, in any
// order. Arrays that belong to no parameter are an error, but for those with a
// slash in their name, which a checkpoint keeps beside the parameters. On an
// error nothing is changed.
func Import(params []Parameter, arrays []weights.Array) error {
	byName := make(map[string]weights.Array)
	for _, a := range arrays {
		if _, ok := byName[a.Name]; ok {
			return fmt.Errorf("models: two arrays are named %q", a.Name)
		}
		byName[a.Name] = a
	}
	known := make(map[string]bool)
	for _, p := range params {
		a, ok := byName[p.Name]
		if !ok {
			return fmt.Errorf("models: no array %q for the parameter of shape %v; there are %s", p.Name, p.Value.Shape(), names(arrays))
		}
		if !slices.Equal(p.Value.Shape(), tensor.Shape(a.Shape)) {
			return fmt.Errorf("models: array %q has shape %v; want %v", p.Name, tensor.Shape(a.Shape), p.Value.Shape())
		}
		if len(a.Data) != p.Value.DataSize() {
			return fmt.Errorf("models: array %q holds %d values; its shape %v wants %d", p.Name, len(a.Data), p.Value.Shape(), p.Value.DataSize())
		}
		known[p.Name] = true
	}
	for _, a := range parameterArrays(arrays) {
		if !known[a.Name] {
			return fmt.Errorf("models: array %q belongs to no parameter of the model", a.Name)
		}
	}
	for _, p := range params {
		SetValues(p.Value, byName[p.Name].Data)
	}
	return nil
}
