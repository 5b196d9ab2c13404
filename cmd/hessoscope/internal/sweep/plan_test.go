package sweep

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

// expand reads a plan and returns its runs.
func expand(text string) ([]*run, error) {
	p, err := Parse("p.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return p.expand("d")
}

func runNames(t *testing.T, text string) []string {
	t.Helper()
	runs, err := expand(text)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range runs {
		names = append(names, r.name)
	}
	return names
}

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name, yaml string
		want       []string // names of runs, in their order
	}{
		{"one run", "name: p\nexperiment: gauss", []string{"p"}},
		{"number of seeds", "name: p\nexperiment: gauss\nseeds: 2", []string{"seed_0", "seed_1"}},
		{"seeds", "name: p\nexperiment: gauss\nseeds: [7, 18446744073709551615]", []string{"seed_7", "seed_18446744073709551615"}},
		{
			"grid, the last axis fastest", "name: p\nexperiment: gauss\ngrid:\n  model.hidden: [[3, 4], [5], []]\n  training.batch_size: [8, 16]",
			[]string{"3x4-batch_size_8", "3x4-batch_size_16", "5-batch_size_8", "5-batch_size_16", "none-batch_size_8", "none-batch_size_16"},
		},
		{
			"values of all kinds", "name: p\nexperiment: gauss\ngrid: {data.set: [circle], training.rate.base: [1e-3], data.standardize: [true], spectrum.top: [-1], training.optimizer: [{name: adam}]}",
			[]string{"circle-base_0.001-standardize_true-top_-1-optimizer_map_name_adam"},
		},
		{
			"variants after what they start from",
			"name: p\nexperiment: gauss\nseeds: 2\nvariants:\n  c: {set: {model.norm_of: '@b'}}\n  b: {set: {model.weights: '@a'}}\n  a: {experiment: circle, auxiliary: true}\n  d:",
			[]string{"a-seed_0", "b-seed_0", "c-seed_0", "d-seed_0", "a-seed_1", "b-seed_1", "c-seed_1", "d-seed_1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, runNames(t, test.yaml)); diff != "" {
				t.Errorf("runs (-want +have):\n%s", diff)
			}
		})
	}
}

// A run has the settings of its experiment, overridden by those of the plan, the grid,
// the variant, and its seed. A run that starts from another waits for it.
func TestPlanSettings(t *testing.T) {
	runs, err := expand(`
name: p
experiment: gauss
set: {training.epochs: 7, training.batch_size: 9}
grid: {model.hidden: [[3]]}
variants:
  first: {experiment: circle, auxiliary: true}
  then: {set: {training.epochs: 8, model.weights: "@first"}}
seeds: [5]
`)
	if err != nil {
		t.Fatal(err)
	}
	first, then := runs[0], runs[1]
	if first.dir != "d/auxiliary/first-3-seed_5" || then.dir != "d/then-3-seed_5" || !slices.Equal(then.sources, []*run{first}) || first.sources != nil {
		t.Errorf("folders %s and %s, sources %v", first.dir, then.dir, then.sources)
	}
	if c := first.config; c.Data.Set != "circle" || c.Training.Epochs != 7 || c.Seed != 5 || c.Name != first.name {
		t.Errorf("%+v", c)
	}
	if c := then.config; c.Data.Set != "gauss" || c.Training.Epochs != 8 || c.Training.BatchSize != 9 || !cmp.Equal(c.Model.Hidden, []int{3}) ||
		!strings.HasSuffix(c.Model.Weights, "/d/auxiliary/first-3-seed_5/checkpoints/last.npz") {
		t.Errorf("%+v", c)
	}
	want := []string{"training.epochs=7", "training.batch_size=9", "model.hidden=[3]", "training.epochs=8", "model.weights=d/auxiliary/first-3-seed_5/checkpoints/last.npz", "seed=5"}
	if diff := cmp.Diff(want, then.set); diff != "" {
		t.Errorf("settings (-want +have):\n%s", diff)
	}
}

// A sample is the same every time, and a larger sample begins with a smaller one.
func TestPlanSample(t *testing.T) {
	lists := "name: p\nexperiment: gauss\ngrid: {model.hidden: [[2], [3], [4], [5]], training.batch_size: [8, 16, 32]}\nsample: {seed: %d, points: %d}"
	ranges := "name: p\nexperiment: gauss\ngrid: {training.rate.base: {log_uniform: [1e-3, 1e-1]}, model.activation: [relu, tanh], training.batch_size: {uniform: [8, 11]}}\nsample: {seed: %d, points: %d}"
	for _, plan := range []string{lists, ranges} {
		few, many, other := runNames(t, fmt.Sprintf(plan, 1, 5)), runNames(t, fmt.Sprintf(plan, 1, 12)), runNames(t, fmt.Sprintf(plan, 2, 12))
		if !slices.Equal(few, many[:5]) || slices.Equal(many, other) || len(many) != 12 {
			t.Errorf("sample %v, larger %v, of another seed %v", few, many, other)
		}
	}
	runs, err := expand(fmt.Sprintf(ranges, 1, 400))
	if err != nil {
		t.Fatal(err)
	}
	below, sizes := 0, make(map[int]int)
	for _, r := range runs {
		rate := r.config.Training.Rate.Base
		if rate < 1e-3 || rate > 1e-1 {
			t.Errorf("rate %v", rate)
		}
		if rate < 1e-2 { // the middle on a logarithmic scale
			below++
		}
		sizes[r.config.Training.BatchSize]++
	}
	if below < 160 || below > 240 { // 4 standard deviations of 400 draws
		t.Errorf("%d of 400 rates are below the middle", below)
	}
	for size := 8; size <= 11; size++ {
		if n := sizes[size]; n < 65 || n > 135 { // likewise
			t.Errorf("%d of 400 batch sizes are %d", n, size)
		}
	}
	if len(sizes) != 4 {
		t.Errorf("batch sizes %v; want 8 to 11", sizes)
	}
}

func TestBadPlan(t *testing.T) {
	const head = "name: p\nexperiment: gauss\n"
	for _, test := range []struct{ name, yaml, want string }{
		{"empty", "", "p.yaml: the file is empty; `hessoscope presets print regimes`"},
		{"unknown key", head + "grdi: {}", `p.yaml:3:1: unknown key "grdi"; did you mean "grid"?`},
		{"unknown key of a variant", head + "variants:\n  a: {st: {}}", `p.yaml:4:7: unknown key "st"; did you mean "set"?`},
		{"unknown key of the sample", head + "sample: {point: 3}", `p.yaml:3:10: unknown key "point"; did you mean "points"?`},
		{"unknown setting", head + "set: {training.epoch: 3}", `p.yaml:3:23: unknown key "epoch"; did you mean "epochs"?`},
		{"unknown setting on the grid", head + "grid:\n  training.epoch: [3]", `p.yaml:4:19: unknown key "epoch"; did you mean "epochs"?`},
		{"unknown setting with a range", head + "sample: {points: 2}\ngrid: {training.epoch: {uniform: [1, 2]}}", `unknown key "epoch"; did you mean "epochs"?`},
		{"unknown setting of a variant", head + "variants:\n  a:\n    set:\n      epochs: 3", `p.yaml:6:15: unknown key "epochs" here; did you mean "training.epochs"?`},
		{"value of the wrong kind", head + "grid: {training.epochs: [3, many]}", `p.yaml:3:25: "many" is not a whole number`},
		{"value that cannot be", head + "grid: {training.epochs: [3, -1]}", "p.yaml:3:25: run epochs_-1: training.epochs is -1; want 0 or more"},
		{"fraction", head + "set: {training.epochs: 1.5}", "p.yaml:3:24: training.epochs has 1.5; want a whole number"},
		{"no name", "experiment: gauss", "p.yaml: name is missing"},
		{"name of a folder", "name: a/b\nexperiment: gauss", `p.yaml:1:7: name is "a/b"; it becomes a folder`},
		{"no experiment", "name: p", "p.yaml: experiment is missing; want a preset or a YAML file"},
		{"unknown experiment", "name: p\nexperiment: gaus", `p.yaml: no preset and no file "gaus"; did you mean "gauss"?`},
		{"empty axis", head + "grid: {training.epochs: []}", "p.yaml:3:25: grid.training.epochs is empty"},
		{"axis that is no list", head + "grid: {training.epochs: 3}", "p.yaml:3:25: grid.training.epochs wants a list of values, or one range"},
		{"grid that is none", head + "grid: [3]", `p.yaml:3:7: "[3]" is not a group of keys`},
		{"range of one number", head + "sample: {points: 1}\ngrid: {training.rate.base: {uniform: [1]}}", "p.yaml:4:38: uniform of grid.training.rate.base wants two numbers that rise"},
		{"range that falls", head + "sample: {points: 1}\ngrid: {training.rate.base: {uniform: [2, 1]}}", "wants two numbers that rise"},
		{"range from zero", head + "sample: {points: 1}\ngrid: {training.rate.base: {log_uniform: [0, 1]}}", "log_uniform above 0"},
		{"range of NaN", head + "sample: {points: 1}\ngrid: {training.rate.base: {uniform: [.nan, 1]}}", "wants two numbers that rise"},
		{"range without sample", head + "grid: {training.rate.base: {uniform: [1, 2]}}", "p.yaml:3:28: grid.training.rate.base is a range; sample.points says"},
		{"range of too few", head + "sample: {points: 3}\ngrid: {training.epochs: {uniform: [1, 2]}}", "hardly more than 2 different points"},
		{"sample beyond the grid", head + "sample: {points: 3}\ngrid: {training.epochs: [1, 2]}", "p.yaml: sample.points is 3, and the grid has 2"},
		{"negative sample", head + "sample: {points: -1}", "p.yaml:3:18: sample.points is -1"},
		{"same value twice", head + "grid: {training.epochs: [1, 1]}", "p.yaml:3:25: two runs would have the name epochs_1"},
		{"same seed twice", head + "seeds: [1, 1]", "two runs would have the name seed_1"},
		{"no seeds", head + "seeds: []", "p.yaml:3:8: seeds wants a list such as [0, 1, 2]"},
		{"zero seeds", head + "seeds: 0", "p.yaml:3:8: seeds is 0; want how many seeds"},
		{"half a seed", head + "seeds: [1.5]", "p.yaml:3:8: seeds has 1.5; want a whole number"},
		{"negative seed", head + "seeds: [-1]", "-1 is out of range"},
		{"seed as a setting", head + "set: {seed: 3}", "p.yaml:3:13: seeds are listed under the key seeds"},
		{"name as a setting", head + "grid: {name: [a]}", "p.yaml:3:14: name is what tells runs apart"},
		{"setting that is on the grid", head + "set: {model: {hidden: [3]}}\ngrid: {model.hidden: [[3]]}", "p.yaml:3:14: model is on the grid, as model.hidden"},
		{"unknown variant", head + "variants: {normal: {}, b: {set: {model.weights: '@norml'}}}", `p.yaml:3:49: no variant "norml"; did you mean "normal"?`},
		{"start without variants", head + "set: {model.weights: '@a'}", `p.yaml:3:22: model.weights is "@a", and there are no variants`},
		{"start of another setting", head + "variants: {a: {}, b: {set: {data.csv: '@a'}}}", `data.csv is "@a"; a checkpoint goes with model.weights and model.norm_of`},
		{"start on the grid", head + "variants: {a: {}}\ngrid: {model.weights: ['@a']}", `p.yaml:4:23: grid.model.weights has "@a"; want checkpoints of variants in`},
		{"cycle", head + "variants: {a: {set: {model.weights: '@b'}}, b: {set: {model.weights: '@a'}}}", "p.yaml:3:70: variant a starts from itself: a from b from a"},
		{"start from itself", head + "set: {model.weights: '@a'}\nvariants: {a: {}}", "p.yaml:3:22: variant a starts from itself: a from a"},
		{"all auxiliary", head + "variants: {a: {auxiliary: true}}", "variants are all auxiliary"},
		{"variant named as another folder", head + "variants: {logs: {}}", "p.yaml:3:12: a run would have the name logs"},
		{"more points than runs may be", head + "grid: {model.hidden: [" + strings.Repeat("[1], ", 200) + "[1]], training.epochs: [" + strings.Repeat("1, ", 99) + "1]}", "the grid has 20100 points; want at most 10000, or a sample of them"},
		{"variant with a slash", head + "variants: {a/b: {}}", `p.yaml:3:12: variant "a/b": want a name of letters`},
		{"too many runs", head + "seeds: 10000\ngrid: {training.epochs: [1, 2]}", "2 points of the grid, 1 variants and 10000 seeds make 20000 runs; want at most 10000"},
		{"alias", head + "set: &a {x: *a}", "is an alias or a tag"},
	} {
		t.Run(test.name, func(t *testing.T) {
			runs, err := expand(test.yaml)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "p.yaml:") || strings.Count(err.Error(), "p.yaml") > 1 {
				t.Fatalf("error %v, %d runs; want %q", err, len(runs), test.want)
			}
			oneLine(t, err)
		})
	}
}

// The sweeps that come with the command can be expanded.
func TestBuiltInSweeps(t *testing.T) {
	for _, name := range Names() {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		runs, err := p.expand("d")
		if err != nil || len(runs) < 60 || p.Name != name || p.Description == "" {
			t.Errorf("%s: error %v, %d runs, name %q, description %q", name, err, len(runs), p.Name, p.Description)
		}
	}
}

func FuzzPlan(f *testing.F) {
	for _, name := range Names() {
		p, err := Load(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Text())
	}
	for _, text := range []string{
		"", "name: p\nexperiment: gauss\nseeds: 2", "name: p\nexperiment: gauss\ngrid: {training.rate.base: {uniform: [0.1, 1]}}\nsample: {points: 2}",
		"grid: {? [a] : [1]}", "seeds: {}", "variants: {a: 5}", "set: {a: }", "grid: {model.hidden: [[[1]]]}", "variants: {}", "grid:\n  a:\n  - - 1",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		runs, err := expand(string(data))
		if err != nil {
			oneLine(t, err)
			return
		}
		seen := make(map[string]bool)
		for _, r := range runs {
			if seen[r.dir] || strings.ContainsAny(r.name, "/\\\x00\n") {
				t.Errorf("run %q, folder %q", r.name, r.dir)
			}
			seen[r.dir] = true
		}
	})
}

// The example of docs/sweep.md expands as its text says.
func TestSweepIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../../../docs/sweep.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	_, example, _ := strings.Cut(text, "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	runs, err := expand(example)
	if err != nil {
		t.Fatal(err)
	}
	auxiliary := 0
	for _, r := range runs {
		if r.variant.Auxiliary {
			auxiliary++
		}
	}
	if len(runs) != 36 || auxiliary != 12 || !slices.Contains(runNames(t, example), "normal-20x20-batch_size_16-seed_0") {
		t.Errorf("%d runs, %d of them auxiliary: %v", len(runs), auxiliary, runNames(t, example))
	}
	for key := range strictyaml.Keys(reflect.TypeFor[Plan]()) {
		if !strings.Contains(text, "`"+key) {
			t.Errorf("docs/sweep.md does not name %s", key)
		}
	}
	for key := range strictyaml.Keys(reflect.TypeFor[variant]()) {
		if !strings.Contains(text, "`variants.NAME."+key) {
			t.Errorf("docs/sweep.md does not name variants.NAME.%s", key)
		}
	}
}

// oneLine reports a test error unless err is a single line, as the command prints it.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); text == "" || strings.ContainsAny(text, "\n\r") {
		t.Errorf("error %q; want one line", text)
	}
}
