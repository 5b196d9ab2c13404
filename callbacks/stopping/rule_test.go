package stopping_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/trainer"
)

func TestRuleRefused(t *testing.T) {
	for _, test := range []struct {
		rule    stopping.Rule
		field   string
		problem string
	}{
		{stopping.Rule{}, "monitor", "is missing"},
		{stopping.Rule{Patience: 3}, "monitor", "is missing; want the name of a metric"},
		{stopping.Rule{Monitor: "loss"}, "patience", "is missing; want one of patience, patience_epochs, at_least"},
		{stopping.Rule{Monitor: "loss", MinDelta: 1}, "patience", "is missing"},
		{stopping.Rule{Monitor: "loss", Patience: 1, PatienceEpochs: 1}, "patience_epochs", "excludes patience"},
		{stopping.Rule{Monitor: "loss", AtLeast: new(1.0), AtMost: new(2.0)}, "at_most", "excludes at_least"},
		{stopping.Rule{Monitor: "loss", Rises: 1, Falls: 1}, "falls", "excludes rises"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDelta: 1, MinDeltaRelative: 1}, "min_delta_relative", "excludes min_delta"},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0), Mode: trainer.Lower}, "mode", "does not apply to at_most; it belongs to rules of the kind [patience]"},
		{stopping.Rule{Monitor: "loss", Rises: 1, Baseline: new(1.0)}, "baseline", "does not apply to rises"},
		{stopping.Rule{Monitor: "loss", Patience: 1, For: 2}, "for", "does not apply to patience"},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0), MinDelta: 2}, "min_delta", "does not apply to at_most"},
		{stopping.Rule{Monitor: "loss", All: []stopping.Rule{{Monitor: "loss", Rises: 1}}}, "monitor", "does not apply to all"},
		{stopping.Rule{StartEpoch: 1, Any: []stopping.Rule{{Monitor: "loss", Rises: 1}}}, "start_epoch", "does not apply to any"},
		{stopping.Rule{Any: []stopping.Rule{{Monitor: "loss", Rises: 1}, {All: []stopping.Rule{{Monitor: "loss"}}}}}, "any[1].all[0].patience", "is missing"},
		{stopping.Rule{Monitor: "loss", Patience: -1}, "patience", "is -1; want 0 or more"},
		{stopping.Rule{Monitor: "loss", PatienceEpochs: -1}, "patience_epochs", "is -1"},
		{stopping.Rule{Monitor: "loss", Rises: -1}, "rises", "is -1"},
		{stopping.Rule{Monitor: "loss", Falls: -1}, "falls", "is -1"},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0), For: -1}, "for", "is -1"},
		{stopping.Rule{Monitor: "loss", Patience: 1, StartEpoch: -1}, "start_epoch", "is -1"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDelta: -1}, "min_delta", "is -1"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDelta: math.NaN()}, "min_delta", "is NaN"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDeltaRelative: math.Inf(1)}, "min_delta_relative", "is +Inf"},
		{stopping.Rule{Monitor: "loss", Patience: 1, Baseline: new(math.NaN())}, "baseline", "is NaN; want a number"},
		{stopping.Rule{Monitor: "loss", AtLeast: new(math.Inf(1))}, "at_least", "is +Inf; want a number"},
		{stopping.Rule{Monitor: "loss", Patience: 1, Mode: 7}, "mode", "want lower or higher"},

		// Only the metrics tell.
		{stopping.Rule{Monitor: "lost", Patience: 1}, "monitor", `is "lost": no metric lost`},
		{stopping.Rule{Monitor: "rate", Patience: 1}, "mode", "is missing: of rate neither lower nor higher is declared better"},
		{stopping.Rule{All: []stopping.Rule{{Monitor: "rate", Rises: 1}, {Monitor: "rate", PatienceEpochs: 1}}}, "all[1].mode", "is missing"},
	} {
		_, err := stopping.NewWatch(test.rule, declared)
		var field *trainer.FieldError
		if !errors.As(err, &field) || field.Field != test.field || !strings.Contains(field.Problem, test.problem) {
			t.Errorf("%+v: error %v, want one of %s that says %q", test.rule, err, test.field, test.problem)
		}
	}
}

func TestRuleInWords(t *testing.T) {
	for _, test := range []struct {
		rule stopping.Rule
		want string
	}{
		{stopping.Rule{Monitor: "loss", Patience: 1}, "loss not better for 1 measurement"},
		{stopping.Rule{Monitor: "loss", PatienceEpochs: 20, Mode: trainer.Higher, MinDelta: 0.5}, "loss not better for 20 epochs (higher is better, by 0.5)"},
		{stopping.Rule{Monitor: "loss", Patience: 2, MinDeltaRelative: 0.01, Baseline: new(0.0), StartEpoch: 5}, "loss not better for 2 measurements (by 1%, than 0, from epoch 5)"},
		{stopping.Rule{Monitor: "accuracy", AtLeast: new(1.0), For: 3}, "accuracy ≥ 1 for 3 measurements"},
		{stopping.Rule{Monitor: "loss", AtMost: new(0.01)}, "loss ≤ 0.01"},
		{stopping.Rule{Monitor: "loss", Falls: 2}, "loss falling for 2 measurements"},
		{
			stopping.Rule{All: []stopping.Rule{{Monitor: "loss", Rises: 1}, {Any: []stopping.Rule{{Monitor: "loss", AtMost: new(1.0)}, {Monitor: "accuracy", AtLeast: new(1.0)}}}}},
			"loss rising for 1 measurement and (loss ≤ 1 or accuracy ≥ 1)",
		},
	} {
		if have := test.rule.String(); have != test.want {
			t.Errorf("%q, want %q", have, test.want)
		}
	}
}

func TestRuleMetrics(t *testing.T) {
	r := stopping.Rule{All: []stopping.Rule{{Monitor: "loss", Rises: 1}, {Any: []stopping.Rule{{Monitor: "accuracy", Falls: 1}, {Monitor: "loss", Falls: 1}}}}}
	if have := r.Metrics(); !slices.Equal(have, []string{"loss", "accuracy"}) {
		t.Errorf("metrics %q, want loss and accuracy once each", have)
	}
}
