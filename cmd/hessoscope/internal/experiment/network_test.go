package experiment

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// experimentWith is an experiment with a model, which begins on its fifth line.
func experimentWith(model string) string {
	return "name: e\ndata:\n  set: iris\nmodel:\n" + model + "training: {rate: {base: 0.1}}\nspectrum: {off: true}\n"
}

const layers = `  input: [4]
  layers:
  - dense: {name: hidden, out: 8}
  - batch_norm
  - relu
  - dense: {out: 3}
`

const netFile = `input: [1, 2, 2]
layers:
- conv2d: {out: 3, kernel: 2}
- flatten
- dense: {out: 3}
`

func TestNetwork(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("net.yaml", []byte(netFile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		model       string
		description string
		parameters  int
	}{
		{"input: [4]\n  layers: [dense: {out: 8}, batch_norm, relu, dense: {out: 3}]", "network 4 dense(8) batch_norm relu dense(3)", 83},
		{"layers: [dense: {out: 8}, tanh, dense: {out: 3}]\n  init: kaiming", "network 4 dense(8) tanh dense(3)", 67},
		{"layers: [conv2d: {out: 2, kernel: 2}, flatten, dense: {out: 3}]\n  input: [1, 2, 2]\n  precision: float32", "network 1×2×2 conv2d(2) flatten dense(3)", 19},
		{"file: net.yaml", "network 1×2×2 conv2d(3) flatten dense(3)", 27},
	} {
		text := experimentWith("  " + c.model + "\n")
		config, err := Parse("e.yaml", []byte(text))
		if err != nil {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		config.Resolve()
		if err := config.Absolute(); err != nil {
			t.Fatal(err)
		}
		// The run's own settings have the network, wherever it was.
		run := filepath.Join(t.TempDir(), "run")
		create(t, config, run)
		again, err := ReadRun(run)
		if err != nil {
			t.Fatal(err)
		}
		data, err := again.LoadData(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m, err := again.BuildModel(data)
		if err != nil {
			t.Fatal(err)
		}
		if models.Describe(m) != c.description || models.Size(m) != c.parameters {
			t.Errorf("%s: %s, %d parameters; want %s, %d", c.model, models.Describe(m), models.Size(m), c.description, c.parameters)
		}
	}
}

// A ready-made network takes its input and its classes from the data.
func TestReadyMadeNetwork(t *testing.T) {
	c := &Config{Model: Model{Name: "cnn"}}
	m, err := c.fresh(&datasets.Dataset{Name: "digits", Shape: []int{1, 28, 28}, Classes: []string{"0", "1", "7"}})
	if err != nil {
		t.Fatal(err)
	}
	if models.Size(m) != 7203 {
		t.Errorf("%d parameters; want 7203", models.Size(m))
	}
}

func TestBadNetwork(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"net.yaml":     netFile,
		"unknown.yaml": "layers:\n- relu\n- rellu\n",
		"kernel.yaml":  "input: [1, 2, 2]\nlayers:\n- conv2d: {out: 3, kernel: 3}\n",
		"key.yaml":     "layers: [relu]\ninputs: [4]\n",
		"wide.yaml":    "layers:\n- relu\n- dense: {out: 4}\n",
		"empty.yaml":   "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"unknown layer", "- relu", "- rellu", `e.yaml:9:5: unknown layer "rellu"; did you mean "relu"?`},
		{"unknown key", "name: hidden", "nam: hidden", `e.yaml:7:13: unknown key "nam" of dense; did you mean "name"?`},
		{"no whole number", "out: 8", "out: 8.5", `e.yaml:7:32: "8.5" is not a whole number`},
		{"shape", "- relu", "- max_pool: {kernel: 2}", "e.yaml:9:15: model.layers[2].max_pool takes channels × height × width; its input has 8 features"},
		{"a key's value", "- relu", "- dropout: {p: 1.5}", "e.yaml:9:18: model.layers[2].dropout.p is 1.5; want a probability above 0 and below 1"},
		{"nested", "- relu", "- residual:\n      layers:\n      - relu\n      - dense: {out: 7}", "e.yaml:11:7: model.layers[2].residual.layers makes 7, which cannot be added to the input, 8"},
		{"no layers", layers, "  layers: []\n", "e.yaml:5:11: model.layers is empty; want layers"},
		{"two networks", "input: [4]", "name: lenet5", "e.yaml:7:3: model.layers excludes name: each of them describes a network"},
		{"hidden", "input: [4]", "hidden: [4]", "e.yaml:5:11: model.hidden does not apply to a network of layers: its widths are in the layers"},
		{"type", "input: [4]", "type: mlp", "e.yaml:5:9: model.type does not apply to a network of layers: leave it out"},
		{"activation", "input: [4]", "activation: tanh", "e.yaml:5:15: model.activation does not apply to a network of layers: its activations are layers"},
		{"input", "input: [4]", "input: [2, 2]", "e.yaml:5:10: model.input is [2 2]; want [channels, height, width] or [features]"},
		{"of the data", "input: [4]", "input: [5]", "e.yaml:5:10: model.input is [5]; a sample of iris has 4 values, of shape [4]"},
		{"kernel of the data", "input: [4]\n  layers:\n", "layers:\n  - conv2d: {out: 3, kernel: 3}\n", "e.yaml:6:13: model.layers[0].conv2d takes channels × height × width; its input has 4 features"},
		{"classes", "dense: {out: 3}", "dense: {out: 4}", "e.yaml:10:10: model.layers[3] is the last layer and has 4 outputs; want 3, one for each class of iris"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Parse("e.yaml", []byte(experimentWith(replace(t, layers, test.old, test.new))))
			refused(t, prepared(t, c, err), test.want)
		})
	}
	for _, test := range []struct{ model, want string }{
		{"{name: lenet}", `e.yaml:4:15: model.name is "lenet"; did you mean "lenet5"?`},
		{"{file: none.yaml}", "e.yaml:4:15: model.file is not usable: open none.yaml: no such file or directory"},
		{"{file: unknown.yaml}", `e.yaml:4:15: model.file is not usable: unknown.yaml:3:3: unknown layer "rellu"; did you mean "relu"?`},
		{"{file: kernel.yaml}", "e.yaml:4:15: model.file is not usable: kernel.yaml:3:28: layers[0].conv2d.kernel is 3 × 3; its input is 2 × 2"},
		{"{file: wide.yaml}", "e.yaml:4:8: model.layers[1] is the last layer and has 4 outputs; want 3, one for each class of iris"},
		{"{file: key.yaml}", `e.yaml:4:15: model.file is not usable: key.yaml:2:1: unknown key "inputs"; did you mean "input"?`},
		{"{file: empty.yaml}", "e.yaml:4:15: model.file is not usable: empty.yaml: the file is empty; docs/networks.md shows what it may hold"},
		{"{file: net.yaml, input: [4]}", "e.yaml:4:32: model.input does not apply to a network of layers: it is in the file"},
		{"{input: [4]}", "e.yaml:4:16: model.input is for a network of layers: want name or layers too"},
		{"{name: resnet18, norm_of: x.npz, weights: x.npz}", "e.yaml:4:34: model.norm_of excludes weights"},
	} {
		t.Run(test.model, func(t *testing.T) {
			c, err := Parse("e.yaml", []byte("name: e\ndata:\n  set: iris\nmodel: "+test.model+"\ntraining: {rate: {base: 0.1}}\n"))
			refused(t, prepared(t, c, err), test.want)
		})
	}
}

// An MLP starts from the weights of layers with other names, and not from those of
// other widths.
func TestImportMLP(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.npz")
	arrays := func(hidden int) []weights.Array {
		return []weights.Array{
			{Name: "stem.weight", Shape: []int{hidden, 2}, Data: slices.Repeat([]float64{0.25}, 2*hidden)},
			{Name: "stem.bias", Shape: []int{hidden}, Data: make([]float64, hidden)},
			{Name: "out.weight", Shape: []int{3, hidden}, Data: make([]float64, 3*hidden)},
			{Name: "out.bias", Shape: []int{3}, Data: []float64{1, 2, 3}},
		}
	}
	c, err := Load("gauss")
	if err != nil {
		t.Fatal(err)
	}
	c.Model = Model{Hidden: []int{4}, Weights: path}
	data, err := c.LoadData(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for hidden, want := range map[int]string{4: "", 5: "is an MLP 2-5-3 relu; want an MLP 2-4-3 relu"} {
		if err := weights.Write(path, arrays(hidden)); err != nil {
			t.Fatal(err)
		}
		m, err := c.BuildModel(data)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v; want %q", err, want)
			}
		} else if err != nil || m.Parameters()[0].Name != "fc1.weight" || !slices.Equal(models.Values(m.Parameters()[3].Value), []float64{1, 2, 3}) {
			t.Errorf("%v, error %v", m, err)
		}
	}
}
