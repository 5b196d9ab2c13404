package callbacks

import (
	"slices"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// On 80 columns stands what matters; 110 have room for all of iris.
func TestFitting(t *testing.T) {
	declared := []trainer.Metric{{Name: "train/loss"}, {Name: "train/accuracy"}, {Name: "test/loss"}, {Name: "test/accuracy", Heading: "test acc"}}
	for _, name := range []string{record.LambdaMax, record.Outliers, record.Complexity, record.Margin} {
		declared = append(declared, trainer.Metric{Name: name, Heading: "short"})
	}
	for width, want := range map[int][]string{
		0:  {"train/loss", "train/accuracy", "test/loss", "test/accuracy", record.LambdaMax, record.Outliers, record.Complexity, record.Margin},
		80: {"train/loss", "test/accuracy", record.LambdaMax, record.Complexity, record.Margin},
		60: {"train/loss", "test/accuracy", record.LambdaMax},
	} {
		var have []string
		for _, m := range fitting(declared, width) {
			have = append(have, m.Name)
		}
		if !slices.Equal(have, want) {
			t.Errorf("%d columns are for %v; want %v", width, have, want)
		}
	}
}
