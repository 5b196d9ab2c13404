package selection

import (
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// predictors are the measures that are evaluated if at least two runs have them.
// Other measures are evaluated only if all runs have them.
var predictors = []string{
	record.LambdaMax, record.Trace, record.FisherTrace, record.Perturbation, record.Outliers,
	record.Complexity, record.Participation, record.Directions, record.EffectiveRank, "boundary/effective_rank_entropy",
	record.Margin, "boundary/margin_q05", "boundary/margin_harmonic", record.LogitMarginMedian,
	record.ParameterNorm, record.ParameterDistance, trainer.LossOf(datasets.Validation),
}

// measuresOf returns the predictors, followed by all other metrics that every run
// has and that are not marked as Detail.
func measuresOf(groups []Group) ([]Measure, error) {
	var candidates []Candidate
	runs := 0
	have := make(map[string]int) // number of runs that have a metric
	for _, g := range groups {
		for _, r := range g.Runs {
			runs++
			candidates = append(candidates, *r.candidate)
			for _, m := range r.candidate.Run.Metrics {
				if _, ok := r.reading.measure(m.Name); ok {
					have[m.Name]++
				}
			}
		}
	}
	declared, err := declarations(candidates)
	if err != nil {
		return nil, err
	}
	var first, others []Measure
	for _, name := range predictors {
		if i := slices.IndexFunc(declared, func(m trainer.Metric) bool { return m.Name == name }); i >= 0 && have[name] >= 2 {
			first = append(first, Measure{name, declared[i].Better})
		}
	}
	for _, m := range declared {
		if !m.Detail && !ofTest(m.Name) && !isEnd(m.Name, declared) && have[m.Name] == runs && !slices.Contains(predictors, m.Name) {
			others = append(others, Measure{m.Name, m.Better})
		}
	}
	return append(first, others...), nil
}

// isEnd reports whether a metric is an end of the interval of another one.
func isEnd(name string, declared []trainer.Metric) bool {
	return slices.ContainsFunc(declared, func(m trainer.Metric) bool { return name == record.Low(m.Name) || name == record.High(m.Name) })
}
