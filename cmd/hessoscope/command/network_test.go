package command

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
)

// writeCSV writes samples and their labels to a CSV file.
func writeCSV(t *testing.T, path string, x, labels []float64) {
	t.Helper()
	var text strings.Builder
	width := len(x) / len(labels)
	for j := range width {
		fmt.Fprintf(&text, "x%d,", j)
	}
	text.WriteString("label\n")
	for i, label := range labels {
		for _, v := range x[i*width : (i+1)*width] {
			fmt.Fprintf(&text, "%v,", v)
		}
		fmt.Fprintf(&text, "%v\n", label)
	}
	write(t, path, text.String())
}

// Networks with weights from PyTorch have the loss and the gradient that it computes.
func TestAnalyzeNetwork(t *testing.T) {
	nets, err := filepath.Abs("../../../models/network/testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"images", "nested", "features"} {
		arrays, err := weights.Read(filepath.Join(nets, name+".npz"))
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[string][]float64)
		statistics := 0
		for _, a := range arrays {
			want[a.Name] = a.Data
			if !strings.Contains(a.Name, "/") && strings.Contains(a.Name, ".running_") {
				statistics += len(a.Data)
			}
		}
		writeCSV(t, "data.csv", want["truth/x"], want["truth/y"])
		have := decode[analysis.Result](t, succeed(t, "analyze", "--model", filepath.Join(nets, name+".yaml"), "--weights", filepath.Join(nets, name+".npz"),
			"--data", "data.csv", "--method", "lanczos", "--top", "2", "--bottom", "0", "--json", "-"))
		if loss := want["truth/measured/loss"][0]; math.Abs(have.Loss-loss) > 1e-12*loss {
			t.Errorf("%s: loss %v; want %v", name, have.Loss, loss)
		}
		if norm := floats.Norm(want["truth/measured/gradient"], 2); math.Abs(have.GradientNorm-norm) > 1e-12*norm {
			t.Errorf("%s: gradient norm %v; want %v", name, have.GradientNorm, norm)
		}
		if have.Model.FrozenStatistics != statistics || have.Model.Parameters != len(want["truth/v"]) {
			t.Errorf("%s: %d frozen statistics, %d parameters; want %d, %d", name, have.Model.FrozenStatistics, have.Model.Parameters, statistics, len(want["truth/v"]))
		}
	}
}

// A network that was trained here is analyzed from its run, and from its description
// and the checkpoint.
func TestAnalyzeTrainedNetwork(t *testing.T) {
	chdir(t)
	write(t, "net.yaml", "layers:\n- dense: {out: 6}\n- batch_norm: {name: bn}\n- tanh\n- dropout: {p: 0.1}\n- dense: {name: out, out: 3}\n")
	succeed(t, "train", "iris", "--name", "net", "--set", "model={file: net.yaml}", "--set", "training={epochs: 5, batch_size: 40, rate: {base: 0.1}}",
		"--set", "spectrum.only=[out]", "--no-progress")
	if err := os.Rename("net.yaml", "moved.yaml"); err != nil {
		t.Fatal(err)
	}
	run := decode[analysis.Result](t, succeed(t, "analyze", "runs/net", "--json", "-"))
	file := decode[analysis.Result](t, succeed(t, "analyze", "--model", "moved.yaml", "--weights", "runs/net/checkpoints/last.npz", "--data", "iris", "--json", "-"))
	if run.Loss != file.Loss || run.Spectrum.Top[0] != file.Spectrum.Top[0] || run.Model != file.Model || run.Model.FrozenStatistics != 12 {
		t.Errorf("%+v, loss %v of the run; %+v, loss %v of the file", run.Model, run.Loss, file.Model, file.Loss)
	}
	if r := hessoscope("doctor", "runs/net"); r.status != 0 {
		t.Errorf("doctor: %s %s", r.stdout, r.stderr)
	}
}

func TestBadNetworks(t *testing.T) {
	iris, err := filepath.Abs("testdata/iris.npz")
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	write(t, "net.yaml", "layers:\n- dense: {out: 6}\n- relu\n- dense: {name: out, out: 3}\n")
	write(t, "images.yaml", "layers:\n- conv2d: {out: 6, kernel: 1}\n- flatten\n- dense: {out: 3}\n")
	write(t, "input.yaml", "input: [5]\nlayers:\n- dense: {out: 3}\n")
	write(t, "one.yaml", "layers:\n- dense: {out: 1}\n")
	for _, test := range []struct{ model, want string }{
		{"net.yaml", `iris.npz: models: no array "0.weight" for the parameter of shape (6, 4); there are `},
		{"images.yaml", "images.yaml:2:11: layers[0].conv2d takes channels × height × width; its input has 4 features"},
		{"input.yaml", "input.yaml:1:8: input is [5]; a sample of iris has 4 values, of shape [4]"},
		{"one.yaml", "one.yaml:2:8: layers[0] is the last layer and has 1 output; want at least 2, one a class"},
		{"none.yaml", "open none.yaml: no such file or directory"},
		{"resnet", `no file and no ready-made network "resnet", which is "resnet"; did you mean "resnet18"?`},
	} {
		if r := hessoscope("analyze", "--model", test.model, "--weights", iris, "--data", "iris"); r.status != 2 || !strings.Contains(r.stderr, test.want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %s\nwant %s", test.model, r.status, r.stderr, test.want)
		}
	}
}

// Networks of convolutions on images in a file of arrays are swept, stopped early and
// ranked by complexity and margin.
func TestSweepOfConvNets(t *testing.T) {
	asProcess(t)
	rng := rand.New(rand.NewPCG(1, 2))
	x, labels := make([]float64, 24*36), make([]float64, 24)
	for i := range labels { // dark and light in turn
		labels[i] = float64(i % 2)
		for p := range 36 {
			x[36*i+p] = 0.3*labels[i] + 0.7*rng.Float64()
		}
	}
	if err := weights.Write("images.npz", []weights.Array{
		{Name: "x_train", Shape: []int{24, 1, 6, 6}, Data: x},
		{Name: "y_train", Shape: []int{24}, Data: labels},
	}); err != nil {
		t.Fatal(err)
	}
	write(t, "conv.yaml", `
data: {set: images.npz}
model: {layers: [conv2d: {out: 2, kernel: 3}, relu, max_pool: {kernel: 2}, flatten, dense: {out: 2}]}
training: {epochs: 400, batch_size: 8, rate: {base: 0.1}}
spectrum: {schedule: {at: [400]}}
margin: {schedule: {at: [400]}}
stop: {when: {monitor: train/loss, at_most: 0.1}}
`)
	write(t, "s.yaml", "name: s\nexperiment: conv.yaml\nseeds: 2\n")
	if r := hessoscope("sweep", "s.yaml"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	ranked := selected(t, "sweeps/s").Groups[0].Runs
	if len(ranked) != 2 {
		t.Fatalf("%d runs are ranked; want 2", len(ranked))
	}
	for _, r := range ranked {
		if run, err := record.ReadRun(filepath.Join(r.Run, "run.json")); err != nil || run.Stop.Metric != "train/loss" || run.Epoch >= 400 || *r.TrainLoss > 0.1 {
			t.Errorf("%s: %+v at epoch %d, loss %v, %v; want it stopped by its loss", r.Run, run.Stop, run.Epoch, *r.TrainLoss, err)
		}
	}
}
