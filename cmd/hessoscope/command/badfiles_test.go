package command

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// table is a valid CSV file with two classes and two features.
const table = `a,b,label,split
0,0,no,train
1,0,yes,train
0,1,no,train
1,1,yes,test
`

// small is an experiment that is quick if it is accepted by mistake.
const small = "name: e\ndata:\n  set: gauss\nmodel: {hidden: [5]}\ntraining: {epochs: 1, rate: {base: 0.1}}\nspectrum: {off: true}\n"

// Each file is tried by train, as data.csv, and by analyze --data.
func TestBadCSV(t *testing.T) {
	for _, test := range []struct {
		name     string
		old, new string // in table; the whole file is new if old is empty
		want     string
	}{
		{"empty", "", "", "d.csv: the file is empty, want a line that names the columns"},
		{"header only", "", "a,b,label\n", "d.csv: no rows after the line of column names"},
		{"no label column", "label", "class", `d.csv:1: no label column "label": there are "a", "b", "class", "split"`},
		{"no features", "", "label\n0\n1\n", "d.csv: no column is a feature"},
		{"column without a name", "a,b,", "a,,", "d.csv:1:3: column 2 has no name"},
		{"column twice", "a,b,", "a,a,", `d.csv:1:3: column "a" is there twice`},
		{"word in a cell", "1,0,yes", "1,zero,yes", `d.csv:3:3: column "b": "zero" is not a number`},
		{"empty cell", "1,0,yes", "1,,yes", `d.csv:3:3: column "b": the value is missing: set missing to median`},
		{"NaN", "1,0,yes", "1,NaN,yes", `d.csv:3:3: column "b": the value is missing`},
		{"infinity", "1,0,yes", "-inf,0,yes", `d.csv:3:1: column "a": "-inf" is not finite`},
		{"number too large", "1,0,yes", "1e999,0,yes", `d.csv:3:1: column "a": "1e999" is too large for a float64`},
		{"missing label", "1,0,yes", "1,0,", `d.csv:3:5: column "label": label is missing`},
		{"row too short", "1,0,yes,train", "1,0,yes", "d.csv:3:5: row has 3 fields, want 4"},
		{"row too long", "1,0,yes,train", "1,0,yes,train,x", "d.csv:3:15: row has 5 fields, want 4"},
		{"quote not closed", "1,0,yes", `1,0,"yes`, "d.csv:"},
		{"unknown split", "0,1,no,train", "0,1,no,trian", `d.csv:4:8: column "split": "trian" is no split, want train, val, validation, test or all`},
		{"no train split", "", "a,label,split\n1,0,test\n2,1,test\n", "d.csv: no row has the split train"},
		{"one class only", "", "a,label\n1,0\n2,0\n", `d.csv: every row has the label "0", want at least two classes`},
		{"class number too large", "", "a,label\n1,0\n2,9\n", "d.csv:3:3: label 9 in a file of 2 rows"},
		{"binary", "", "\x00\x01\xff\xfe\x80", "d.csv"},
	} {
		content := test.new
		if test.old != "" {
			content = replace(t, table, test.old, test.new)
		}
		prepare := func(t *testing.T) {
			write(t, "d.csv", content)
			write(t, "e.yaml", replace(t, small, "set: gauss", "csv: d.csv"))
			write(t, "w.npz", network(2, 2))
		}
		t.Run(test.name, func(t *testing.T) {
			t.Run("train", badInput{"", prepare, []string{"train", "e.yaml"}, []string{test.want}}.test)
			t.Run("analyze", badInput{"", prepare, []string{"analyze", "--weights", "w.npz", "--data", "d.csv"}, []string{test.want}}.test)
		})
	}
}

func TestBadColumns(t *testing.T) {
	for setting, want := range map[string]string{
		"label: class":    `d.csv:1: no label column "class"`,
		"split: part":     `d.csv:1: no split column "part"`,
		"features: [c]":   `d.csv:1: no feature column "c": there are "a", "b", "label", "split"`,
		"features: [a,a]": `column "a" cannot be a feature: it is the label, the split, excluded or named twice`,
	} {
		t.Run(setting, badInput{
			prepare: func(t *testing.T) {
				write(t, "d.csv", table)
				write(t, "e.yaml", replace(t, small, "set: gauss", "csv: d.csv\n  "+setting))
			},
			args: []string{"train", "e.yaml"},
			want: []string{want},
		}.test)
	}
}

// entry is a file in an .npz.
type entry struct{ name, content string }

func npz(entries ...entry) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store})
		if err != nil {
			panic(err) // a bytes.Buffer has no errors
		}
		fmt.Fprint(w, e.content)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// npy returns an array in version 1.0 of the .npy format.
func npy(dtype, shape, data string) string {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", dtype, shape)
	header += strings.Repeat(" ", (-len(header)-11)&63) + "\n"
	return "\x93NUMPY\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(header)))) + header + data
}

// float64s returns n numbers of value v, as an .npy stores them.
func float64s(n int, v float64) string {
	return strings.Repeat(string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))), n)
}

// layer returns the arrays of a dense layer.
func layer(name string, out, in int) []entry {
	return []entry{
		{name + ".weight.npy", npy("<f8", fmt.Sprintf("(%d, %d)", out, in), float64s(out*in, 0.5))},
		{name + ".bias.npy", npy("<f8", fmt.Sprintf("(%d,)", out), float64s(out, 0.25))},
	}
}

// network returns an .npz of a linear classifier.
func network(in, classes int) string { return npz(layer("fc1", classes, in)...) }

func TestBadWeights(t *testing.T) {
	good := network(2, 3)
	safetensors := func(header, data string) string {
		return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + data
	}
	bias := layer("fc1", 3, 2)[1]
	weight := func(content string) string { return npz(entry{"fc1.weight.npy", content}, bias) }
	for _, test := range []struct {
		name, file, content string
		want                string
	}{
		{"truncated", "w.npz", good[:len(good)/2], "w.npz: is not an .npz file: zip: not a valid zip file"},
		{"end only", "w.npz", good[len(good)-22:], "w.npz: is not an .npz file: zip: "},
		{"damaged", "w.npz", strings.Replace(good, float64s(1, 0.5), float64s(1, 0.75), 1), `w.npz: array "fc1.weight": `},
		{"not a zip", "w.npz", "hello", "w.npz: is not an .npz file"},
		{"empty", "w.npz", "", "w.npz: is not an .npz file"},
		{"zip of something else", "w.npz", npz(entry{"a.txt", "x"}), "w.npz: is a zip file without .npy entries"},
		{"no arrays", "w.npz", npz(), "w.npz: models: no arrays; want NAME.weight and NAME.bias"},
		{"PyTorch's own format", "w.pt", "\x80\x02junk", `w.pt: is a pickle of PyTorch, which only Python reads; this converts a state_dict: import numpy, torch; numpy.savez("w.npz", `},
		{"wrong names", "w.npz", npz(entry{"kernel.npy", npy("<f8", "(3, 2)", float64s(6, 1))}), `w.npz: models: array "kernel" is neither NAME.weight nor NAME.bias`},
		{"no bias", "w.npz", npz(layer("fc1", 3, 2)[:1]...), `w.npz: models: no array "fc1.bias"; there are "fc1.weight"`},
		{"bias of another length", "w.npz", npz(layer("fc1", 3, 2)[0], layer("fc1", 4, 2)[1]), `models: array "fc1.bias" has shape (4); want (3), the outputs of "fc1.weight"`},
		{"weight with one dimension", "w.npz", weight(npy("<f8", "(6,)", float64s(6, 1))), `models: array "fc1.weight" has shape (6); want (out, in)`},
		{"layers that do not fit", "w.npz", npz(append(layer("fc1", 5, 2), layer("fc2", 3, 4)...)...), `array "fc2.weight" has shape (3, 4); want (…, 5), the outputs of the layer before`},
		{"one output", "w.npz", network(2, 1), "models: the last layer has 1 output; want at least 2 classes"},
		{"shape beyond the data", "w.npz", weight(npy("<f8", "(3, 200)", float64s(6, 1))), `w.npz: array "fc1.weight": shape (3, 200) of dtype`},
		{"shape beyond memory", "w.npz", weight(npy("<f8", "(4000000000, 4000000000)", float64s(6, 1))), `w.npz: array "fc1.weight": shape (4000000000, 4000000000) has more values than memory can address`},
		{"object array", "w.npz", weight(npy("|O", "(3, 2)", "\x80\x04K\x01.")), `w.npz: array "fc1.weight": dtype`},
		{"NaN", "w.npz", weight(npy("<f8", "(3, 2)", float64s(6, math.NaN()))), `w.npz: array "fc1.weight": value 0 is NaN; weights must be finite`},
		{"infinity", "w.npz", weight(npy("<f8", "(3, 2)", float64s(6, math.Inf(-1)))), "value 0 is -Inf; weights must be finite"},
		{"not an array inside", "w.npz", weight("hello"), `w.npz: array "fc1.weight": `},
		{"an array twice", "w.npz", npz(append(layer("fc1", 3, 2), layer("fc1", 3, 2)...)...), `array "fc1.weight": is there twice`},
		{"more inputs than features", "w.npz", network(4, 3), `models: split "train" has 2 values a sample; the model takes 4`},
		{"fewer outputs than classes", "w.npz", network(2, 2), `models: split "train" has a label 2; the model has 2 classes`},
		{"safetensors, truncated", "w.safetensors", safetensors(`{"fc1.weight":{"dtype":"F64","shape":[3,2],"data_offsets":[0,48]}}`, "x"), "w.safetensors: "},
		{"safetensors, header cut off", "w.safetensors", "\xff\x00\x00\x00\x00\x00\x00\x00{", "w.safetensors: "},
		{"safetensors, huge header", "w.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{", "w.safetensors: "},
		{"safetensors, not JSON", "w.safetensors", safetensors("{nope", ""), "w.safetensors: "},
		{"safetensors, unknown type", "w.safetensors", safetensors(`{"fc1.weight":{"dtype":"X9","shape":[1],"data_offsets":[0,8]}}`, float64s(1, 1)), `w.safetensors: `},
		{"safetensors, NaN", "w.safetensors", safetensors(`{"fc1.weight":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]}}`, float64s(1, math.NaN())), "value 0 is NaN"},
	} {
		t.Run(test.name, badInput{
			prepare: func(t *testing.T) { write(t, test.file, test.content) },
			args:    []string{"analyze", "--weights", test.file, "--data", "gauss"},
			want:    []string{test.want},
		}.test)
	}
	testBadInputs(t, []badInput{
		{"missing", nil, []string{"analyze", "--weights", "w.npz", "--data", "gauss"}, []string{"w.npz: no such file"}},
		{"folder", func(t *testing.T) { mkdir(t, "w.npz") }, []string{"analyze", "--weights", "w.npz", "--data", "gauss"}, []string{"w.npz: is a folder, not a regular file"}},
		{"to train from", func(t *testing.T) { write(t, "w.npz", good) }, []string{"train", "gauss", "--set", "model.weights=w.npz"}, []string{`w.npz: is an MLP 2-3 relu; want an MLP 2-100-100-3 relu`}},
		{"missing data", func(t *testing.T) { write(t, "w.npz", good) }, []string{"analyze", "--weights", "w.npz", "--data", "d.csv"}, []string{"d.csv: no such file"}},
		{"folder of data", func(t *testing.T) { write(t, "w.npz", good); mkdir(t, "d") }, []string{"analyze", "--weights", "w.npz", "--data", "d"}, []string{`no data set "d"; the name of a folder ends in a slash: d/`}},
		{"folder without images", func(t *testing.T) { write(t, "w.npz", good); mkdir(t, "d") }, []string{"analyze", "--weights", "w.npz", "--data", "d/"}, []string{"d: has no folder a class with .png, .jpg or .jpeg files"}},
		{"no NumPy file", func(t *testing.T) { write(t, "w.npz", good); write(t, "d.npz", table) }, []string{"analyze", "--weights", "w.npz", "--data", "d.npz"}, []string{"datasets: d.npz: is not an .npz file"}},
		{"weights as data", func(t *testing.T) { write(t, "w.npz", good) }, []string{"analyze", "--weights", "w.npz", "--data", "w.npz"}, []string{"datasets: w.npz: has no arrays x and y, or x_train and y_train; it has ["}},
		{"unknown set", func(t *testing.T) { write(t, "w.npz", good) }, []string{"analyze", "--weights", "w.npz", "--data", "gaus"}, []string{`no data set "gaus"; did you mean "gauss"?`}},
		{"unknown split", func(t *testing.T) { write(t, "w.npz", good) }, []string{"analyze", "--weights", "w.npz", "--data", "gauss", "--split", "rest"}, []string{`gauss has no split "rest": it has train, validation, test`}},
		{"no label column", func(t *testing.T) { write(t, "w.npz", good); write(t, "d.csv", table) }, []string{"analyze", "--weights", "w.npz", "--data", "d.csv", "--label", "kind"}, []string{`d.csv:1: no label column "kind"`}},
	})
}

const (
	trainImages = "mnist/train-images-idx3-ubyte"
	trainLabels = "mnist/train-labels-idx1-ubyte"
)

// idx returns an IDX file of unsigned bytes.
func idx(magic uint32, data string, dims ...uint32) string {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return string(b) + data
}

func TestBadIDX(t *testing.T) {
	pixels := strings.Repeat("\x7f", 2*28*28)
	for _, test := range []struct {
		name, file, content string
		want                string
	}{
		{"truncated", trainImages, idx(0x803, pixels[:1000], 2, 28, 28), "train-images-idx3-ubyte: byte 1016: file is cut off: header says 2 samples, which end at byte 1584"},
		{"header cut off", trainImages, idx(0x803, "", 2, 28), "train-images-idx3-ubyte: byte 12: file is cut off inside its header of 16 bytes"},
		{"empty", trainImages, "", "train-images-idx3-ubyte: byte 0: file is cut off inside its header"},
		{"wrong magic", trainImages, idx(0x801, pixels, 2, 28, 28), "train-images-idx3-ubyte: byte 0: magic number 0x00000801, want 0x00000803"},
		{"wrong magic of labels", trainLabels, idx(0x803, "\x00\x01", 2), "train-labels-idx1-ubyte: byte 0: magic number 0x00000803, want 0x00000801"},
		{"counts differ", trainLabels, idx(0x801, "\x00\x01\x02", 3), "has 2 images, "},
		{"billions of images", trainImages, idx(0x803, pixels, 4e9, 28, 28), "byte 4: header says 4000000000 samples, want 1 to 1000000"},
		{"no images", trainImages, idx(0x803, "", 0, 28, 28), "byte 4: header says 0 samples"},
		{"other size", trainImages, idx(0x803, pixels, 2, 32, 28), "byte 8: header says 32 rows, want 28"},
		{"bytes too many", trainImages, idx(0x803, pixels+"x", 2, 28, 28), "byte 1584: trailing bytes after the 2 samples"},
		{"label out of range", trainLabels, idx(0x801, "\x00\x0a", 2), "byte 9: label 10 of sample 1 is out of range, want 0 to 9"},
		{"gzip cut off", trainImages, "\x1f\x8b\x08\x00", "train-images-idx3-ubyte: byte 0: "},
	} {
		t.Run(test.name, badInput{
			prepare: func(t *testing.T) {
				write(t, trainImages, idx(0x803, pixels, 2, 28, 28))
				write(t, trainLabels, idx(0x801, "\x00\x01", 2))
				write(t, "mnist/t10k-images-idx3-ubyte", idx(0x803, pixels, 2, 28, 28))
				write(t, "mnist/t10k-labels-idx1-ubyte", idx(0x801, "\x00\x01", 2))
				write(t, test.file, test.content)
			},
			args: []string{"train", "mnist", "--set", "data.dir=mnist", "--set", "training.epochs=0"},
			want: []string{test.want},
		}.test)
	}
	testBadInputs(t, []badInput{
		{"no files", func(t *testing.T) { mkdir(t, "mnist") }, []string{"train", "mnist", "--set", "data.dir=mnist"}, []string{"mnist has no file train-labels-idx1-ubyte.gz or train-labels-idx1-ubyte"}},
		{"no folder", nil, []string{"train", "mnist", "--set", "data.dir=mnist"}, []string{"mnist has no file"}},
	})
}

// A run of two epochs whose files have been tampered with.
func TestBadRun(t *testing.T) {
	const (
		run  = "runs/gauss"
		last = run + "/checkpoints/last.npz"
		yaml = run + "/config.yaml"
		json = run + "/run.json"
	)
	resume := []string{"train", "gauss", "--resume", "--no-progress"}
	analyze := []string{"analyze", run}
	edited := func(path, old, replacement string) func(*testing.T) {
		return func(t *testing.T) { edit(t, path, old, replacement) }
	}
	unrecorded := func(path, old, replacement string) func(*testing.T) { // as of an older version, that did not record how the run began
		return func(t *testing.T) {
			edit(t, path, old, replacement)
			write(t, yaml, withoutBegun(read(t, yaml)))
			editRecord(t, json, `"settings": {`, `"forgotten": {`)
		}
	}
	truncated := func(path string, size int64) func(*testing.T) {
		return func(t *testing.T) {
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
		}
	}
	removed := func(path string) func(*testing.T) {
		return func(t *testing.T) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	inputs := []badInput{
		{"checkpoint cut off, resume", truncated(last, 2000), resume, []string{last + ": is not an .npz file: zip: not a valid zip file"}},
		{"checkpoint cut off, analyze", truncated(last, 2000), analyze, []string{last + ": is not an .npz file"}},
		{"checkpoint of another program", func(t *testing.T) { write(t, last, network(2, 3)) }, resume, []string{last + `: no entry "progress.json"; this is not a checkpoint`}},
		{"no last checkpoint", removed(last), analyze, []string{last + ": is missing; previous.npz, of epoch 0, is sound: `hessoscope fsck runs/gauss --repair` goes back to it"}},
		{"no checkpoint", func(t *testing.T) { removed(last)(t); removed(run + "/checkpoints/previous.npz")(t) }, analyze, []string{last + ": no checkpoint; the run ended before its first one"}},
		{"no configuration", removed(yaml), analyze, []string{run + " is not the folder of a run: it has no config.yaml"}},
		{"configuration is no YAML", edited(yaml, "seed: ", "seed: ["), analyze, []string{yaml + ":"}},
		{"unknown key in the configuration", edited(yaml, "seed:", "sed:"), resume, []string{yaml + `:3:1: unknown key "sed"; did you mean "seed"?`}},
		{"epoch not kept", nil, append(analyze, "--epoch", "1"), []string{"epoch-000001.npz: no such checkpoint; kept are ", "last.npz", "--set 'checkpoint.schedule={every: N}'"}},
		{"other widths", unrecorded(yaml, "[5]", "[6]"), resume, []string{last + `: models: array "fc1.weight" has shape (5, 2); want (6, 2) (in the checkpoint)`}},
		{"other widths, analyze is told by the checkpoint", unrecorded(yaml, "gauss\nmodel", "iris\nmodel"), analyze, []string{"has 4 values a sample; the model takes 2"}},
		{"other seed", unrecorded(yaml, "seed: 0", "seed: 1"), resume, []string{last + ": trainer: the checkpoint is of a run with seed 0; this one has 1"}},
		{"other data", unrecorded(yaml, "set: gauss", "set: gauss\n  random_labels: true"), resume, []string{last + ": trainer: the checkpoint is of a run on other data than gauss as it is now"}},
		{"fewer epochs", unrecorded(yaml, "epochs: 2", "epochs: 1"), resume, []string{last + ": trainer: the checkpoint is at epoch 2"}},
		{"other optimizer", unrecorded(yaml, "name: sgd", "name: adam"), resume, []string{last + ": trainer: the checkpoint is of a run with the optimizer sgd; this one has adam"}},
		{"other seed than recorded", edited(yaml, "seed: 0", "seed: 1"), resume, []string{yaml + ": seed was 0, is 1, and cannot be changed in a run that has begun; put it back"}},
		{"settings of another version", func(t *testing.T) { editRecord(t, json, `"seed": 0`, `"sed": 0`) }, resume, []string{json + `: settings:`, `unknown key "sed"`}},
		{"other hooks", unrecorded(yaml, "  \"off\": true\n", ""), resume, []string{last + ": trainer: the checkpoint was made with the hooks "}},
	}
	trained := os.DirFS(chdir(t))
	trainTwoEpochs(t)
	for i, b := range inputs {
		prepare := b.prepare
		inputs[i].prepare = func(t *testing.T) {
			below, err := fs.Sub(trained, "runs")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS("runs", below); err != nil {
				t.Fatal(err)
			}
			if prepare != nil {
				prepare(t)
			}
		}
	}
	testBadInputs(t, inputs)
}

// trainTwoEpochs leaves a run in runs/gauss, as if it had been killed at its end.
func trainTwoEpochs(t *testing.T) {
	t.Helper()
	succeed(t, "train", "gauss", "--no-progress", "--set", "training.epochs=2", "--set", "model.hidden=[5]", "--set", "spectrum.off=true")
	editRecord(t, "runs/gauss/run.json", `"finished"`, `"running"`)
}

// A run whose metrics do not fit its checkpoint begins, and fails without a new
// checkpoint.
func TestResumeWithoutMetrics(t *testing.T) {
	chdir(t)
	trainTwoEpochs(t)
	if err := os.Truncate("runs/gauss/metrics.jsonl", 10); err != nil {
		t.Fatal(err)
	}
	before := tree(t)
	r := hessoscope("train", "gauss", "--resume", "--no-progress")
	r.stdout = ""
	refused(t, r, "runs/gauss/metrics.jsonl: is cut short: it has 10 bytes, but had ")
	if diff := cmp.Diff(before, tree(t)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}
