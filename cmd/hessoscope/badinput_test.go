package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// badInput is a command line that must be refused.
type badInput struct {
	name    string
	prepare func(t *testing.T) // the working directory; nothing if nil
	args    []string
	want    []string // what the error must say
}

func (b badInput) test(t *testing.T) {
	chdir(t)
	if b.prepare != nil {
		b.prepare(t)
	}
	before := tree(t)
	refused(t, hessoscope(b.args...), b.want...)
	if diff := cmp.Diff(before, tree(t)); diff != "" {
		t.Errorf("something was left behind (-before +after):\n%s", diff)
	}
}

// refused is an error unless a command ended as for bad input: with status 2
// and one line that says all of want.
func refused(t *testing.T, r result, want ...string) {
	t.Helper()
	if r.status != exitFault || r.stdout != "" {
		t.Errorf("status %d, output %q; want status %d and no output", r.status, r.stdout, exitFault)
	}
	if !strings.HasPrefix(r.stderr, "hessoscope: ") || strings.Index(r.stderr, "\n") != len(r.stderr)-1 {
		t.Errorf("error %q; want one line", r.stderr)
	}
	for _, w := range want {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("error %q; want it to say %q", r.stderr, w)
		}
	}
}

func testBadInputs(t *testing.T, inputs []badInput) {
	for _, b := range inputs {
		t.Run(b.name, b.test)
	}
}

// small is an experiment that is quick, should it be accepted.
const small = `name: e
data:
  set: gauss
model:
  hidden: [5]
training:
  epochs: 1
  rate:
    base: 0.1
spectrum:
  off: true
`

func TestBadYAML(t *testing.T) {
	for _, test := range []struct {
		name     string
		old, new string // in small; the whole file is new if old is empty
		want     string
	}{
		// Keys.
		{"unknown key", "data:", "dta:", `e.yaml:2:1: unknown key "dta"; did you mean "data"?`},
		{"unknown key, second level", "hidden:", "hiden:", `e.yaml:5:3: unknown key "hiden"; did you mean "hidden"?`},
		{"unknown key, third level", "base:", "bass:", `e.yaml:9:5: unknown key "bass"; did you mean "base"?`},
		{"unknown key like none", "name:", "zzzzzz:", `e.yaml:1:1: unknown key "zzzzzz"; want one of checkpoint, complexity, data, `},
		{"key of another depth", "name: e", "epochs: 5", `e.yaml:1:1: unknown key "epochs" here; did you mean "training.epochs"?`},
		{"key of another depth, nested", "  set:", "  batch_size: 5\n  set:", `e.yaml:3:3: unknown key "batch_size" here; did you mean "training.batch_size"?`},
		{"key in capitals", "training:", "Training:", `e.yaml:6:1: unknown key "Training"; did you mean "training"?`},
		{"duplicate key", "training:", "data:\n  set: iris\ntraining:", `e.yaml:6:1: mapping key "data" already defined`},
		{"key in a value without keys", "epochs: 1", "epochs:\n    x: 1", "e.yaml:8:6: "},

		// Syntax.
		{"tab", "  epochs", "\tepochs", "e.yaml:7:1: found character '\t'"},
		{"bracket not closed", "[5]", "[5", "e.yaml:6:1: ',' or ']' must be specified"},
		{"quote not closed", "name: e", `name: "e`, "e.yaml:1:7: "},
		{"two colons", "name: e", "name: e: f", "e.yaml:1:7: mapping value is not allowed"},
		{"indentation", "  set: gauss", "  set: gauss\n   label: x", "e.yaml:"},
		{"alias", "gauss", "*nope", `e.yaml:3:8: "*" is an alias or a tag; want the plain value`},
		{"alias of itself", "data:\n", "data: &a\n  <<: *a\n", `e.yaml:3:7: "*" is an alias`},
		{"list within itself", "off: true", "method: &a [*a]", `e.yaml:11:15: "*" is an alias`},
		{"aliases that explode", "name: e", "name: [&a [x, x], &b [*a, *a], &c [*b, *b], [*c, *c]]", `e.yaml:1:23: "*" is an alias`},
		{"tag", "[5]", "!x [5]", `e.yaml:5:11: "!x" is an alias or a tag`},
		{"brackets without end", "name: e", "name: " + strings.Repeat("[", 50_000), "e.yaml:1:27: more than 20 brackets within each other"},
		{"megabytes", "name: e", "name: " + strings.Repeat("e", 1<<20), "e.yaml: has 1048689 bytes; want at most 65536"},
		{"second document", "spectrum:", "---\nspectrum:", "e.yaml:10:1: a second document"},

		// Not an experiment at all.
		{"empty", "", "", "e.yaml: the file is empty"},
		{"blank", "", " \n\n", "e.yaml: the file is empty"},
		{"comment only", "", "# nothing\n", "e.yaml: data wants one of set and csv"},
		{"null", "", "null\n", "e.yaml:1:1: null"},
		{"number", "", "5\n", "e.yaml:1:1: int"},
		{"list", "", "[1, 2]\n", "e.yaml:1:1: sequence"},
		{"text", "", "hello\n", "e.yaml:1:1: string"},
		{"binary", "", "\x00\x01\xff\xfe\x80\x1f\x8b", "e.yaml:1:1: "},
		{"zip", "", "PK\x03\x04\x14\x00\x00\x00", "e.yaml:1:1: "},

		// Types.
		{"word for a whole number", "epochs: 1", "epochs: many", `e.yaml:7:11: "many" is not a whole number`},
		{"fraction for a whole number", "epochs: 1", "epochs: 1.5", "e.yaml:7:11: training.epochs has 1.5; want a whole number"},
		{"quoted fraction", "epochs: 1", `epochs: "1.5"`, "e.yaml:7:11: training.epochs has 1.5; want a whole number"},
		{"fraction in a list", "[5]", "[5.5]", "e.yaml:5:11: model.hidden has 5.5; want a whole number"},
		{"list for a whole number", "epochs: 1", "epochs: [1]", `e.yaml:7:11: "[" is not a whole number`},
		{"word for a number", "base: 0.1", "base: fast", `e.yaml:9:11: "fast" is not a number`},
		{"number too large", "base: 0.1", "base: 1e999", `e.yaml:9:11: "1e999" is not a number`},
		{"number for a list", "[5]", "5", "e.yaml:5:11: int was used where sequence is expected"},
		{"word in a list", "[5]", "[a]", `e.yaml:5:12: "a" is not a whole number`},
		{"word for true", "off: true", "off: perhaps", `e.yaml:11:8: "perhaps" is not true or false`},
		{"number for keys", "training:\n  epochs: 1\n  rate:\n    base: 0.1", "training: 5", "e.yaml:6:11: int was used where mapping is expected"},
		{"list for a word", "gauss", "[gauss]", `e.yaml:3:8: "[" is not a string`},
		{"negative seed", "name: e", "seed: -1", "e.yaml:1:7: -1 is out of range; want a whole number, 0 or more"},
		{"huge number of epochs", "epochs: 1", "epochs: 1e30", "e.yaml:7:11: 1e30 is out of range; want a whole number"},
		{"number of epochs with 20 digits", "epochs: 1", "epochs: 99999999999999999999", "e.yaml:7:11: 99999999999999999999 is out of range"},

		// Values.
		{"both set and csv", "set: gauss", "set: gauss\n  csv: d.csv", "e.yaml:3:6: data wants one of set and csv"},
		{"neither set nor csv", "data:\n  set: gauss", "seed: 1", "e.yaml: data wants one of set and csv"},
		{"unknown set", "gauss", "gaus", `e.yaml:3:8: data.set is "gaus"; did you mean "gauss"?`},
		{"option of csv for a set", "set: gauss", "set: gauss\n  label: x", "e.yaml:4:10: data.label does not apply to gauss; these do: data.samples, "},
		{"option of a set for another", "set: gauss", "set: gauss\n  per_class: 3", "e.yaml:4:14: data.per_class does not apply to gauss"},
		{"option of a set for csv", "set: gauss", "csv: d.csv\n  random_labels: true", "e.yaml:4:18: data.random_labels does not apply to csv; these do: data.label, data.split, data.features"},
		{"missing csv", "set: gauss", "csv: d.csv", "d.csv: no such file"},
		{"name with slashes", "name: e", "name: a/b", `e.yaml:1:7: name is "a/b"; want a name without slashes`},
		{"name of the folder above", "name: e", "name: ..", `e.yaml:1:7: name is ".."`},
		{"name with a line break", "name: e", `name: "a\nb"`, `e.yaml:1:7: name is "a\nb"`},
		{"negative epochs", "epochs: 1", "epochs: -1", "e.yaml:7:11: training.epochs is -1; want 0 or more"},
		{"no learning rate", "    base: 0.1", "    warmup: 1", "e.yaml:9:11: training.rate.base is 0; want a positive number"},
		{"width below one", "[5]", "[5, 0]", "e.yaml:5:11: model.hidden has a width below 1"},
		{"unknown activation", "[5]", "[5]\n  activation: rel", `e.yaml:6:15: model.activation is "rel"; want one of gelu, leaky_relu, relu, `},
		{"unknown init", "[5]", "[5]\n  init: zeros", `e.yaml:6:9: model.init is "zeros"; want one of kaiming, pytorch, xavier`},
		{"unknown precision", "[5]", "[5]\n  precision: float16", `e.yaml:6:14: model.precision is "float16"; want float64 or float32`},
		{"two starts", "[5]", "[5]\n  weights: a.npz\n  norm_of: b.npz", "e.yaml:7:12: model.norm_of excludes weights"},
		{"missing weights", "[5]", "[5]\n  weights: a.npz", "a.npz: no such file"},
		{"missing network for the norm", "[5]", "[5]\n  norm_of: a.npz", "a.npz: no such file"},
		{"unknown loss", "epochs: 1", "loss: hinge", `e.yaml:7:9: training.loss is "hinge"; want one of cross_entropy, squared_error`},
		{"unknown rate schedule", "base: 0.1", "base: 0.1\n    schedule: linear", `e.yaml:10:15: training.rate.schedule is "linear"; want constant, step, multi_step or cosine`},
		{"step without every", "base: 0.1", "base: 0.1\n    schedule: step", "training.rate.every is 0; the step schedule wants at least 1 epoch"},
		{"unknown optimizer", "epochs: 1", "optimizer:\n    name: sdg", `e.yaml:8:11: training.optimizer.name is "sdg"; want sgd, adam, adamw or rmsprop`},
		{"momentum for adam", "epochs: 1", "optimizer: {name: adam, momentum: 0.9}", "training.optimizer.momentum is not used by adam; set beta1"},
		{"nesterov without momentum", "epochs: 1", "optimizer: {nesterov: true}", "training.optimizer.nesterov needs sgd with a momentum"},
		{"unknown method", "off: true", "method: qr", `unknown eigenvalue method "qr": want one of auto, dense, lanczos`},
		{"no pairs", "off: true", "top: -1\n  bottom: -1", "e.yaml:11:6: spectrum asks for neither top nor bottom pairs"},
		{"epoch before the first", "off: true", "schedule:\n    at: [0, -1]", "e.yaml:12:9: spectrum.schedule.at has epoch -1"},
		{"unknown metric", "spectrum:", "checkpoint: {best: test/los}\nspectrum:", `checkpoint.best: trainer: no metric "test/los"; did you mean "test/loss"?`},
		{"metric without a better side", "spectrum:", "checkpoint: {best: train/learning_rate}\nspectrum:", "checkpoint.best: of train/learning_rate neither lower nor higher is better"},
		{"class that the set does not have", "set: gauss", "set: iris\n  classes: [0, 3]", "Classes has 3, want 0 to 2"},

		// Sizes. Each must be refused before memory is asked for.
		{"billion of neurons", "[5]", "[1000000000]", "model.hidden [1000000000] makes 6e+09 parameters, 48 GB; want at most 134217728"},
		{"wide layers", "[5]", "[100000, 100000]", "want at most 134217728"},
		{"widest layer", "[5]", "[9223372036854775807]", "want at most 134217728"},
		{"too many parameters for dense", "[5]\n", "[300, 300]\n", "spectrum: curvature: dense method refused for n = 92103"},
		{"too many pairs", "[5]\n", "[400, 400]\n", "spectrum: curvature: lanczos: 162803 pairs of n = 162803 take 424 GB: want fewer"},
		{"too many samples", "set: gauss", "set: gauss\n  samples: 1000000000", "Samples is 1000000000, want 30 to 10000000"},
	} {
		yaml := test.new
		if test.old != "" {
			yaml = replace(t, small, test.old, test.new)
		}
		switch test.name {
		case "too many parameters for dense":
			yaml = replace(t, yaml, "off: true", "method: dense")
		case "too many pairs":
			yaml = replace(t, yaml, "off: true", "top: 1000000000")
		}
		t.Run(test.name, badInput{
			prepare: func(t *testing.T) { write(t, "e.yaml", yaml) },
			args:    []string{"train", "e.yaml", "--no-progress"},
			want:    []string{test.want},
		}.test)
	}
}

// Every number is checked, whatever way it is wrong.
func TestBadNumbers(t *testing.T) {
	whole := []string{".nan", ".inf", "-.inf", "-1", "1.5", "1e30", "-1e30", "many", "[1]", "{a: 1}"}
	real := []string{".nan", ".inf", "-.inf", "-1", "1e999", "many", "[1]", "{a: 1}"}
	needs := map[string]string{ // settings that others must be in force for
		"data.noise":               "data.samples=100",
		"training.rate.every":      "training.rate.schedule=step",
		"training.rate.gamma":      "training.rate.schedule=step",
		"training.rate.milestones": "training.rate.schedule=multi_step",
		"training.rate.final":      "training.rate.schedule=cosine",
	}
	count := 0
	for _, l := range leaves(reflect.TypeFor[config](), "") {
		var values []string
		switch {
		case l.key == "spectrum.method": // an int with names
		case l.of.Kind() == reflect.Int || l.of.Kind() == reflect.Uint64:
			values = whole
		case l.of.Kind() == reflect.Float64:
			values = real
		case l.of == reflect.TypeFor[[]int]():
			for _, v := range whole {
				values = append(values, "["+v+"]")
			}
		}
		for _, value := range values {
			if value == "-1" && (l.key == "spectrum.top" || l.key == "spectrum.bottom") || // means none
				value == "[-1]" && l.key == "training.rate.milestones" { // harmless: it has passed
				continue
			}
			args := []string{"train", "gauss", "--no-progress", "--set", "training.epochs=0", "--set", "spectrum.off=true"}
			if need := needs[l.key]; need != "" {
				args = append(args, "--set", need)
			}
			count++
			assignment := l.key + "=" + value
			t.Run(assignment, func(t *testing.T) {
				r := badInput{args: append(args, "--set", assignment)}
				r.test(t)
			})
		}
	}
	if count < 200 {
		t.Errorf("only %d numbers were tried", count)
	}
}

func TestBadSet(t *testing.T) {
	for assignment, want := range map[string]string{
		"training.epochs":          "--set training.epochs: want key=value, such as training.epochs=50",
		"":                         "--set : want key=value",
		"=5":                       `unknown key ""; want one of `,
		"training.epoch=5":         `--set training.epoch=5: unknown key "epoch"; did you mean "epochs"?`,
		"epochs=5":                 `--set epochs=5: unknown key "epochs" here; did you mean "training.epochs"?`,
		"nonsense=1":               `unknown key "nonsense"; want one of `,
		"training.epochs=abc":      `--set training.epochs=abc: "abc" is not a whole number`,
		"training.epochs=1.5":      "--set training.epochs=1.5: training.epochs has 1.5; want a whole number",
		"training.epochs.x=1":      "--set training.epochs.x=1: epochs has no keys below it",
		"training=5":               "int was used where mapping is expected",
		"training={epoch: 5}":      `unknown key "epoch"; did you mean "epochs"?`,
		"training={rate: {x: 1}}":  `unknown key "x"; want one of base, every, `,
		"training={}":              "training.rate.base is 0; want a positive number",
		"model.hidden=[":           "--set model.hidden=[: ",
		"model.hidden=5":           "int was used where sequence is expected",
		"data.csv=x.csv":           "data wants one of set and csv",
		"data.set=":                "data wants one of set and csv",
		"name=":                    "the run has no name; --name gives it one",
		`name=".."`:                `name is ".."`,
		"foo\nbar=1":               "--set foo: unknown key",
		"name=a\nb: 1":             "--set name=a: ",
		"spectrum.method=fast":     `unknown eigenvalue method "fast": want one of auto, dense, lanczos`,
		"checkpoint.seconds=1e300": "checkpoint.seconds is 1e+300; want 0, for the default, to 1e+09",
		"spectrum.tolerance=1":     "spectrum.tolerance is 1; want a number between 0 and 1",
	} {
		t.Run(fmt.Sprintf("%q", assignment), badInput{
			args: []string{"train", "iris", "--no-progress", "--set", "training.epochs=0", "--set", "spectrum.off=true", "--set", assignment},
			want: []string{want},
		}.test)
	}
}

func TestBadFlags(t *testing.T) {
	train := func(args ...string) []string { return append([]string{"train"}, args...) }
	analyze := func(args ...string) []string {
		return append([]string{"analyze", "--weights", "w.npz", "--data", "iris"}, args...)
	}
	file := func(path string) func(*testing.T) { return func(t *testing.T) { write(t, path, "x") } }
	testBadInputs(t, []badInput{
		{"unknown command", nil, []string{"trian", "iris"}, []string{"unexpected argument trian", "(try --help)"}},
		{"unknown flag", nil, train("iris", "--epochs", "5"), []string{"unknown flag --epochs", "(try --help)"}},
		{"missing argument", nil, train(), []string{`expected "<experiment>"`}},
		{"too many arguments", nil, train("iris", "gauss"), []string{"unexpected argument gauss"}},
		{"unknown preset", nil, train("iriss"), []string{`no preset and no file "iriss"; did you mean "iris"?`}},
		{"missing file", nil, train("mine.yaml"), []string{"mine.yaml: no such file"}},
		{"folder", func(t *testing.T) { mkdir(t, "a/b") }, train("a/b"), []string{"a/b is a folder; want a YAML file, or --resume"}},
		{"name with slashes", nil, train("iris", "--name", "a/b"), []string{`name is "a/b"; want a name without slashes`}},
		{"unknown log format", nil, train("iris", "--log", "xml"), []string{`--log must be one of "text","json" but got "xml"`}},
		{"file in place of the folder of runs", file("runs"), train("iris"), []string{"runs/iris: not a directory"}},
		{"file above the folder of runs", file("a"), train("iris", "--out", "a/b"), []string{"a/b/iris: not a directory"}},
		{"resume with set", nil, train("iris", "--resume", "--set", "seed=1"), []string{"--set cannot change them"}},
		{"resume of nothing", nil, train("iris", "--resume"), []string{"no run in runs/iris to resume; `hessoscope train iris` starts one"}},
		{"resume of a folder that is no run", func(t *testing.T) { mkdir(t, "runs/x") }, train("runs/x", "--resume"), []string{"runs/x is not the folder of a run: it has no config.yaml"}},
		{"nothing to analyze", nil, []string{"analyze"}, []string{"wants the folder of a run, or --weights and --data"}},
		{"weights without data", nil, []string{"analyze", "--weights", "w.npz"}, []string{"wants the folder of a run, or --weights and --data"}},
		{"run and weights", nil, []string{"analyze", "runs/x", "--weights", "w.npz"}, []string{"not both"}},
		{"folder that is no run", func(t *testing.T) { mkdir(t, "runs/x") }, []string{"analyze", "runs/x"}, []string{"runs/x is not the folder of a run: it has no config.yaml"}},
		{"epoch without run", nil, analyze("--epoch", "5"), []string{"--epoch belongs to the folder of a run"}},
		{"unknown method", nil, analyze("--method", "qr"), []string{`--method: unknown eigenvalue method "qr": want one of auto, dense, lanczos`}},
		{"negative top", nil, analyze("--top=-1"), []string{"--top and --bottom want numbers that are not negative"}},
		{"negative bottom", nil, analyze("--bottom=-1"), []string{"--top and --bottom want numbers that are not negative"}},
		{"word for top", nil, analyze("--top", "many"), []string{`--top: expected a valid 64 bit int but got "many"`}},
		{"no tolerance", nil, analyze("--tolerance", "0"), []string{"--tolerance 0: want a number between 0 and 1"}},
		{"NaN tolerance", nil, analyze("--tolerance", "NaN"), []string{"--tolerance NaN: want a number between 0 and 1"}},
		{"negative seed", nil, analyze("--seed=-1"), []string{"--seed: "}},
		{"negative workers", nil, analyze("--workers=-1"), []string{"--workers -1: want 0, for one a CPU, or more"}},
		{"unknown activation", nil, analyze("--activation", "rel"), []string{`--activation: is "rel"; want one of gelu, `}},
		{"unknown loss", nil, analyze("--loss", "hinge"), []string{`--loss: is "hinge"; want one of cross_entropy`}},
		{"JSON into a missing folder", nil, analyze("--json", "a/x.json"), []string{"a/x.json: there is no folder a"}},
		{"JSON onto a folder", func(t *testing.T) { mkdir(t, "a") }, analyze("--json", "a"), []string{"a is a folder; want the name of a file"}},
		{"vectors into a missing folder", nil, analyze("--vectors", "a/x.npz"), []string{"a/x.npz: there is no folder a"}},
		{"vectors by another name", nil, analyze("--vectors", "x.csv"), []string{"--vectors x.csv: want a name that ends in .npz"}},
		{"unknown preset to print", nil, []string{"presets", "print", "irs"}, []string{`"irs"; did you mean "iris"?`}},
		{"unknown set to describe", nil, []string{"datasets", "describe", "irs"}, []string{`no data set "irs"; did you mean "iris"?`}},
		{"set that is not fetched", nil, []string{"datasets", "fetch", "iris"}, []string{`must be one of "mnist" but got "iris"`}},
	})
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}
