package models

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/weights"
)

// LoadMLP reads an MLP from a .npz or .safetensors file. The arrays determine
// its architecture, but not the activation. The layers are as in [InferMLP].
func LoadMLP(path string, activation Activation, layers ...string) (*MLP, error) {
	arrays, err := weights.Read(path)
	if err != nil {
		return nil, err
	}
	m, err := InferMLP(arrays, activation, layers...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// InferMLP builds an MLP from arrays named PREFIX.weight, (out, in), and
// PREFIX.bias, (out), as PyTorch writes them. The layers are those named, by their
// prefixes, from the input to the output. If none is named, all layers come in the
// order of the numbers in their prefixes, as fc1, fc2, … and linear_relu_stack.0,
// linear_relu_stack.2, …; where a prefix has no number, as in fc1, fc2, out, they
// come in the order of the arrays. It keeps the names and the precision. It ignores
// arrays with a slash in their name, which a checkpoint keeps besides the
// parameters.
func InferMLP(arrays []weights.Array, activation Activation, layers ...string) (*MLP, error) {
	if err := activation.Validate(); err != nil {
		return nil, fmt.Errorf("models: activation %w", err)
	}
	arrays = parameterArrays(arrays)
	if len(arrays) == 0 {
		return nil, fmt.Errorf("models: no arrays; want NAME.weight and NAME.bias for each layer")
	}
	layers, err := orderLayers(arrays, layers)
	if err != nil {
		return nil, err
	}
	dtype := tensor.Float64
	if arrays[0].Float32 {
		dtype = tensor.Float32
	}
	m := &MLP{activation: activation}
	in := -1
	for _, layer := range layers {
		shape, err := layerShape(arrays, layer)
		if err != nil {
			return nil, err
		}
		if in >= 0 && shape[1] != in {
			return nil, fmt.Errorf("models: array %q has shape %v; want (…, %d), the outputs of the layer before, in the order %s; name the layers in theirs (--layers) if it is another",
				layer+".weight", tensor.Shape(shape), in, strings.Join(layers, ", "))
		}
		in = shape[0]
		m.addLayer(layer, shape[0], shape[1], dtype)
	}
	if in < 2 {
		return nil, fmt.Errorf("models: the last layer has %d output; want at least 2 classes", in)
	}
	return m, Import(m.params, arrays)
}

// orderLayers returns the prefixes of the weights in the order of the layers: that
// of wanted, if there are any.
func orderLayers(arrays []weights.Array, wanted []string) ([]string, error) {
	var layers []string
	numbered := true
	for _, a := range arrays {
		prefix, isWeight := strings.CutSuffix(a.Name, ".weight")
		if isWeight {
			layers = append(layers, prefix)
			numbered = numbered && len(numbers(prefix)) > 0
		} else if !strings.HasSuffix(a.Name, ".bias") {
			return nil, fmt.Errorf("models: array %q is neither NAME.weight nor NAME.bias of a dense layer", a.Name)
		}
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("models: no array NAME.weight; there are %s", names(arrays))
	}
	if len(wanted) > 0 {
		if !slices.Equal(slices.Sorted(slices.Values(layers)), slices.Sorted(slices.Values(wanted))) {
			return nil, fmt.Errorf("models: layers %s are named; there are %s, and each of them has its place", strings.Join(wanted, ", "), strings.Join(layers, ", "))
		}
		return wanted, nil
	}
	if numbered {
		slices.SortStableFunc(layers, func(a, b string) int { return slices.Compare(numbers(a), numbers(b)) })
	}
	return layers, nil
}

// numbers returns the whole numbers that are written in s.
func numbers(s string) []int {
	var ns []int
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(run); err == nil {
			ns = append(ns, n)
		}
	}
	return ns
}

// layerShape returns the shape of the weight of a layer. It checks that the bias
// has as many outputs.
func layerShape(arrays []weights.Array, layer string) ([]int, error) {
	find := func(name string) (weights.Array, error) {
		i := slices.IndexFunc(arrays, func(a weights.Array) bool { return a.Name == name })
		if i < 0 {
			return weights.Array{}, fmt.Errorf("models: no array %q; there are %s", name, names(arrays))
		}
		return arrays[i], nil
	}
	weight, err := find(layer + ".weight")
	if err != nil {
		return nil, err
	}
	bias, err := find(layer + ".bias")
	if err != nil {
		return nil, err
	}
	if len(weight.Shape) != 2 || len(weight.Data) == 0 {
		return nil, fmt.Errorf("models: array %q has shape %v; want (out, in) of a dense layer", weight.Name, tensor.Shape(weight.Shape))
	}
	if !slices.Equal(bias.Shape, weight.Shape[:1]) {
		return nil, fmt.Errorf("models: array %q has shape %v; want (%d), the outputs of %q", bias.Name, tensor.Shape(bias.Shape), weight.Shape[0], weight.Name)
	}
	return weight.Shape, nil
}
