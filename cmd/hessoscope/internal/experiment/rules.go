package experiment

import (
	"fmt"
	"os"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/trainer"
)

// ruleFile is a file of rules for stopping, each as stop.when may be.
type ruleFile struct {
	Rules []stopping.Rule `yaml:"rules"`
}

// ReadRules reads a file of rules for stopping, on metrics that are declared. Rules
// on the test split are refused unless studyTest is set.
func ReadRules(path string, declared func(metric string) (trainer.Metric, error), studyTest bool) ([]stopping.Rule, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rules, err := parseRules(path, data)
	if err != nil {
		return nil, err
	}
	for i, r := range rules {
		_, err := stopping.NewWatch(r, declared)
		if err == nil && !studyTest {
			err = r.RefuseTest()
		}
		if err != nil {
			return nil, strictyaml.Placed(path, data, ruleError(i, err))
		}
	}
	return rules, nil
}

// parseRules reads rules strictly.
func parseRules(name string, data []byte) ([]stopping.Rule, error) {
	var file ruleFile
	if err := strictyaml.Parse(name, data, &file, "`hessoscope presets print iris` shows what it may hold"); err != nil {
		return nil, err
	}
	if len(file.Rules) == 0 {
		return nil, fmt.Errorf("%s: has no rules; want a list of them: `hessoscope stop-study --help` shows one", name)
	}
	for i, r := range file.Rules {
		if err := r.Validate(); err != nil {
			return nil, strictyaml.Placed(name, data, ruleError(i, err))
		}
	}
	if i := duplicate(file.Rules); i >= 0 {
		return nil, fmt.Errorf("%s: rules[%d] is the same as one before it", strictyaml.Place(name, data, fmt.Sprintf("rules[%d]", i)), i)
	}
	return file.Rules, nil
}

// ruleError is the error of a rule, by the key of the file that is to blame.
func ruleError(i int, err error) error {
	return strictyaml.Keyed[ruleFile](trainer.Below(fmt.Sprintf("Rules[%d]", i), err))
}

// duplicate is the number of the first rule that is there before, or -1: their
// words name them in the results.
func duplicate(rules []stopping.Rule) int {
	known := make(map[string]bool)
	return slices.IndexFunc(rules, func(r stopping.Rule) bool {
		defer func() { known[r.String()] = true }()
		return known[r.String()]
	})
}
