package callbacks_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/trainer"
)

// The glossary has a row for every metric that a hook declares, and it names the
// better direction that the hook declares.
func TestGlossaryHasEveryMetric(t *testing.T) {
	glossary, err := os.ReadFile("../docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	better := make(map[string]string) // by metric: the cell of its row
	for line := range strings.Lines(string(glossary)) {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "│"), "|")
		if len(cells) > 5 {
			better[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[5])
		}
	}
	hooks := []trainer.Meter{
		&callbacks.Spectrum{}, &callbacks.Complexity{}, &callbacks.Margin{}, &callbacks.EffectiveRank{},
		&callbacks.Sharpness{Fisher: true, Perturbations: 2}, &callbacks.CriticalSharpness{}, &callbacks.Parameters{},
	}
	for _, hook := range hooks {
		for _, m := range hook.Metrics() {
			if have, ok := better[m.Name]; !ok {
				t.Errorf("docs/glossary.md has no row for %s: %s", m.Name, m.Meaning)
			} else if want := m.Better.String(); have != want {
				t.Errorf("docs/glossary.md says of %s that better is %q, want %q", m.Name, have, want)
			}
		}
	}
}
