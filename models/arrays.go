package models

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/weights"
)

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
// order. An array that belongs to no parameter is an error, unless it has a
// slash in its name, as those that a checkpoint keeps besides the parameters, or is
// PyTorch's NAME.num_batches_tracked beside a NAME.running_mean. After an error
// nothing has changed.
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
		layer, counter := strings.CutSuffix(a.Name, ".num_batches_tracked")
		if !known[a.Name] && !(counter && known[layer+".running_mean"]) {
			return fmt.Errorf("models: array %q belongs to no parameter of the model", a.Name)
		}
	}
	for _, p := range params {
		SetValues(p.Value, byName[p.Name].Data)
	}
	return nil
}

// parameterArrays returns the arrays whose names can be those of parameters.
func parameterArrays(arrays []weights.Array) []weights.Array {
	return slices.DeleteFunc(slices.Clone(arrays), func(a weights.Array) bool { return strings.Contains(a.Name, "/") })
}

// names returns a list of the names of arrays, for errors.
func names(arrays []weights.Array) string {
	if len(arrays) == 0 {
		return "none"
	}
	var list []string
	for _, a := range arrays {
		list = append(list, strconv.Quote(a.Name))
	}
	return strings.Join(list, ", ")
}
