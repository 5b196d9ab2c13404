package experiment

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

// prepared prepares an experiment with settings, as the command train does, and returns
// the error. Nothing may be written.
func prepared(t *testing.T, c *Config, err error, settings ...string) error {
	t.Helper()
	if err != nil {
		return err
	}
	if err := c.Set(settings...); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	c.Resolve()
	if err := c.Absolute(); err != nil {
		return err
	}
	dir := t.TempDir()
	_, err = c.Prepare(t.Context(), filepath.Join(dir, "run"), Console{Log: io.Discard, Format: "text"})
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%s was left behind", left[0].Name())
	}
	return err
}

// refused reports a test error unless err is one line that contains all of want.
func refused(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	oneLine(t, err)
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q; want it to say %q", err, w)
		}
	}
}

func replace(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in %q", old, text)
	}
	return strings.Replace(text, old, replacement, 1)
}

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
		{"unknown key like none", "name:", "zzzzzz:", `e.yaml:1:1: unknown key "zzzzzz"; want one of begun, checkpoint, complexity, critical_sharpness, `},
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
		{"brackets without end", "name: e", "name: " + strings.Repeat("[", 50_000), "e.yaml:1:27: more than 20 nested brackets"},
		{"megabytes", "name: e", "name: " + strings.Repeat("e", 1<<20), "e.yaml: has 1048689 bytes; want at most 65536"},
		{"second document", "spectrum:", "---\nspectrum:", "e.yaml:10:1: a second document"},

		// Not an experiment at all.
		{"empty", "", "", "e.yaml: the file is empty"},
		{"blank", "", " \n\n", "e.yaml: the file is empty"},
		{"comment only", "", "# nothing\n", "e.yaml: data wants one of set and csv"},
		{"null", "", "null\n", "e.yaml:1:1: want a group of settings"},
		{"number", "", "5\n", "e.yaml:1:1: want a group of settings"},
		{"list", "", "[1, 2]\n", "e.yaml:1:1: want a group of settings"},
		{"text", "", "hello\n", "e.yaml:1:1: want a group of settings"},
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
		{"number for a list", "[5]", "5", `e.yaml:5:11: "5" is not a list; want one in brackets, such as [5]`},
		{"word in a list", "[5]", "[a]", `e.yaml:5:12: "a" is not a whole number`},
		{"word for true", "off: true", "off: perhaps", `e.yaml:11:8: "perhaps" is not true or false`},
		{"number for keys", "training:\n  epochs: 1\n  rate:\n    base: 0.1", "training: 5", "e.yaml:6:11: want a group of settings: {key: value}, or keys with values below it"},
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
		{"option of a set for csv", "set: gauss", "csv: d.csv\n  samples: 30", "e.yaml:4:12: data.samples does not apply to csv; these do: data.label, data.split, data.features"},
		{"seed of nothing for csv", "set: gauss", "csv: d.csv\n  seed: 3", "e.yaml:4:9: data.seed has no effect without random_labels or split_shares"},
		{"rule for gaps", "set: gauss", "csv: d.csv\n  missing: mean", `e.yaml:4:12: data.missing is "mean"; want error, median, most_frequent or drop`},
		{"shares of all", "set: gauss", "csv: d.csv\n  split_shares: {test: 1}", "e.yaml:4:17: data.split_shares is {validation: 0, test: 1}; want shares of at least 0 whose sum is below 1"},
		{"gaps of a built-in set", "set: gauss", "set: gauss\n  missing: drop", "e.yaml:4:12: data.missing does not apply to gauss"},
		{"csv as a set", "set: gauss", "set: d.csv", `e.yaml:3:8: data.set is "d.csv", a CSV file; data.csv takes it`},
		{"option of a set for a file", "set: gauss", "set: d.npz\n  samples: 30", "e.yaml:4:12: data.samples does not apply to d.npz; these do: data.seed, data.random_labels, data.classes, data.per_class, data.max_gb"},
		{"memory for a built-in set", "set: gauss", "set: gauss\n  max_gb: 3", "e.yaml:4:11: data.max_gb does not apply to gauss"},
		{"negative memory", "set: gauss", "set: d/\n  max_gb: -3", "option MaxGB is -3, want more than 0"},
		{"folder without a slash", "set: gauss", "set: presets", `e.yaml:3:8: data.set is "presets", a folder; write it with a slash: presets/`},
		{"missing folder", "set: gauss", "set: d/", "/d: no such file"},
		{"negative shift", "set: gauss", "set: gauss\n  augmentation: {shift: -1}", "e.yaml:4:17: data.augmentation is invalid: shift is -1"},
		{"unknown augmentation", "set: gauss", "set: gauss\n  augmentation: {flop: true}", `unknown key "flop"`},
		{"augmented table", "set: gauss", "set: gauss\n  augmentation: {flip: true}", "datasets: augmentation: gauss has samples of shape [2]; want images"},
		{"missing csv", "set: gauss", "csv: d.csv", "d.csv: no such file"},
		{"name with slashes", "name: e", "name: a/b", `e.yaml:1:7: name is "a/b"; want a name without slashes`},
		{"name of the folder above", "name: e", "name: ..", `e.yaml:1:7: name is ".."`},
		{"name with a line break", "name: e", `name: "a\nb"`, `e.yaml:1:7: name is "a\nb"`},
		{"negative epochs", "epochs: 1", "epochs: -1", "e.yaml:7:11: training.epochs is -1; want 0 or more"},
		{"no learning rate", "    base: 0.1", "    warmup: 1", "e.yaml:9:11: training.rate.base is 0; want a positive number"},
		{"width below one", "[5]", "[5, 0]", "e.yaml:5:11: model.hidden has a width below 1"},
		{"unknown activation", "[5]", "[5]\n  activation: rel", `e.yaml:6:15: model.activation is "rel"; want one of gelu, leaky_relu, relu, `},
		{"unknown init", "[5]", "[5]\n  init: zeros", `e.yaml:6:9: model.init is "zeros"; want one of kaiming, pytorch, xavier`},
		{"products in another precision", "off: true", "precision: half", `e.yaml:11:14: spectrum.precision is "half"; want float64 or float32`},
		{"float32 for all pairs", "off: true", "precision: float32\n  method: reduced", `e.yaml:11:14: spectrum.precision is float32, in which products do not resolve all pairs; want float64, or method: lanczos or density`},
		{"unknown matrix", "off: true", "matrix: fisher", `e.yaml:11:11: spectrum.matrix is "fisher"; want hessian, gauss_newton or empirical_fisher`},
		{"unknown precision", "[5]", "[5]\n  precision: float16", `e.yaml:6:14: model.precision is "float16"; want float64 or float32`},
		{"two starts", "[5]", "[5]\n  weights: a.npz\n  norm_of: b.npz", "e.yaml:7:12: model.norm_of excludes weights"},
		{"missing weights", "[5]", "[5]\n  weights: a.npz", "a.npz: no such file"},
		{"missing network for the norm", "[5]", "[5]\n  norm_of: a.npz", "a.npz: no such file"},
		{"word for class weights", "epochs: 1", "class_weights: even", "class_weights wants balanced, or a list of a positive number for each class, [1, 2.5, 10]"},
		{"class weight of 0", "epochs: 1", "class_weights: [1, 0, 2]", "class_weights wants balanced, or a list"},
		{"too few class weights", "epochs: 1", "class_weights: [1, 2]", "training.class_weights: models: 2 weights of classes, and sample"},
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
		{"metric without a better side", "spectrum:", "checkpoint: {best: train/learning_rate}\nspectrum:", "checkpoint.best: neither lower nor higher values of train/learning_rate are better"},
		{"class that the set does not have", "set: gauss", "set: iris\n  classes: [0, 3]", "Classes has 3, want 0 to 2"},

		// Sizes. Each must be refused before memory is allocated.
		{"billion of neurons", "[5]", "[1000000000]", "model.hidden [1000000000] makes 6e+09 parameters, 48 GB; want at most 134217728"},
		{"wide layers", "[5]", "[100000, 100000]", "want at most 134217728"},
		{"widest layer", "[5]", "[9223372036854775807]", "want at most 134217728"},
		{"too many parameters for dense", "[5]\n", "[300, 300]\n", "spectrum: curvature: dense method refused for n = 92103"},
		{"too many pairs", "[5]\n", "[400, 400]\n", "spectrum: curvature: lanczos: 162803 pairs of n = 162803 take 212 GB: want fewer"},
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
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse("e.yaml", []byte(yaml))
			refused(t, prepared(t, c, err), test.want)
		})
	}
}

// Every number is checked for every kind of invalid value.
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
	for key, kind := range strictyaml.Keys(reflect.TypeFor[Config]()) {
		var values []string
		switch {
		case key == "spectrum.method": // an int with names
		case kind.Kind() == reflect.Int || kind.Kind() == reflect.Uint64:
			values = whole
		case kind.Kind() == reflect.Float64:
			values = real
		case kind == reflect.TypeFor[[]int]():
			for _, v := range whole {
				values = append(values, "["+v+"]")
			}
		}
		for _, value := range values {
			if value == "-1" && (key == "spectrum.top" || key == "spectrum.bottom") || // means none
				value == "[-1]" && key == "training.rate.milestones" { // harmless: it has passed
				continue
			}
			settings := []string{"training.epochs=0", "spectrum.off=true"}
			if need := needs[key]; need != "" {
				settings = append(settings, need)
			}
			count++
			assignment := key + "=" + value
			t.Run(assignment, func(t *testing.T) {
				t.Parallel()
				c, err := Load("gauss")
				refused(t, prepared(t, c, err, append(settings, assignment)...))
			})
		}
	}
	if count < 200 {
		t.Errorf("only %d numbers were tried", count)
	}
}

func TestBadSet(t *testing.T) {
	for assignment, want := range map[string]string{
		"training.epochs":           "--set training.epochs: want key=value, such as training.epochs=50",
		"":                          "--set : want key=value",
		"=5":                        `unknown key ""; want one of `,
		"training.epoch=5":          `--set training.epoch=5: unknown key "epoch"; did you mean "epochs"?`,
		"epochs=5":                  `--set epochs=5: unknown key "epochs" here; did you mean "training.epochs"?`,
		"nonsense=1":                `unknown key "nonsense"; want one of `,
		"training.epochs=abc":       `--set training.epochs=abc: "abc" is not a whole number`,
		"training.epochs=1.5":       "--set training.epochs=1.5: training.epochs has 1.5; want a whole number",
		"training.epochs.x=1":       "--set training.epochs.x=1: epochs has no keys below it",
		"training=5":                "training is a group of settings; did you mean \"training.epochs\"?",
		"training={epoch: 5}":       `unknown key "epoch"; did you mean "epochs"?`,
		"training={rate: {x: 1}}":   `unknown key "x"; want one of base, every, `,
		"training={}":               "training.rate.base is 0; want a positive number",
		"model.hidden=[":            "--set model.hidden=[: ",
		"model.hidden=5":            `"5" is not a list; want one in brackets, such as [5]`,
		"data.csv=x.csv":            "data wants one of set and csv",
		"data.set=":                 "data wants one of set and csv",
		`name=".."`:                 `name is ".."`,
		"begun.folder=x":            "--set begun.folder=x: tells how a run began",
		"foo\nbar=1":                `--set "foo\nbar=1": unknown key`,
		"name=a\nb: 1":              `--set "name=a\nb: 1": `,
		"spectrum.method=fast":      `unknown eigenvalue method "fast": want one of auto, dense, lanczos`,
		"checkpoint.seconds=1e300":  "checkpoint.seconds is 1e+300; want 0, for the default, to 1e+09",
		"sharpness.perturbations=1": "sharpness.perturbations is 1; want 0, for none, or 2 and more",
		"sharpness.samples=-1":      "sharpness.samples is -1; want 0",
		"sharpness.samples=50":      "sharpness has settings and nothing to measure",
		"spectrum.tolerance=1":      "spectrum.tolerance is 1; want a number between 0 and 1",
	} {
		t.Run(fmt.Sprintf("%q", assignment), func(t *testing.T) {
			t.Parallel()
			c, err := Load("iris")
			refused(t, prepared(t, c, err, "training.epochs=0", "spectrum.off=true", assignment), want)
		})
	}
}

// An invalid stop.when is an error with the invalid key, and leaves no files.
func TestBadStop(t *testing.T) {
	for assignment, want := range map[string]string{
		"stop.when={monitor: validation/los, patience: 3}":                                  `stop.when.monitor is "validation/los": trainer: no metric "validation/los"; did you mean "validation/loss"?`,
		"stop.when.patience=3":                                                              "stop.when.monitor is missing",
		"stop.when={monitor: train/learning_rate, patience: 3}":                             "stop.when.mode is missing: neither lower nor higher values of train/learning_rate",
		"stop.when={all: [{monitor: train/loss, rises: 3}, {monitor: train/loss, for: 2}]}": "stop.when.all[1].patience is missing",
		"stop.when={all: [{monitor: train/loss, rises: 3}, {monitr: train/loss}]}":          `unknown key "monitr"; did you mean "monitor"?`,
		"stop.when.all.0.patience=3":                                                        "is within a list; want the list as a whole",
		"stop.when={monitor: train/loss, at_least: .inf}":                                   "stop.when.at_least is +Inf",
		"stop.when={monitor: test/accuracy, patience: 3}":                                   `stop.when.monitor is "test/accuracy": the test split must not decide when to stop`,
		"stop.restore_best=validation/los":                                                  `stop.restore_best is "validation/los": trainer: no metric`,
		"stop.restore_best=train/learning_rate":                                             `stop.restore_best is "train/learning_rate": neither lower nor higher`,
		"stop.when={monitor: boundary/complexity, patience: 3}":                             `no metric "boundary/complexity"`, // which is not measured here
	} {
		t.Run(assignment, func(t *testing.T) {
			t.Parallel()
			c, err := Load("gauss")
			refused(t, prepared(t, c, err, "training.epochs=0", "spectrum.off=true", assignment), want)
		})
	}
}
