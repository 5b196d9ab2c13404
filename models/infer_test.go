package models_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Loss, norm of its gradient and accuracy of two trained networks: reference
// implementation, PyTorch float64. The accuracies are 150/150, 59/60 and 6/6.
func TestLoadMLPAgreesWithPyTorch(t *testing.T) {
	for _, test := range []struct {
		file, data, net    string
		split              string
		loss, norm         float64
		accuracy           float64
		firstName, lastOne string
	}{
		{
			"gauss_small.npz", "gauss", "MLP 2-30-30-3 relu", "train",
			0.000695506461703026, 0.0026343035278128296, 1, "fc1.weight", "fc3.bias",
		},
		{
			"gauss_small.npz", "gauss", "MLP 2-30-30-3 relu", "test",
			0.25692978503298824, 0, 59. / 60, "fc1.weight", "fc3.bias",
		},
		{
			"intro1D_seed29.npz", "intro1D", "MLP 1-10-2 relu", "train",
			0.16062806823751527, 0.04376055310152556, 1, "linear_relu_stack.0.weight", "linear_relu_stack.2.bias",
		},
	} {
		t.Run(test.file+" "+test.split, func(t *testing.T) {
			m, err := models.LoadMLP(filepath.Join("weights", "testdata", test.file), models.ReLU)
			if err != nil {
				t.Fatal(err)
			}
			params := m.Parameters()
			if m.String() != test.net || params[0].Name != test.firstName || params[len(params)-1].Name != test.lastOne {
				t.Errorf("%v with %s … %s", m, params[0].Name, params[len(params)-1].Name)
			}
			data, err := datasets.Load(context.Background(), test.data, datasets.Options{})
			if err != nil {
				t.Fatal(err)
			}
			split, err := data.Split(test.split)
			if err != nil {
				t.Fatal(err)
			}
			o := newObjective(t, m, models.CrossEntropy, split, 1)
			g, loss := gradient(t, o)
			e, err := o.Evaluate(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			// Sums of some thousand products in another order.
			const tolerance = 1e-10
			if e.Loss != loss || math.Abs(loss-test.loss) > tolerance*test.loss {
				t.Errorf("loss %v, evaluated %v, want %v", loss, e.Loss, test.loss)
			}
			if norm := floats.Norm(g, 2); test.norm > 0 && math.Abs(norm-test.norm) > tolerance*test.norm {
				t.Errorf("‖∇L‖ = %v, want %v", norm, test.norm)
			}
			if e.Accuracy != test.accuracy {
				t.Errorf("accuracy %v, want %v", e.Accuracy, test.accuracy)
			}
		})
	}
}

func TestLoadMLPErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := models.LoadMLP(filepath.Join(dir, "missing.npz"), models.ReLU); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing file: error %v", err)
	}
	path := filepath.Join(dir, "cnn.npz")
	if err := weights.Write(path, []weights.Array{{Name: "conv1.weight", Shape: []int{1, 1, 1, 1}, Data: []float64{1}}}); err != nil {
		t.Fatal(err)
	}
	_, err := models.LoadMLP(path, models.ReLU)
	wantError(t, err, path+`: models: no array "conv1.bias"; there are "conv1.weight"`)
}

// Layers come in the order of their numbers, fc10 behind fc9, wherever their
// arrays are in the file.
func TestInferMLPOrdersLayers(t *testing.T) {
	widths := []int{3, 4, 5, 4, 6, 4, 3, 5, 4, 7, 2}
	for _, format := range []string{"fc%d", "linear_relu_stack.%d", "net.0.layer%d", "%d"} {
		for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
			m := newMLP(t, models.MLPConfig{Input: 2, Hidden: widths, Classes: 3, Activation: models.Tanh, Precision: precision})
			arrays := models.Export(m.Parameters())
			for i := range arrays {
				var layer int
				var kind string
				if _, err := fmt.Sscanf(arrays[i].Name, "fc%d.%s", &layer, &kind); err != nil {
					t.Fatal(err)
				}
				arrays[i].Name = fmt.Sprintf(format, layer) + "." + kind
			}
			rng := rand.New(rand.NewPCG(1, 1))
			rng.Shuffle(len(arrays), func(i, j int) { arrays[i], arrays[j] = arrays[j], arrays[i] })
			got, err := models.InferMLP(arrays, models.Tanh)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != m.String() || models.Precision(got) != precision || !slices.Equal(flat(got), flat(m)) {
				t.Errorf("%s: %v of %v, want %v", format, got, models.Precision(got), m)
			}
			if name, want := got.Parameters()[22].Name, fmt.Sprintf(format, 12)+".weight"; name != want {
				t.Errorf("last layer %q, want %q", name, want)
			}
		}
	}
}

// Layers of which one has no number come in the order of the arrays, or as named.
func TestInferMLPNamedLayers(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4, 4}, Classes: 3})
	arrays := models.Export(m.Parameters())
	for i, name := range []string{"stem", "fc2", "out"} {
		arrays[2*i].Name, arrays[2*i+1].Name = name+".weight", name+".bias"
	}
	got, err := models.InferMLP(arrays, models.ReLU)
	if err != nil || !slices.Equal(flat(got), flat(m)) {
		t.Errorf("%v, error %v; want the layers in the order of the file", got, err)
	}
	sorted := append(slices.Clone(arrays[2:]), arrays[:2]...) // fc2, out, stem: as .safetensors files have them
	if _, err := models.InferMLP(sorted, models.ReLU); err == nil || !strings.Contains(err.Error(), "in the order fc2, out, stem; name the layers in theirs") {
		t.Errorf("error %v; want one that tells the order", err)
	}
	got, err = models.InferMLP(sorted, models.ReLU, "stem", "fc2", "out")
	if err != nil || !slices.Equal(flat(got), flat(m)) {
		t.Errorf("%v, error %v; want the layers in the order that is named", got, err)
	}
	for _, layers := range [][]string{{"stem", "out"}, {"stem", "fc2", "outer"}, {"stem", "stem", "out"}} {
		if _, err := models.InferMLP(arrays, models.ReLU, layers...); err == nil || !strings.Contains(err.Error(), "there are stem, fc2, out") {
			t.Errorf("layers %v: error %v; want those that there are", layers, err)
		}
	}
}

func TestInferMLPErrors(t *testing.T) {
	array := func(name string, shape ...int) weights.Array {
		return weights.Array{Name: name, Shape: shape, Data: make([]float64, tensor.Shape(shape).TotalSize())}
	}
	good := []weights.Array{array("fc1.weight", 5, 2), array("fc1.bias", 5), array("fc2.weight", 3, 5), array("fc2.bias", 3)}
	if _, err := models.InferMLP(append(good, array("optimizer/momentum/fc1.weight", 9)), models.ReLU); err != nil {
		t.Errorf("with the state of an optimizer: %v", err)
	}
	for _, test := range []struct {
		name       string
		arrays     []weights.Array
		activation models.Activation
		want       string
	}{
		{"activation", good, "swish", `models: activation is "swish"; want one of gelu, leaky_relu, relu, sigmoid, softplus, tanh`},
		{"no arrays", nil, models.ReLU, "models: no arrays; want NAME.weight and NAME.bias for each layer"},
		{"no parameters", []weights.Array{array("optimizer/x", 1)}, models.ReLU, "models: no arrays; want NAME.weight and NAME.bias for each layer"},
		{"no bias", good[:3], models.ReLU, `models: no array "fc2.bias"; there are "fc1.weight", "fc1.bias", "fc2.weight"`},
		{"no weight", good[1:], models.ReLU, `models: array "fc1.bias" belongs to no parameter of the model`},
		{"biases alone", good[1:2], models.ReLU, `models: no array NAME.weight; there are "fc1.bias"`},
		{
			"unknown", append(good[:4:4], array("bn.running_mean", 5)), models.ReLU,
			`models: array "bn.running_mean" is neither NAME.weight nor NAME.bias of a dense layer`,
		},
		{
			"chain",
			[]weights.Array{array("fc1.weight", 5, 2), array("fc1.bias", 5), array("fc2.weight", 3, 4), array("fc2.bias", 3)},
			models.ReLU,
			`models: array "fc2.weight" has shape (3, 4); want (…, 5), the outputs of the layer before, in the order fc1, fc2; name the layers in theirs (--layers) if it is another`,
		},
		{
			"rank",
			[]weights.Array{array("conv.weight", 5, 2, 3, 3), array("conv.bias", 5)},
			models.ReLU,
			`models: array "conv.weight" has shape (5, 2, 3, 3); want (out, in) of a dense layer`,
		},
		{
			"rank of a bias",
			[]weights.Array{array("fc1.weight", 5, 2), array("fc1.bias", 5, 1)},
			models.ReLU,
			`models: array "fc1.bias" has shape (5, 1); want (5), the outputs of "fc1.weight"`,
		},
		{
			"one output",
			[]weights.Array{array("fc1.weight", 1, 2), array("fc1.bias", 1)},
			models.ReLU,
			"models: the last layer has 1 output; want at least 2 classes",
		},
		{
			"twice",
			[]weights.Array{array("fc1.weight", 2, 2), array("fc1.bias", 2), array("fc1.weight", 2, 2)},
			models.ReLU,
			`models: two arrays are named "fc1.weight"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := models.InferMLP(test.arrays, test.activation)
			wantError(t, err, test.want)
		})
	}
}
