package selection

import (
	"maps"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

func TestWarnings(t *testing.T) {
	with := func(values map[string]float64, name string, v float64) map[string]float64 {
		values = maps.Clone(values)
		values[name] = v
		return values
	}
	values := simple(0.1, 0.1, 1)
	a := run("a", values)
	settings := func(epsilon string) map[string]string { return map[string]string{"complexity.epsilon": epsilon} }
	for _, test := range []struct {
		name string
		a, b Candidate
		want []string // what each warning is about, and says
	}{
		{"same", a, run("b", values), nil},
		{"size", a, changed(run("b", values), func(c *Candidate) { c.Run.Model.Parameters = 7 }), []string{"parameters: 100 parameters (a), 7 parameters (b)"}},
		{"precision", a, changed(run("b", values), func(c *Candidate) { c.Run.Model.Precision = "float32" }), []string{"precision: float64 (a), float32 (b)"}},
		{"samples", run("a", with(values, "spectrum/samples", 50)), run("b", with(values, "spectrum/samples", 60)), []string{"samples: 50 samples (a), 60 samples (b)"}},
		{"samples of the margin", run("a", with(values, "boundary/margin_samples", 50)), run("b", with(values, "boundary/margin_samples", 60)), []string{"samples: the margins"}},
		{"loss", a, run("b", simple(0.2, 0.1, 1)), []string{"loss: from 0.1 (a) to 0.2 (b)"}},
		{"loss within the factor", a, run("b", simple(0.14, 0.1, 1)), nil},
		{"loss of zero", a, run("b", simple(0, 0.1, 1)), []string{"loss: from 0 (b) to 0.1 (a)"}},
		{"loss not known", a, run("b", map[string]float64{record.Complexity: 0.1, margin: 1}), []string{"loss: not known of b"}},
		{
			"given ε",
			changed(run("a", with(values, record.Epsilon, 0.1)), func(c *Candidate) { c.Settings = settings("0.1") }),
			changed(run("b", with(values, record.Epsilon, 0.2)), func(c *Candidate) { c.Settings = settings("0.2") }),
			[]string{"epsilon: ε differs, 0.1 to 0.2", "complexity.epsilon: complexity.epsilon differs: 0.1 (a), 0.2 (b)"},
		},
		{
			"given and calibrated ε",
			changed(run("a", with(values, record.Epsilon, 0.1)), func(c *Candidate) { c.Settings = settings("0.1") }),
			changed(run("b", with(values, record.Epsilon, 0.2)), func(c *Candidate) { c.Settings = settings("") }),
			[]string{"epsilon: ε differs", "complexity.epsilon: 0.1 (a), default (b)"},
		},
		{
			"calibrated ε",
			changed(run("a", with(values, record.Epsilon, 0.1)), func(c *Candidate) { c.Settings = settings("") }),
			changed(run("b", with(values, record.Epsilon, 0.2)), func(c *Candidate) { c.Settings = settings("") }),
			[]string{"epsilon: calibrated for each run, 0.1 to 0.2"},
		},
		{"ε of unknown origin", run("a", with(values, record.Epsilon, 0.1)), run("b", with(values, record.Epsilon, 0.2)), []string{"epsilon: its origin is not known"}},
		{"the same ε of unknown origin", run("a", with(values, record.Epsilon, 0.1)), run("b", with(values, record.Epsilon, 0.1)), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			warnings := choose(t, []Candidate{test.a, test.b}, Settings{}).Groups[0].Warnings
			if len(warnings) != len(test.want) {
				t.Fatalf("warnings %q; want %q", warnings, test.want)
			}
			for i, w := range warnings {
				about, text, _ := strings.Cut(test.want[i], ": ")
				if w.About != about || !strings.Contains(w.Text, text) {
					t.Errorf("warning %q; want %q", w, test.want[i])
				}
			}
		})
	}
}
