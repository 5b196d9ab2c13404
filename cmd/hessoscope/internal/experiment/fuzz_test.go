package experiment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/models/weights"
)

// Any file of a network is refused in one line, or is one whose size is known.
func FuzzNetwork(f *testing.F) {
	for _, text := range []string{
		"input: [4]\nlayers:\n- dense: {name: hidden, out: 8}\n- batch_norm\n- relu\n- dense: {out: 3}\n",
		"input: [1, 28, 28]\nlayers:\n- conv2d: {out: 4, kernel: 3, padding: 1}\n- max_pool: 2\n- flatten\n- dense: {out: 10}\n",
		"input: [9223372036854775807, 9223372036854775807, 4]\nlayers: [flatten, dense: {out: 9223372036854775807}]",
		"layers:\n" + strings.Repeat("- residual: [relu]\n", 2000),
		"layers: " + strings.Repeat("[residual: ", 15) + "relu" + strings.Repeat("]", 15),
		strings.Repeat("- ", 3000), strings.Repeat("? ", 3000), strings.Repeat("{a: ", 3000), strings.Repeat("[", 3000),
		"input: [&a [1], *a]", "\xef\xbb\xbfinput: [4]\nlayers: [dense: {out: 2}]", "\xff\xfei\x00n\x00",
	} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "net.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := readNetwork(path)
		if err != nil {
			oneLine(t, err)
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("error %q does not name the file", err)
			}
			return
		}
		if err := n.Check(); n.Input != nil && err != nil {
			t.Errorf("a network that was accepted: %v", err)
		}
	})
}

// Any name is that of a preset, or is refused in one line.
func FuzzPreset(f *testing.F) {
	for _, name := range append(PresetNames(), "", ".", "..", "../presets/iris", "iris.yaml", "iris/", "a\nb", "\x00", strings.Repeat("a", 5000), "mnist_\xff") {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		data, err := Preset(name)
		if err != nil {
			oneLine(t, err)
			return
		}
		if _, err := Parse("preset", data); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	})
}

// Whatever the metadata of an exported model hold, it is read or refused in one line.
func FuzzModelFile(f *testing.F) {
	data := `{"name":"d","shape":[2],"features":["x","y"],"classes":["a","b"]}`
	f.Add(`{"type":"mlp","activation":"relu"}`, data, `{"a": 1}`, "3")
	f.Add(`{"input":[2],"layers":[{"dense":{"out":2,"name":"fc1"}}]}`, data, "null", "0")
	f.Add(`{"layers":[{"dense":{"out":2000000000}}]}`, `{"shape":[4294967296,4294967296],"classes":["a","b"]}`, "{}", "9223372036854775808")
	f.Add(strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 5000), strings.Repeat("[", 20000), "-")
	arrays := []weights.Array{{Name: "fc1.weight", Shape: []int{2, 2}, Data: []float64{1, 2, 3, 4}}, {Name: "fc1.bias", Shape: []int{2}, Data: []float64{1, 2}}}
	path := filepath.Join(f.TempDir(), "model.safetensors")
	f.Fuzz(func(t *testing.T, model, data, metrics, epoch string) {
		if weights.WriteWithMetadata(path, arrays, map[string]string{
			formatKey: modelFormat, lossKey: "cross_entropy", modelKey: model, dataKey: data, metricsKey: metrics, epochKey: epoch,
		}) != nil {
			return // no text
		}
		trained, err := ReadModelFile(path)
		if err != nil {
			oneLine(t, err)
			return
		}
		if trained == nil || trained.Model.Classes() != len(trained.Data.Classes) {
			t.Errorf("got %+v", trained)
		}
	})
}
