package command

import (
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/models/weights"
)

// flowers is a table of two kinds, whose label has a column of another name.
func flowers(rows int) string {
	var text strings.Builder
	text.WriteString("petal,sepal,kind,split\n")
	for i := range rows {
		kind, split := []string{"tulip", "rose"}[i%2], []string{"train", "train", "test"}[i%3]
		fmt.Fprintf(&text, "%g,%g,%s,%s\n", 10+5*float64(i%2)+float64(i%7)/2, 100*float64(i%5), kind, split)
	}
	return text.String()
}

// trainFlowers trains a run on flowers.csv, in its folder runs/flowers.
func trainFlowers(t *testing.T, set ...string) {
	t.Helper()
	chdir(t)
	write(t, "flowers.csv", flowers(90))
	write(t, "flowers.yaml", "name: flowers\ndata: {csv: flowers.csv, label: kind, standardize: true}\nmodel: {hidden: [6], activation: tanh}\n"+
		"training: {epochs: 3, rate: {base: 0.1}}\nspectrum: {off: true}\nmargin: {off: true}\n")
	args := []string{"train", "flowers.yaml", "--no-progress"}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	succeed(t, args...)
}

func csvRows(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// The accuracy is that which training recorded, by the run and by the exported file, on
// the run's own data and on the table in the units of the source.
func TestPredictAgreesWithTraining(t *testing.T) {
	trainFlowers(t)
	lines := readLines(t, "runs/flowers/metrics.jsonl")
	if out := succeed(t, "export", "runs/flowers", "m.safetensors"); !strings.Contains(out, "MLP 2-6-2 tanh, 32 parameters, epoch 3") {
		t.Errorf("export printed %s", out)
	}
	for _, split := range []string{"train", "test"} {
		want := fmt.Sprintf("accuracy %.6g (", lines[3].Metrics[split+"/accuracy"])
		for _, args := range [][]string{
			{"runs/flowers", "--split", split},
			{"runs/flowers", "--data", "flowers.csv", "--split", split},
			{"m.safetensors", "--data", "flowers.csv", "--split", split},
		} {
			if out := succeed(t, append([]string{"predict"}, args...)...); !strings.Contains(out, want) {
				t.Errorf("%q: no %q in\n%s", args, want, out)
			}
		}
	}
	have := decode[analysis.Result](t, succeed(t, "analyze", "--weights", "m.safetensors", "--data", "flowers.csv", "--no-complexity", "--json", "-"))
	if want := lines[3].Metrics["train/loss"]; have.Loss != want {
		t.Errorf("loss %v of the exported file; want %v", have.Loss, want)
	}
}

// Probabilities are the softmax of the logits of the scaled values, as the file alone
// tells them, whatever the columns of the new table.
func TestPredictProbabilities(t *testing.T) {
	trainFlowers(t)
	succeed(t, "export", "runs/flowers", "m.safetensors")
	write(t, "new.csv", "note,sepal,petal\n-,250,12\n-,0,16.5\n")
	rows := csvRows(t, succeed(t, "predict", "m.safetensors", "--data", "new.csv", "--distances", "--out", "-"))
	header := "row,predicted,probability_rose,probability_tulip,distance,distance_is,distance_lower,rival"
	if strings.Join(rows[0], ",") != header || len(rows) != 3 {
		t.Fatalf("rows %q; want the header %s", rows, header)
	}
	metadata, err := weights.ReadMetadata("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	scaling := decode[struct {
		Scaling struct{ Mean, Scale []float64 }
	}](t, metadata["data"]).Scaling
	w := arrays(t, "m.safetensors")
	for i, x := range [][]float64{{12, 250}, {16.5, 0}} { // petal, sepal
		logits := slices.Clone(w[3].Data)
		for h := range 6 {
			z := w[1].Data[h]
			for j := range x {
				z += w[0].Data[2*h+j] * (x[j] - scaling.Mean[j]) / scaling.Scale[j]
			}
			for c := range logits {
				logits[c] += w[2].Data[6*c+h] * math.Tanh(z)
			}
		}
		want := 1 / (1 + math.Exp(logits[1]-logits[0]))
		if have, err := strconv.ParseFloat(rows[i+1][2], 64); err != nil || math.Abs(have-want) > 1e-12 {
			t.Errorf("row %d: probability %s of a rose; want %v", i, rows[i+1][2], want)
		}
		if class := rows[i+1][1]; (class == "rose") != (want > 0.5) || rows[i+1][7] == class || rows[i+1][4] == "" {
			t.Errorf("row %d: %q", i, rows[i+1])
		}
	}
	succeed(t, "predict", "runs/flowers", "--data", "new.csv", "--out", "p.npz")
	found := arrays(t, "p.npz")
	if have := formatFloat(found[2].Data[0]); found[2].Name != "probabilities" || have != rows[1][2] {
		t.Errorf("%s %s in the .npz file; want probabilities, %s", found[2].Name, have, rows[1][2])
	}
}

// Data that have changed are told, and are scaled as in training.
func TestChangedData(t *testing.T) {
	trainFlowers(t)
	succeed(t, "export", "runs/flowers", "m.safetensors")
	write(t, "flowers.csv", flowers(60))
	warning := "hessoscope: flowers: these are not the data that the model was trained on"
	var losses []float64
	for _, args := range [][]string{{"analyze", "runs/flowers"}, {"analyze", "--weights", "m.safetensors", "--data", "flowers.csv"}} {
		r := hessoscope(append(args, "--no-complexity", "--json", "-")...)
		if r.status != 0 || !strings.Contains(r.stderr, warning) {
			t.Errorf("%q: status %d, %q; want a warning", args, r.status, r.stderr)
		}
		losses = append(losses, decode[analysis.Result](t, r.stdout).Loss)
	}
	if losses[0] != losses[1] {
		t.Errorf("losses %v; want the same scaling in both", losses)
	}
	if r := hessoscope("predict", "runs/flowers"); r.status != 0 || !strings.Contains(r.stderr, warning) {
		t.Errorf("predict: status %d, %q; want a warning", r.status, r.stderr)
	}
}

// A network of layers is exported with its layers and its running statistics, and the
// outputs of a network trained by the squared error are no probabilities.
func TestExportNetwork(t *testing.T) {
	trainFlowers(t, "model={layers: [{dense: {out: 5}}, batch_norm, relu, {dense: {out: 2}}], precision: float32}", "training.loss=squared_error")
	succeed(t, "export", "runs/flowers", "m.safetensors")
	want := succeed(t, "predict", "runs/flowers", "--data", "flowers.csv", "--out", "-")
	if have := succeed(t, "predict", "m.safetensors", "--data", "flowers.csv", "--out", "-"); have != want || !strings.Contains(have, "row,label,predicted,output_rose,output_tulip\n") {
		t.Errorf("the exported file predicts\n%s\nwant\n%s", have, want)
	}
}

func TestPredictErrors(t *testing.T) {
	trainFlowers(t)
	if err := weights.Write("w.safetensors", arrays(t, "runs/flowers/checkpoints/last.npz")[:4]); err != nil {
		t.Fatal(err)
	}
	write(t, "other.csv", "petal,height\n1,2\n")
	write(t, "kinds.csv", "petal,sepal,kind\n1,2,lily\n")
	bad := map[string]string{"hessoscope": "1", "loss": "cross_entropy", "epoch": "0", "metrics": "{}", "model": "{hidden: [6]}", "data": `{"shape":[2],"classes":["a","b","c"]}`}
	if err := weights.WriteWithMetadata("bad.safetensors", arrays(t, "w.safetensors"), bad); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"predict", "w.safetensors", "--data", "flowers.csv"}, "w.safetensors: holds weights alone, without classes and scaling; want"},
		{[]string{"predict", "bad.safetensors", "--data", "flowers.csv"}, "bad.safetensors: the network takes 2 values and has 2 outputs; the metadata have samples of 2 values and 3 classes"},
		{[]string{"predict", "none", "--data", "flowers.csv"}, "none: there is no such run or file"},
		{[]string{"predict", "runs", "--data", "flowers.csv"}, "runs is not the folder of a run"},
		{[]string{"predict", "runs/flowers", "--data", "other.csv"}, `other.csv:1: no feature column "sepal"`},
		{[]string{"predict", "runs/flowers", "--data", "kinds.csv"}, `kinds.csv:2:5: datasets: the label "lily" is no class of the model; these are: rose, tulip`},
		{[]string{"predict", "runs/flowers", "--out", "p.json"}, "--out p.json: want a name that ends in .csv or .npz"},
		{[]string{"export", "runs/flowers", "m.npz"}, "m.npz: want a name that ends in .safetensors"},
		{[]string{"analyze", "runs/flowers", "--standardize"}, "--standardize belongs to --weights and --data"},
	} {
		if r := hessoscope(test.args...); r.status != exitFault || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%q: status %d, %q; want %q", test.args, r.status, r.stderr, test.want)
		}
	}
}

// Layers with other names are taken in the order of the file, which is told, or in that
// of --layers.
func TestAnalyzeLayers(t *testing.T) {
	iris := arrays(t, nets[2].weights)
	for i, name := range []string{"first", "fc2", "out"} {
		iris[2*i].Name, iris[2*i+1].Name = name+".weight", name+".bias"
	}
	chdir(t)
	if err := weights.Write("w.npz", iris); err != nil {
		t.Fatal(err)
	}
	if err := weights.Write("sorted.npz", append(slices.Clone(iris[2:]), iris[:2]...)); err != nil {
		t.Fatal(err)
	}
	args := []string{"--data", "iris", "--no-complexity", "--json", "-", "--top", "1", "--bottom", "0"}
	r := hessoscope(append([]string{"analyze", "--weights", "w.npz"}, args...)...)
	if r.status != 0 || r.stderr != "hessoscope: layers in the order of the file: first, fc2, out (--layers names another)\n" {
		t.Errorf("status %d, %q; want the order", r.status, r.stderr)
	}
	loss := decode[analysis.Result](t, r.stdout).Loss
	named := succeed(t, append([]string{"analyze", "--weights", "sorted.npz", "--layers", "first,fc2,out"}, args...)...)
	if have := decode[analysis.Result](t, named).Loss; have != loss || !(loss > 0 && loss < 0.2) {
		t.Errorf("losses %v and %v; want the same small one", loss, have)
	}
}
