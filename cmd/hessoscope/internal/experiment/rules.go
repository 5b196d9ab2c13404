package experiment

import (
	"fmt"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/trainer"
)

// ruleFile is the content of a file of stopping rules, each as in stop.when.
type ruleFile struct {
	Rules []stopping.Rule `yaml:"rules"`
}

// ReadRules reads a file of stopping rules. The function declared returns the
// declaration of a metric. Rules on the test split are refused unless studyTest is
// set.
func ReadRules(path string, declared func(metric string) (trainer.Metric, error), studyTest bool) ([]stopping.Rule, error) {
	data, err := strictyaml.ReadFile(path)
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
		return nil, fmt.Errorf("%s: rules[%d] is the same as an earlier rule", strictyaml.Place(name, data, fmt.Sprintf("rules[%d]", i)), i)
	}
	return file.Rules, nil
}

// ruleError returns the error of rule i with the invalid key of the file.
func ruleError(i int, err error) error {
	return strictyaml.Keyed[ruleFile](trainer.Below(fmt.Sprintf("Rules[%d]", i), err))
}

// duplicate returns the index of the first rule that equals an earlier one, or -1.
// Rules must differ, because in the results their text is their name.
func duplicate(rules []stopping.Rule) int {
	known := make(map[string]bool)
	return slices.IndexFunc(rules, func(r stopping.Rule) bool {
		defer func() { known[r.String()] = true }()
		return known[r.String()]
	})
}
