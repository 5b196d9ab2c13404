package selection

import (
	"context"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// predictors are the measures that are evaluated if at least two runs have them.
// Other measures are evaluated only if all runs have them.
var predictors = []string{
	record.LambdaMax, record.Trace, record.Outliers, record.Complexity, record.Participation,
	record.Margin, record.LogitMarginMedian, trainer.LossOf(datasets.Validation),
}

// evaluate adds the outcomes on the test split and the associations. It does not
// change the ranks.
func (s *Selection) evaluate(ctx context.Context, progress func(done, total int)) error {
	for i := range s.Groups {
		g := &s.Groups[i]
		for k := range g.Runs {
			g.Runs[k].Outcome = g.Runs[k].reading.outcome()
		}
	}
	// Begin with all groups together, which takes longest.
	var err error
	if s.Associations, err = s.associations(ctx, s.Groups, progress); err != nil {
		return err
	}
	if len(s.Groups) == 1 {
		s.Groups[0].Associations = s.Associations
		return nil
	}
	for i := range s.Groups {
		if s.Groups[i].Associations, err = s.associations(ctx, s.Groups[i:i+1], progress); err != nil {
			return err
		}
	}
	return nil
}

// outcome returns the Outcome at the epoch of r.
func (r reading) outcome() *Outcome {
	optional := func(metric string) *float64 {
		if v, ok := r.number(metric); ok {
			return &v
		}
		return nil
	}
	o := &Outcome{TrainAccuracy: optional(trainAccuracy), TestAccuracy: optional(testAccuracy), TestLoss: optional(testLoss)}
	o.AccuracyGap = difference(o.TrainAccuracy, o.TestAccuracy)
	o.LossGap = difference(o.TestLoss, optional(trainLoss))
	return o
}

// difference returns a − b, or nil if one of them is nil.
func difference(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	d := *a - *b
	return &d
}

func (o *Outcome) gap(g Gap) *float64 {
	if g == LossGap {
		return o.LossGap
	}
	return o.AccuracyGap
}

// associations returns the Association of each measure with each gap, over groups.
func (s *Selection) associations(ctx context.Context, groups []Group, progress func(done, total int)) ([]Association, error) {
	associations := []Association{}
	measures, err := measuresOf(groups)
	if err != nil {
		return nil, err
	}
	for i, m := range measures {
		if progress != nil {
			progress(i, len(measures))
		}
		for _, gap := range []Gap{AccuracyGap, LossGap} {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			a := Association{Measure: m, Gap: gap}
			a.estimate(groups, s.Resamples, s.Seed)
			if a.N >= 2 {
				associations = append(associations, a)
			}
		}
	}
	return associations, nil
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
		if !m.Detail && !ofTest(m.Name) && have[m.Name] == runs && !slices.Contains(predictors, m.Name) {
			others = append(others, Measure{m.Name, m.Better})
		}
	}
	return append(first, others...), nil
}

// estimate computes τ-b, and its interval, from the pairs of runs within each
// group.
func (a *Association) estimate(groups []Group, resamples int, seed uint64) {
	var strata []stratum
	for _, g := range groups {
		var x, y []Interval
		for _, r := range g.Runs {
			value, ok := r.reading.measure(a.Metric)
			gap := r.Outcome.gap(a.Gap)
			if ok && gap != nil {
				x, y = append(x, value), append(y, Interval{*gap, *gap})
			}
		}
		a.N += len(x)
		strata = append(strata, stratum{len(x), signs(x, a.compare), signs(y, Interval.compare)})
	}
	p := counted(strata, all)
	a.Pairs, a.TiedMeasure, a.TiedGap = p.total, p.total-p.untiedX, p.total-p.untiedY
	tau, ok := p.tau()
	if !ok {
		return
	}
	a.Tau = &tau
	if a.N < MinBootstrap {
		return
	}
	if low, high, ok := bootstrap(strata, resamples, seed); ok {
		a.Low, a.High = &low, &high
	}
}
