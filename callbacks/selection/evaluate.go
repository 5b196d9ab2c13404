package selection

import (
	"context"
	"slices"

	"github.com/hessoscope/hessoscope/trainer"
)

// Outcome is how a run generalized, at the epoch at which it was compared. A
// field is null where a split was not evaluated there.
type Outcome struct {
	TrainAccuracy *float64 `json:"train_accuracy"`
	TestAccuracy  *float64 `json:"test_accuracy"`
	TestLoss      *float64 `json:"test_loss"`
	AccuracyGap   *float64 `json:"accuracy_gap"` // train − test
	LossGap       *float64 `json:"loss_gap"`     // test − train
}

// Gap is a generalization gap.
type Gap string

// The gaps, of which a smaller one is better.
const (
	AccuracyGap Gap = "accuracy" // train − test
	LossGap     Gap = "loss"     // test − train
)

// Association is Kendall's τ-b of a measure and a generalization gap over runs:
// near 1, if runs with the better value have the smaller gap; near 0, if it
// tells nothing; near −1, if it misleads. A measure without a better direction
// is taken as one of which lower is better.
type Association struct {
	Measure
	Gap         Gap      `json:"gap"`
	N           int      `json:"n"`            // runs that have both
	Pairs       int      `json:"pairs"`        // of those, within groups
	TiedMeasure int      `json:"tied_measure"` // pairs that the measure does not tell apart
	TiedGap     int      `json:"tied_gap"`
	Tau         *float64 `json:"tau"`  // null if all pairs are tied in one of the two
	Low         *float64 `json:"low"`  // 95 % bootstrap interval over runs;
	High        *float64 `json:"high"` // null where there are fewer than MinBootstrap
}

// MinBootstrap is the least number of runs for which an interval is given: of a
// handful of them the percentiles of the bootstrap are much too near.
const MinBootstrap = 8

// predictors are the measures that are tested where there are at least two runs
// that have them. All others are tested if all runs have them.
var predictors = []string{
	"spectrum/lambda_max", "spectrum/trace", "spectrum/outliers", complexity, "boundary/participation",
	"boundary/margin", "boundary/logit_margin_median", "validation/loss",
}

// evaluate adds what the test split says; ranks are not touched.
func (s *Selection) evaluate(ctx context.Context, progress func(done, total int)) error {
	for i := range s.Groups {
		g := &s.Groups[i]
		for k := range g.Runs {
			g.Runs[k].Outcome = g.Runs[k].reading.outcome()
		}
	}
	// Over all groups first, which takes longest.
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

// associations are those of all measures with both gaps, over groups.
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

// measuresOf are the predictors, then all other metrics for people that every
// run has.
func measuresOf(groups []Group) ([]Measure, error) {
	var candidates []Candidate
	runs := 0
	have := make(map[string]int) // runs that have a metric
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

// estimate counts the pairs within each group.
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
