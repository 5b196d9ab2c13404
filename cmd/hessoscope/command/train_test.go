package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// declared lists the metrics of a run, in order.
func declared(t *testing.T, dir string) []string {
	t.Helper()
	r, err := record.ReadRun(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range r.Metrics {
		names = append(names, m.Name)
	}
	return names
}

// A run writes every file that docs/formats.md names, and each can be read.
func TestTrainFiles(t *testing.T) {
	formats := read(t, "../../../docs/formats.md")
	chdir(t)
	out := succeed(t, "train", "iris", "--no-progress", "--set", "training.epochs=30", "--set", "model.hidden=[10]",
		"--set", "spectrum.schedule={every: 10}", "--set", "checkpoint={schedule: {every: 15}, best: test/loss}")
	if !strings.HasSuffix(out, "\nrun runs/iris\n") {
		t.Errorf("output\n%s\nwant its last line to tell the folder", out)
	}
	var files []string
	for path, content := range tree(t) {
		if content != "folder" {
			files = append(files, path)
		}
	}
	slices.Sort(files)
	want := []string{
		"runs/iris/checkpoints/best.npz", "runs/iris/checkpoints/epoch-000000.npz", "runs/iris/checkpoints/epoch-000015.npz",
		"runs/iris/checkpoints/epoch-000030.npz", "runs/iris/checkpoints/last.npz", "runs/iris/checkpoints/previous.npz", "runs/iris/config.yaml",
		"runs/iris/measurements/margin-000030.npz", "runs/iris/measurements/spectrum-000000.npz", "runs/iris/measurements/spectrum-000010.npz",
		"runs/iris/measurements/spectrum-000020.npz", "runs/iris/measurements/spectrum-000030.npz",
		"runs/iris/metrics.csv", "runs/iris/metrics.jsonl", "runs/iris/report.html", "runs/iris/run.json",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +have):\n%s", diff)
	}
	for _, name := range declared(t, "runs/iris") {
		if !strings.Contains(formats, "`"+name+"`") && !strings.HasPrefix(name, "test/") {
			t.Errorf("docs/formats.md does not name the metric %s", name)
		}
	}
	t.Run("metrics", checkMetrics)
	t.Run("run.json", checkRecord)
	t.Run("checkpoints", checkCheckpoints)
	t.Run("measurements", checkMeasurement)
}

// line is a line of metrics.jsonl.
type line struct {
	Epoch, Step int
	Seconds     float64
	Metrics     map[string]float64
	CRC32       string
}

func readLines(t *testing.T, path string) []line {
	t.Helper()
	var lines []line
	for i, text := range strings.Split(strings.TrimSuffix(read(t, path), "\n"), "\n") {
		var l line
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%s:%d: %v", path, i+1, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func checkMetrics(t *testing.T) {
	lines := readLines(t, "runs/iris/metrics.jsonl")
	rows, err := csv.NewReader(strings.NewReader(read(t, "runs/iris/metrics.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	metrics := declared(t, "runs/iris")
	if diff := cmp.Diff(append([]string{"epoch", "step", "seconds"}, metrics...), rows[0]); diff != "" {
		t.Errorf("columns (-want +have):\n%s", diff)
	}
	if len(lines) != 31 || len(rows) != 32 {
		t.Fatalf("%d lines and %d rows; want 31 and, with the header, 32", len(lines), len(rows))
	}
	for epoch, l := range lines {
		row := rows[epoch+1]
		if l.Epoch != epoch || l.Step != epoch || row[0] != strconv.Itoa(epoch) || row[1] != row[0] {
			t.Errorf("line %+v, row %q; want epoch %d", l, row, epoch)
		}
		if _, measured := l.Metrics["spectrum/lambda_max"]; measured != (epoch%10 == 0) {
			t.Errorf("epoch %d: measured is %v", epoch, measured)
		}
		for i, name := range metrics { // the same numbers in both, with all digits
			cell := ""
			if value, fresh := l.Metrics[name]; fresh {
				cell = strconv.FormatFloat(value, 'g', -1, 64)
			}
			if cell != row[i+3] {
				t.Errorf("epoch %d: %s is %q in the table and %q in the lines", epoch, name, row[i+3], cell)
			}
		}
	}
}

func checkRecord(t *testing.T) {
	r, err := record.ReadRun("runs/iris/run.json")
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != record.StatusFinished || r.Stop == nil || r.Stop.Reason != trainer.Completed || r.Epoch != 30 || r.Epochs != 30 ||
		r.Model.Description != "MLP 4-10-3 relu" || r.Model.Parameters != 83 || r.Data.Samples["train"] != 120 || r.Host.Go == "" {
		t.Errorf("record %+v", r)
	}
	last := readLines(t, "runs/iris/metrics.jsonl")[30].Metrics
	for name, reading := range r.Final {
		if value, ok := last[name]; ok && value != reading.Value {
			t.Errorf("%s is %v, and %v in the lines", name, reading.Value, value)
		}
	}
}

func checkCheckpoints(t *testing.T) {
	last := checkpoint(t, "runs/iris/checkpoints/last.npz")
	if diff := cmp.Diff(last.Arrays, checkpoint(t, "runs/iris/checkpoints/epoch-000030.npz").Arrays); diff != "" {
		t.Errorf("last.npz and epoch-000030.npz differ:\n%s", diff)
	}
	shapes := make(map[string]string)
	for _, a := range last.Arrays {
		shapes[a.Name] = fmt.Sprint(a.Shape)
	}
	want := map[string]string{"fc1.weight": "[10 4]", "fc1.bias": "[10]", "fc2.weight": "[3 10]", "fc2.bias": "[3]"}
	if diff := cmp.Diff(want, shapes); diff != "" {
		t.Errorf("arrays (-want +have):\n%s", diff)
	}
}

func checkpoint(t *testing.T, path string) *trainer.Checkpoint {
	t.Helper()
	c, err := trainer.ReadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func checkMeasurement(t *testing.T) {
	shapes := make(map[string]string)
	for _, a := range arrays(t, "runs/iris/measurements/spectrum-000030.npz") {
		shapes[a.Name] = fmt.Sprint(a.Shape)
	}
	resolved := shapes["aligned_values"] // how many eigenvalues are resolvable
	want := map[string]string{
		"top_values": "[12]", "top_residuals": "[12]", "top_vectors": "[12 83]", "all_values": "[83]", "top_continues": "[12]",
		"aligned_values": resolved, "alignments": "[120 " + strings.Trim(resolved, "[]") + "]",
		"predicted": "[120]", "factors": "[120]", "norms": "[120]",
	}
	if diff := cmp.Diff(want, shapes); diff != "" {
		t.Errorf("arrays (-want +have):\n%s", diff)
	}
}

func arrays(t *testing.T, path string) []weights.Array {
	t.Helper()
	a, err := weights.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// timeless returns a file of metrics without the metrics that measure time.
func timeless(t *testing.T, path string) string {
	t.Helper()
	return withoutTimes(path, read(t, path))
}

// withoutTimes is timeless of a file with the content text.
func withoutTimes(path, text string) string {
	if filepath.Ext(path) == ".csv" {
		rows := strings.Split(text, "\n")
		header := strings.Split(rows[0], ",")
		for i, row := range rows[1:] {
			cells := strings.Split(row, ",")
			for j := range cells {
				if isTime(header[j]) {
					cells[j] = ""
				}
			}
			rows[i+1] = strings.Join(cells, ",")
		}
		return strings.Join(rows, "\n")
	}
	return regexp.MustCompile(`("seconds"|"spectrum/seconds"|"spectrum/time_share"|"boundary/margin_seconds"|"crc32"): ([-+.0-9e]+|"[0-9a-f]+")`).ReplaceAllString(text, "$1")
}

func isTime(metric string) bool {
	return slices.Contains([]string{"seconds", "spectrum/seconds", "spectrum/time_share", "boundary/margin_seconds"}, metric)
}

// sameRun compares the metrics and the parameters of two runs.
func sameRun(t *testing.T, want, have string) {
	t.Helper()
	for _, file := range []string{"metrics.jsonl", "metrics.csv"} {
		if diff := cmp.Diff(timeless(t, filepath.Join(want, file)), timeless(t, filepath.Join(have, file))); diff != "" {
			t.Errorf("%s (-%s +%s):\n%s", file, want, have, diff)
		}
	}
	a, b := checkpoint(t, want+"/checkpoints/last.npz"), checkpoint(t, have+"/checkpoints/last.npz")
	if diff := cmp.Diff(a.Arrays, b.Arrays); diff != "" {
		t.Errorf("parameters and optimizer (-%s +%s):\n%s", want, have, diff)
	}
	measured, err := filepath.Glob(want + "/measurements/*")
	if err != nil {
		t.Fatal(err)
	}
	again, err := filepath.Glob(have + "/measurements/*")
	if err != nil || len(measured) != len(again) || len(measured) == 0 {
		t.Fatalf("%d and %d measurements, error %v", len(measured), len(again), err)
	}
	for i := range measured {
		if filepath.Base(measured[i]) != filepath.Base(again[i]) || read(t, measured[i]) != read(t, again[i]) {
			t.Errorf("%s and %s differ", measured[i], again[i])
		}
	}
	if r, err := record.ReadRun(have + "/run.json"); err != nil || r.Status != record.StatusFinished || r.Error != "" {
		t.Errorf("record %+v, error %v; want it finished", r, err)
	}
}

// The config.yaml of a run reproduces the run, bit for bit, in a folder of another
// name.
func TestConfigTrainsAgain(t *testing.T) {
	chdir(t)
	succeed(t, "train", "gauss", "--no-progress", "--set", "training.epochs=12", "--set", "model={hidden: [8], activation: tanh, init: xavier}",
		"--set", "training.optimizer={name: adam}", "--set", "data={set: gauss, samples: 90, noise: 0.3, random_labels: true}", "--set", "seed=7",
		"--set", "training.rate={base: 0.01, schedule: cosine, warmup: 2}", "--set", "spectrum={top: 3, bottom: -1, method: lanczos, schedule: {every: 4}}")
	out := succeed(t, "train", "runs/gauss/config.yaml", "--no-progress")
	if !strings.HasSuffix(out, "run runs/gauss-2\n") {
		t.Errorf("output\n%s\nwant run runs/gauss-2", out)
	}
	sameRun(t, "runs/gauss", "runs/gauss-2")
	if a, b := withoutBegun(read(t, "runs/gauss/config.yaml")), withoutBegun(read(t, "runs/gauss-2/config.yaml")); a != b {
		t.Errorf("config.yaml changed (-first +second):\n%s", cmp.Diff(a, b))
	}
	if out := succeed(t, "train", "gauss", "--resume"); !strings.HasPrefix(out, "runs/gauss-2 is finished (completed)") {
		t.Errorf("output %q; want that the newest run is finished", out)
	}
}

// Every preset is an experiment that can be trained.
func TestPresets(t *testing.T) {
	skipShort(t)
	digits, err := filepath.Abs("../../../datasets/testdata/mnist")
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	writeCIFAR(t, "cifar")
	names := experiment.PresetNames()
	if len(names) < 30 || !slices.Contains(names, "checkerboard_linear_wide_margin") || slices.Contains(names, "checkerboard_linear_weight_decay") {
		t.Errorf("presets %q; want those of the sets and of their regimes", names)
	}
	const start = "mnist-017-random-labels" // others start from its weights
	refused(t, hessoscope("train", "mnist-017-adversarial", "--data-dir", digits), "there is no finished run runs/"+start+"; `hessoscope train "+start+"` makes it")
	for _, name := range append([]string{start}, slices.DeleteFunc(names, func(name string) bool { return name == start })...) {
		t.Run(name, func(t *testing.T) {
			write(t, name+".yaml", succeed(t, "presets", "print", name))
			args := []string{"train", name + ".yaml", "--no-progress", "--set", "training.epochs=1", "--set", "spectrum={top: 1, bottom: -1, tolerance: 1e-3}"}
			if strings.HasPrefix(name, "mnist") {
				args = append(args, "--set", "data.dir="+digits, "--set", "data.classes=[0, 1, 7]", "--set", "data.per_class=3")
			}
			if name != "gauss" && name != "gauss_wide_margin" {
				args = append(args, "--set", "margin.off=true")
			}
			if strings.HasSuffix(name, "-cifar") {
				args = append(args, "--data-dir", "cifar", "--set", "margin.off=true")
			}
			large := strings.HasPrefix(name, "resnet") // measuring it takes too long here
			if large {
				args = append(args, "--set", "spectrum={off: true}", "--set", "effective_rank.off=true", "--set", "critical_sharpness.off=true")
			}
			succeed(t, args...)
			if lines := readLines(t, "runs/"+name+"/metrics.jsonl"); len(lines) != 2 || lines[1].Metrics["spectrum/lambda_max"] <= 0 && !large {
				t.Errorf("lines %+v", lines)
			}
		})
	}
}

// writeCIFAR writes files in the format of CIFAR-10 with two random images each.
func writeCIFAR(t *testing.T, dir string) {
	t.Helper()
	mkdir(t, dir)
	pixels := rand.NewChaCha8([32]byte{}) // any seed
	for _, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"} {
		records := make([]byte, 2*(1+3*32*32))
		pixels.Read(records)
		records[0], records[len(records)/2] = 0, 1 // the labels
		write(t, filepath.Join(dir, name+".bin"), string(records))
	}
}

// The complete preset learns iris. An accuracy of 0.97 means four errors in 120.
func TestIrisIsLearned(t *testing.T) {
	skipShort(t)
	chdir(t)
	succeed(t, "train", "iris", "--no-progress", "--set", "spectrum.schedule={log: 2}")
	lines := readLines(t, "runs/iris/metrics.jsonl")
	last := lines[len(lines)-1]
	if last.Epoch != 1000 || last.Metrics["train/accuracy"] < 0.97 || last.Metrics["spectrum/converged"] != 1 {
		t.Errorf("epoch %d: %v; want train/accuracy at least 0.97", last.Epoch, last.Metrics)
	}
}

func TestFloat32(t *testing.T) {
	chdir(t)
	succeed(t, "train", "iris", "--no-progress", "--set", "training.epochs=20", "--set", "model={hidden: [8], precision: float32}", "--set", "training.optimizer={momentum: 0.9}")
	c := checkpoint(t, "runs/iris/checkpoints/last.npz")
	for _, a := range c.Arrays {
		if !a.Float32 {
			t.Errorf("array %q is not of float32", a.Name)
		}
	}
	if len(c.Arrays) != 8 {
		t.Errorf("%d arrays; want 4 parameters and as many momenta", len(c.Arrays))
	}
	if out := succeed(t, "analyze", "runs/iris", "--json", "-"); !strings.Contains(out, `"precision": "float64"`) {
		t.Errorf("output %s; want it measured in float64", out)
	}
}

// The same samples give the same run, whether the data set is built in or a file.
func TestTrainCSV(t *testing.T) {
	points, err := filepath.Abs("../../../datasets/data/gauss.csv")
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	args := []string{"--no-progress", "--set", "training.epochs=5", "--set", "model.hidden=[8]"}
	succeed(t, append([]string{"train", "gauss"}, args...)...)
	if err := os.Symlink(points, "mine.csv"); err != nil {
		t.Fatal(err)
	}
	write(t, "mine.yaml", replace(t, succeed(t, "presets", "print", "gauss"), "set: gauss", "csv: mine.csv"))
	edit(t, "mine.yaml", "name: gauss", "name: mine")
	succeed(t, append([]string{"train", "mine.yaml"}, args...)...)
	sameRun(t, "runs/gauss", "runs/mine")
	t.Chdir("cache") // the run knows where its data is
	succeed(t, "analyze", "../runs/mine")
}

func TestStandardize(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector it takes half a minute")
	}
	chdir(t)
	succeed(t, "train", "iris", "--no-progress", "--set", "training.epochs=1", "--set", "spectrum.off=true", "--set", "data.standardize=true")
	r, err := record.ReadRun("runs/iris/run.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Data.Fingerprint == raw.Fingerprint() {
		t.Error("the data is what it is without standardize")
	}
}

func TestLogJSON(t *testing.T) {
	chdir(t)
	out := succeed(t, "train", "iris", "--no-progress", "--log", "json", "--set", "training.epochs=4", "--set", "model.hidden=[5]", "--set", "log.schedule={every: 2}")
	messages := make(map[string]int)
	for text := range strings.Lines(strings.TrimSuffix(out, "run runs/iris\n")) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(text), &entry); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		messages[fmt.Sprint(entry["msg"])]++
		if entry["msg"] == "epoch" && entry["train/loss"] == nil {
			t.Errorf("%q has no train/loss", text)
		}
	}
	if want := map[string]int{"training": 1, "epoch": 3, "finished": 1}; !maps.Equal(want, messages) {
		t.Errorf("messages %v; want %v", messages, want)
	}
}

// A run of 0 epochs keeps the untrained network, and measures it as it does the last epoch of
// any run.
func TestTrainNoEpochs(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector it takes half a minute")
	}
	t.Chdir(t.TempDir())
	succeed(t, "train", "iris", "--set", "training.epochs=0", "--set", "checkpoint={best: train/loss, schedule: {every: 1}}", "--no-progress")
	if out := succeed(t, "analyze", "runs/iris", "--no-complexity", "--method", "lanczos"); !strings.Contains(out, "1.1281") {
		t.Errorf("not the loss of the untrained network:\n%s", out)
	}
	r, err := record.ReadRun("runs/iris/run.json")
	if err != nil || r.Status != record.StatusFinished || r.Stop.Reason != trainer.Completed || r.Epoch != 0 {
		t.Errorf("record %+v, error %v", r, err)
	}
	for _, metric := range []string{"train/loss", record.LambdaMax, record.Complexity, record.Margin, record.EffectiveRank} {
		if _, measured := r.Final[metric]; !measured {
			t.Errorf("%s was not measured", metric)
		}
	}
	for _, file := range []string{"measurements/spectrum-000000.npz", "measurements/margin-000000.npz", "checkpoints/epoch-000000.npz", "checkpoints/best.npz"} {
		if !exists("runs/iris/" + file) {
			t.Errorf("there is no %s", file)
		}
	}
	if out := succeed(t, "train", "runs/iris", "--resume"); out != "runs/iris is finished (completed); there is nothing to resume\n" {
		t.Errorf("resumed: %s", out)
	}
}
