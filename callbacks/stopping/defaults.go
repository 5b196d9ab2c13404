package stopping

import (
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// Defaults returns rules that are worth comparing: patience on the validation
// split, the paper's stop at 100 % training accuracy or at a training loss, rules
// on the boundary, and combinations of them. It leaves out rules whose metrics no
// run records. None of them uses the test split.
func Defaults(runs []Run) []Rule {
	var rules []Rule
	for _, r := range candidates() {
		missing := func(metric string) bool {
			return !slices.ContainsFunc(runs, func(run Run) bool { return run.recorded(metric) })
		}
		if !slices.ContainsFunc(r.Metrics(), missing) {
			rules = append(rules, r)
		}
	}
	return rules
}

func candidates() []Rule {
	var (
		trainLoss, trainAccuracy = trainer.LossOf(datasets.Train), trainer.AccuracyOf(datasets.Train)
		validLoss, validAccuracy = trainer.LossOf(datasets.Validation), trainer.AccuracyOf(datasets.Validation)
	)
	rules := []Rule{
		{Monitor: validLoss, Patience: 5},
		{Monitor: validLoss, Patience: 20},
		{Monitor: validLoss, Patience: 20, MinDeltaRelative: 0.01},
		{Monitor: validLoss, PatienceEpochs: 100},
		{Monitor: validAccuracy, PatienceEpochs: 100},
		{Monitor: trainAccuracy, AtLeast: new(1.0)},
		{Monitor: trainAccuracy, AtLeast: new(1.0), For: 10},
		{Monitor: trainLoss, AtMost: new(0.1)},
		{Monitor: trainLoss, AtMost: new(0.01)},
		{Monitor: trainLoss, AtMost: new(0.001)},
		{Monitor: record.LambdaMax, Falls: 2},
		{Monitor: record.Outliers, Patience: 3},
	}
	// When the training accuracy is 1 and λ₁ falls, the samples are learned, and
	// the network becomes more confident of them.
	rules = append(rules, Rule{All: []Rule{{Monitor: trainAccuracy, AtLeast: new(1.0)}, {Monitor: record.LambdaMax, Falls: 1}}})
	for _, complexity := range []string{record.Complexity, record.Directions} {
		rules = append(
			rules,
			Rule{Monitor: complexity, Patience: 3},
			Rule{Monitor: complexity, Rises: 2},
			Rule{All: []Rule{{Monitor: complexity, Rises: 2}, {Monitor: validLoss, Patience: 5}}},
			Rule{All: []Rule{{Monitor: complexity, Rises: 2}, {Monitor: trainAccuracy, AtLeast: new(1.0)}}},
		)
	}
	return append(rules, Rule{Monitor: record.Margin, Patience: 3}, Rule{Monitor: record.Margin, Falls: 2})
}
