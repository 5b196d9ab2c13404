package experiment

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/trainer"
)

const someRules = `rules:
- {monitor: train/loss, at_most: 0.9}
- {monitor: train/loss, at_most: 0.9, for: 3}
- {monitor: validation/loss, patience: 4, min_delta_relative: 0.12}
- all:
  - {monitor: validation/loss, patience: 4, min_delta_relative: 0.12}
  - {monitor: train/accuracy, at_least: 0.5}
- {monitor: train/loss, rises: 30}
`

func FuzzRules(f *testing.F) {
	for _, text := range []string{
		someRules, "rules: [{monitor: a, patience: 1, mode: lower}]", "rules: [{all: [{any: [{monitor: a, rises: 1}]}]}]", "rules: [{baseline: .nan}]",
		"rules: [{monitor: a, at_least: 0, for: 2}]", "rules: {a: b}", "rules:\n- null\n", "rules: [&a {all: [*a]}]", "rules: [{monitor: \"a\\nb\", falls: 1}]",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := parseRules("r.yaml", data)
		if err != nil {
			oneLine(t, err)
			if !strings.HasPrefix(err.Error(), "r.yaml:") || rules != nil {
				t.Errorf("error %q, rules %v; want an error that names the file, and no rules", err, rules)
			}
			return
		}
		for _, r := range rules { // what is accepted can be watched, and written down and read again
			watched, err := stopping.NewWatch(r, func(name string) (trainer.Metric, error) {
				return trainer.Metric{Name: name, Better: trainer.Lower}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for epoch := range 3 {
				if _, err := watched.Observe(epoch, func(string) (float64, bool) { return 1, true }); err != nil {
					t.Fatal(err)
				}
			}
			var again stopping.Rule
			if text, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			} else if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(r, again) {
				t.Errorf("error %v, %+v is %+v when it is read again", err, r, again)
			}
		}
	})
}
