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
		{stopping.Rule{}, "Monitor", "is missing"},
		{stopping.Rule{Patience: 3}, "Monitor", "is missing; want the name of a metric"},
		{stopping.Rule{Monitor: "loss"}, "Patience", "is missing; want one of {Patience}, {PatienceEpochs}, {AtLeast}"},
		{stopping.Rule{Monitor: "loss", MinDelta: 1}, "Patience", "is missing"},
		{stopping.Rule{Monitor: "loss", Patience: 1, PatienceEpochs: 1}, "PatienceEpochs", "excludes {Patience}"},
		{stopping.Rule{Monitor: "loss", AtLeast: new(1.0), AtMost: new(2.0)}, "AtMost", "excludes {AtLeast}"},
		{stopping.Rule{Monitor: "loss", Rises: 1, Falls: 1}, "Falls", "excludes {Rises}"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDelta: 1, MinDeltaRelative: 1}, "MinDeltaRelative", "excludes {MinDelta}"},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0), Mode: trainer.Lower}, "Mode", "does not apply to {AtMost}; it belongs to rules of the kind [patience]"},
		{stopping.Rule{Monitor: "loss", Rises: 1, Baseline: new(1.0)}, "Baseline", "does not apply to {Rises}"},
		{stopping.Rule{Monitor: "loss", Patience: 1, For: 2}, "For", "does not apply to {Patience}"},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0), MinDelta: 2}, "MinDelta", "does not apply to {AtMost}"},
		{stopping.Rule{Monitor: "loss", All: []stopping.Rule{{Monitor: "loss", Rises: 1}}}, "Monitor", "does not apply to {All}"},
		{stopping.Rule{StartEpoch: 1, Any: []stopping.Rule{{Monitor: "loss", Rises: 1}}}, "StartEpoch", "does not apply to {Any}"},
		{stopping.Rule{Any: []stopping.Rule{{Monitor: "loss", Rises: 1}, {All: []stopping.Rule{{Monitor: "loss"}}}}}, "Any[1].All[0].Patience", "is missing"},
		{stopping.Rule{Monitor: "loss", Patience: -1}, "Patience", "is -1; want 0 or more"},
		{stopping.Rule{Monitor: "loss", PatienceEpochs: -1}, "PatienceEpochs", "is -1"},
		{stopping.Rule{Monitor: "loss", Rises: -1}, "Rises", "is -1"},
		{stopping.Rule{Monitor: "loss", Falls: -1}, "Falls", "is -1"},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0), For: -1}, "For", "is -1"},
		{stopping.Rule{Monitor: "loss", Patience: 1, StartEpoch: -1}, "StartEpoch", "is -1"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDelta: -1}, "MinDelta", "is -1"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDelta: math.NaN()}, "MinDelta", "is NaN"},
		{stopping.Rule{Monitor: "loss", Patience: 1, MinDeltaRelative: math.Inf(1)}, "MinDeltaRelative", "is +Inf"},
		{stopping.Rule{Monitor: "loss", Patience: 1, Baseline: new(math.NaN())}, "Baseline", "is NaN; want a number"},
		{stopping.Rule{Monitor: "loss", AtLeast: new(math.Inf(1))}, "AtLeast", "is +Inf; want a number"},
		{stopping.Rule{Monitor: "loss", Patience: 1, Mode: 7}, "Mode", "want lower or higher"},

		// These errors depend on the declared metrics.
		{stopping.Rule{Monitor: "lost", Patience: 1}, "Monitor", `is "lost": no metric lost`},
		{stopping.Rule{Monitor: "rate", Patience: 1}, "Mode", "is missing: neither lower nor higher values of rate are declared better"},
		{stopping.Rule{All: []stopping.Rule{{Monitor: "rate", Rises: 1}, {Monitor: "rate", PatienceEpochs: 1}}}, "All[1].Mode", "is missing"},
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
