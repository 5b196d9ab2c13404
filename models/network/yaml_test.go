package network_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
)

func TestYAML(t *testing.T) {
	want := network.Description{Input: []int{3, 8, 8}, Layers: network.Layers{
		network.Conv2D{
			Name: "c", Out: 4, Kernel: network.Pair{3, 2}, Stride: network.Square(1), Padding: network.Padding{0, 0, 1, 1},
			Dilation: network.Square(1), Groups: 1, NoBias: true,
		},
		network.Activation(models.ReLU), network.Activation(models.GELU),
		network.MaxPool{Kernel: network.Square(2), Stride: network.Pair{1, 2}},
		network.AvgPool{Kernel: network.Square(3), Padding: network.Padding{1, 0, 1, 1}, NoPadding: true},
		network.BatchNorm{},
		network.LayerNorm{Name: "7"},
		network.Dropout{P: 0.25},
		network.Residual{Layers: network.Layers{network.Conv2D{Out: 4, Kernel: network.Square(3), Padding: network.Same}}, Shortcut: network.Layers{network.BatchNorm{Name: "b"}}},
		network.GlobalAvgPool{},
		network.Flatten{},
		network.Dense{Out: 3},
	}}
	const text = `
input: [3, 8, 8]
layers:
- conv2d:
    name: c
    out: 4
    kernel: [3, 2]
    stride: 1.0
    padding: [0, 1]
    dilation: 1
    groups: 0x1
    bias: false
- relu
- gelu:
- max_pool: {kernel: 2, stride: [1, 2]}
- avg_pool: {kernel: &k 3, padding: [1, 0, 1, 1], count_include_pad: false}
- batch_norm
- layer_norm: {name: 7}
- dropout: {p: 0.25}
- residual: {layers: [conv2d: {out: 4, kernel: 3, padding: same}], shortcut: [{batch_norm: {name: b}}]}
- global_avg_pool: {}
- "flatten"
- dense: {out: 3}
`
	var have network.Description
	if err := yaml.Unmarshal([]byte(text), &have); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("read (-want +have):\n%s", diff)
	}
	written, err := yaml.Marshal(have)
	if err != nil {
		t.Fatal(err)
	}
	var again network.Description
	if err := yaml.Unmarshal(written, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("written and read (-want +have):\n%s\n%s", diff, written)
	}
	for _, superfluous := range []string{"stride: 0", "bias: true", "null", "{}"} {
		if strings.Contains(string(written), superfluous) {
			t.Errorf("%q in\n%s", superfluous, written)
		}
	}
}

// A mistake in YAML is an error at its place, in the line 1.
func TestMistakesInYAML(t *testing.T) {
	for text, want := range map[string]string{
		"layers: relu":                               `[1:9] "relu" is not a list of layers`,
		"layers: [rellu]":                            `[1:10] unknown layer "rellu"; did you mean "relu"?`,
		"layers: [conv: {out: 3, kernel: 1}]":        `[1:10] unknown layer "conv"; did you mean "conv2d"?`,
		"layers: [conv2d: {out: 3, kernl: 1}]":       `[1:27] unknown key "kernl" of conv2d; did you mean "kernel"?`,
		"layers: [conv2d: {out: 3, kernel: [1]}]":    `[1:35] a list of 1; want one number, or a list of 2`,
		"layers: [max_pool: {padding: [1, 2, 3]}]":   `[1:30] a list of 3; want one number, or a list of 2 or 4`,
		"layers: [conv2d: {kernel: {out: 1}}]":       `[1:27] "{" is not a whole number below 2³¹`,
		"layers: [dense: {out: 3.5}]":                `[1:23] "3.5" is not a whole number below 2³¹`,
		"layers: [dense: {out: 3000000000}]":         `[1:23] "3000000000" is not a whole number below 2³¹`,
		"layers: [dense: {out: many}]":               `[1:23] "many" is not a whole number below 2³¹`,
		"layers: [dense: {name: [a]}]":               `[1:24] "[" is not a name`,
		"layers: [dense: {bias: 3}]":                 `[1:24] "3" is not true or false`,
		"layers: [dropout: {p: high}]":               `[1:23] "high" is not a number`,
		"layers: [dropout: {p: .nan}]":               `[1:23] ".nan" is not a number`,
		"layers: [dropout: 0.2]":                     `[1:19] "0.2" is not a group of keys, as in dropout: {…}`,
		"layers: [relu: {slope: 1}]":                 `[1:16] relu has no settings`,
		"layers: [flatten: {start: 1}]":              `[1:20] unknown key "start" of flatten`,
		"layers: [{conv2d: , out: 3}]":               `[1:21] "out" is beside "conv2d"; want a layer's settings below it, as in conv2d: {…}, and a dash before the next layer`,
		"layers: [[relu]]":                           `[1:10] "[" is not a layer; want its type, or its type with settings below, as in dense: {out: 3}`,
		"layers: [null]":                             `[1:10] "null" is not a layer; want its type, or its type with settings below, as in dense: {out: 3}`,
		"layers: [residual: {layers: {relu: }}]":     `[1:29] "{" is not a list of layers`,
		"layers: [residual: {layers: [relu, relo]}]": `[1:36] unknown layer "relo"; did you mean "relu"?`,
	} {
		var d network.Description
		err := yaml.UnmarshalWithOptions([]byte(text), &d, yaml.Strict())
		if err == nil {
			t.Errorf("%s: no error; want %s", text, want)
			continue
		}
		if have := yaml.FormatError(err, false, false); have != want {
			t.Errorf("%s:\nerror %s\nwant  %s", text, have, want)
		}
	}
}

// A mistake in a description is an error with the path of its layer.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"[flatten, dense: {out: 3}]":                              "",
		"[]":                                                      "layers is empty; want layers, the last of them dense: {out: …} with the number of classes",
		"[relu]":                                                  "layers[0] is the last layer and makes 4 × 6 × 5; want one output a class: flatten and dense: {out: …} make them",
		"[global_avg_pool]":                                       "layers has no parameters; want a conv2d or dense layer",
		"[flatten, dense: {out: 1}]":                              "layers[1] is the last layer and has 1 output; want at least 2, one a class",
		"[flatten, dense: {}]":                                    "layers[1].dense.out is 0; want at least 1 output",
		"[dense: {out: 3}]":                                       "layers[0].dense takes features; its input is 4 × 6 × 5: put flatten before it",
		"[flatten, conv2d: {out: 3, kernel: 1}]":                  "layers[1].conv2d takes channels × height × width; its input has 120 features",
		"[flatten, max_pool: {kernel: 1}]":                        "layers[1].max_pool takes channels × height × width; its input has 120 features",
		"[flatten, global_avg_pool]":                              "layers[1].global_avg_pool takes channels × height × width; its input has 120 features",
		"[conv2d: {kernel: 3}]":                                   "layers[0].conv2d.out is 0; want at least 1 filter",
		"[conv2d: {out: 3}]":                                      "layers[0].conv2d.kernel is missing; want a number, or [height, width]",
		"[conv2d: {out: 3, kernel: [0, 1]}]":                      "layers[0].conv2d.kernel is 0 × 1; want 1 to 65536",
		"[conv2d: {out: 3, kernel: 6}]":                           "layers[0].conv2d.kernel is 6 × 6; its input is 6 × 5",
		"[conv2d: {out: 3, kernel: 9, padding: 1}]":               "layers[0].conv2d.kernel is 9 × 9; its input is 6 × 5, with padding 8 × 7",
		"[conv2d: {out: 3, kernel: 3, dilation: 3}]":              "layers[0].conv2d.kernel is 3 × 3 and reaches over 7 × 7; its input is 6 × 5",
		"[conv2d: {out: 3, kernel: 3, stride: -1}]":               "layers[0].conv2d.stride is -1 × -1; want 1 to 65536",
		"[conv2d: {out: 3, kernel: 3, padding: -1}]":              "layers[0].conv2d.padding is [-1 -1 -1 -1]; want 0 to 65536",
		"[conv2d: {out: 3, kernel: 3, padding: [-1, 0]}]":         "layers[0].conv2d.padding is [-1 -1 0 0]; want 0 to 65536",
		"[conv2d: {out: 3, kernel: 3, padding: same, stride: 2}]": "layers[0].conv2d.padding is same; want that with stride 1 only, or numbers",
		"[conv2d: {out: 3, kernel: 3, groups: 3}]":                "layers[0].conv2d.groups is 3; want a divisor of the 4 channels of the input and of the 3 of the output",
		"[max_pool: {kernel: 2, padding: 2}]":                     "layers[0].max_pool.padding is more than half of the kernel, 2 × 2",
		"[avg_pool: {kernel: 2, padding: same}]":                  "layers[0].avg_pool.padding is same; want numbers",
		"[max_pool: {kernel: 7}]":                                 "layers[0].max_pool.kernel is 7 × 7; its input is 6 × 5",
		"[dropout]":                                               "layers[0].dropout.p is 0; want a probability above 0 and below 1",
		"[batch_norm: {name: a}, layer_norm: {name: a}]":          `layers[1].layer_norm.name is "a", as that of layers[0].batch_norm; want different names`,
		"[batch_norm: {name: a/b}]":                               `layers[0].batch_norm.name is "a/b"; want a name without slashes and spaces`,
		"[residual: {}]":                                          "layers[0].residual.layers is empty; want layers",
		"[residual: {layers: [conv2d: {out: 2, kernel: 1}]}]":     "layers[0].residual.layers makes 2 × 6 × 5, which cannot be added to the input, 4 × 6 × 5; want the same shape, or a shortcut that has it",
		"[residual: {layers: [relu], shortcut: [conv2d: {out: 4, kernel: 2}]}]": "layers[0].residual.shortcut makes 4 × 5 × 4, and the layers beside it 4 × 6 × 5; want the same shape",
		"[residual: {layers: [relu, conv2d: {out: 4, kernel: 8}]}]":             "layers[0].residual.layers[1].conv2d.kernel is 8 × 8; its input is 6 × 5",
		"[flatten, dense: {out: 2000000000}]":                                   "layers[1].dense brings the network to 2.42e+11 parameters, 1.94e+03 GB; want at most 134217728",
		"[conv2d: {out: 4, kernel: 1, padding: 9999}]":                          "layers[0].conv2d makes 4 × 20004 × 20003, 1.6e+09 values a sample; want at most 134217728",
	} {
		var d network.Description
		if err := yaml.UnmarshalWithOptions([]byte("input: [4, 6, 5]\nlayers: "+text), &d, yaml.Strict()); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err := network.New(d, network.Settings{}, rand.New(rand.NewPCG(1, 2)))
		var wrong *network.Error
		switch have := ""; {
		case err == nil && want == "":
		case !errors.As(err, &wrong):
			t.Errorf("%s: error %v; want one with a path: %s", text, err, want)
		default:
			if have = wrong.Path + " " + wrong.Problem; have != want {
				t.Errorf("%s:\nerror %s\nwant  %s", text, have, want)
			}
		}
	}
}

// What only a program can get wrong.
func TestMistakesInGo(t *testing.T) {
	dense := network.Layers{network.Dense{Out: 3}}
	rng := rand.New(rand.NewPCG(1, 2))
	for want, c := range map[string]struct {
		network.Description
		network.Settings
	}{
		"network: input is []; want [channels, height, width] or [features]":                               {Description: network.Description{Layers: dense}},
		"network: input is [3 0 3]; want [channels, height, width] or [features]":                          {Description: network.Description{Input: []int{3, 0, 3}, Layers: dense}},
		"network: layers[0] is nil; want a layer":                                                          {Description: network.Description{Input: []int{3}, Layers: network.Layers{nil}}},
		`network: layers[0].swish is "swish"; want one of gelu, leaky_relu, relu, sigmoid, softplus, tanh`: {Description: network.Description{Input: []int{3}, Layers: network.Layers{network.Activation("swish")}}},
		`models: initialisation is "zero"; want one of kaiming, pytorch, xavier`:                           {network.Description{Input: []int{3}, Layers: dense}, network.Settings{Init: "zero"}},
	} {
		if _, err := network.New(c.Description, c.Settings, rng); err == nil || err.Error() != want {
			t.Errorf("error %v\nwant  %s", err, want)
		}
	}
}
