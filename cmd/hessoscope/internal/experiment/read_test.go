package experiment

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

// small is an experiment that is quick if it is accepted by mistake.
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

// The notations that YAML allows for a whole number, a list and a name.
func TestParse(t *testing.T) {
	c, err := Parse("e.yaml", []byte(`
---
data: &d {set: gauss, samples: "60", seed: 18446744073709551615}
name: 5
model:
  hidden: [1e1, 0x10, 3.0]
training:
  rate: {base: 1e-2, schedule: step, every: 1_000}
  evaluate:
    at:
    - 1
    - 2
spectrum: {top: -1, "off": true}
...
`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Data.Samples != 60 || c.Data.Seed != 1<<64-1 || c.Name != "5" || !cmp.Equal(c.Model.Hidden, []int{10, 16, 3}) ||
		c.Training.Rate.Base != 0.01 || c.Training.Rate.Every != 1000 || !cmp.Equal(c.Training.Evaluate.At, []int{1, 2}) || c.Spectrum.Top != -1 || !c.Spectrum.Off {
		t.Errorf("%+v", c)
	}
}

// oneLine reports a test error unless err is a single line, as the command prints it.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); text == "" || strings.ContainsAny(text, "\n\r") {
		t.Errorf("error %q; want one line", text)
	}
}

func FuzzConfig(f *testing.F) {
	for _, name := range PresetNames() {
		data, err := Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		small, experimentWith(layers), experimentWith("  {name: lenet5, input: [3, 32, 32]}\n"), "", "a: &a [*a]", "data: &a\n  <<: *a", "name: [&a [x, x], &b [*a, *a], *b]", "---\n---\n", "training: {rate: [",
		"name: \"a\\nb\"", "? {a: b}\n: c", "!!binary x", "\xff\xfe", "data: {set: gauss}\ntraining: {rate: {base: !!float 1}}", "checkpoint: {seconds: .inf}",
		"name: |\n  a\n  b\ndata: {set: iris}", "%YAML 1.2\n---\n", "training:\r  epochs: 1",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("e.yaml", data)
		if err != nil {
			oneLine(t, err)
			if !strings.HasPrefix(err.Error(), "e.yaml:") || c != nil {
				t.Errorf("error %q, configuration %v; want an error that names the file, and no configuration", err, c)
			}
			return
		}
		// An experiment that is accepted can be written and read again.
		c.Resolve()
		text, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("config.yaml", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		wantRecorded(t, c)
		again.Resolve()
		if rewritten, err := yaml.Marshal(again); err != nil || !bytes.Equal(text, rewritten) {
			t.Errorf("error %v (-written +read and written again):\n%s", err, cmp.Diff(string(text), string(rewritten)))
		}
	})
}

// wantRecorded tests that the settings in a run.json are those of an experiment.
func wantRecorded(t *testing.T, c *Config) {
	t.Helper()
	is := *c
	if err := is.Absolute(); err != nil {
		return // a network in a file that does not exist
	}
	text, err := is.recordedJSON("runs/x")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := Parse("run.json", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if err := recorded.locate("runs/x"); err != nil {
		t.Fatal(err)
	}
	if changes, err := differences(recorded, &is); err != nil || len(changes) > 0 {
		t.Errorf("error %v, as recorded %+v in\n%s", err, changes, text)
	}
}

func FuzzSet(f *testing.F) {
	values := []string{"1", "-1", "1.5", ".nan", "x", "[1, 2]", "{every: 3}", "*a", "&a [*a]", "\n", "a: 1\nb: 2", "|\n x", "!x [1]"}
	i := 0
	for key := range strictyaml.Keys(reflect.TypeFor[Config]()) {
		f.Add(key + "=" + values[i%len(values)])
		i++
	}
	for _, value := range values {
		f.Add("model.hidden=" + value)
		f.Add("spectrum.method=" + value)
	}
	f.Add("training={rate: {base: 0.1}, epochs: 5}")
	f.Add("a.b.c.d=1")
	f.Add("training..epochs=1")
	f.Add("a\nb=1")
	f.Add("model.hidden=a\rb")
	f.Add("\r")
	f.Fuzz(func(t *testing.T, assignment string) {
		c, err := Parse("e.yaml", []byte(small))
		if err != nil {
			t.Fatal(err)
		}
		before := *c
		if err := c.Set(assignment); err != nil {
			oneLine(t, err)
			if diff := cmp.Diff(before, *c, cmp.AllowUnexported(Config{}, source{})); diff != "" {
				t.Errorf("%q is refused, and changes (-before +after):\n%s", assignment, diff)
			}
			return
		}
		if err := c.Validate(); err != nil {
			oneLine(t, err)
		}
	})
}
