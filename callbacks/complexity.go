package callbacks

import (
	"context"
	"fmt"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Complexity measures the complexity of the decision boundary from the
// eigenpairs that a Spectrum finds and their alignment with the samples'
// reinforcing gradients. If only some of the resolvable eigenpairs are known, the
// result is an interval. It is exact if the Spectrum finds all of them, with
// curvature.Settings.Resolved or the methods dense and reduced.
type Complexity struct {
	// Spectrum is the hook whose eigenpairs are used. It must be a hook of the
	// same run.
	Spectrum *Spectrum
	// Schedule selects some of the epochs at which Spectrum measures; all if zero.
	Schedule trainer.Schedule
	// Settings choose ε and the measure. With the zero value, ε is calibrated.
	Settings boundary.ComplexitySettings
}

var (
	_ trainer.Meter         = (*Complexity)(nil)
	_ trainer.Scheduled     = (*Complexity)(nil)
	_ trainer.TrainBeginner = (*Complexity)(nil)
	_ SpectrumConsumer      = (*Complexity)(nil)
)

// Name implements trainer.Hook.
func (c *Complexity) Name() string { return "complexity" }

// Metrics implements trainer.Meter. Tables show G if it will be exact, and the
// number of directions otherwise.
func (c *Complexity) Metrics() []trainer.Metric {
	exact := c.Spectrum != nil && c.Spectrum.resolves()
	return []trainer.Metric{
		{Name: record.Complexity, Heading: "G", Meaning: "G: share of eigenvectors aligned with some sample's gradient; where it is certain", Better: trainer.Lower, Detail: !exact},
		{Name: record.Low(record.Complexity), Meaning: "lower end of the interval that G lies in", Better: trainer.Lower, Detail: true},
		{Name: record.High(record.Complexity), Meaning: "upper end of the interval that G lies in", Better: trainer.Lower, Detail: true},
		{Name: record.Epsilon, Meaning: "ε that an alignment must reach to count", Detail: true},
		{Name: record.Directions, Meaning: "number of eigenvectors that share the gradients' energy, 1/Σaᵢ²; where it is known to 5 %", Better: trainer.Lower, Detail: exact},
		{Name: record.Low(record.Directions), Meaning: "lower bound of that number", Better: trainer.Lower, Detail: true},
		{Name: record.High(record.Directions), Meaning: "upper bound of that number", Better: trainer.Lower, Detail: true},
		{Name: record.Participation, Meaning: "the same of the resolvable eigenvectors alone, (Σaᵢ)²/Σaᵢ²; where it is known to 5 %", Better: trainer.Lower, Detail: true},
		{Name: record.Low(record.Participation), Meaning: "lower bound of the participation", Better: trainer.Lower, Detail: true},
		{Name: record.High(record.Participation), Meaning: "upper bound of the participation", Better: trainer.Lower, Detail: true},
		{Name: "boundary/outlier_energy", Meaning: "share of the gradients' energy in eigenvectors above λ₁/10", Detail: true},
		{Name: "boundary/unresolved_energy", Meaning: "share of the gradients' energy outside the known resolvable eigenvectors", Better: trainer.Lower, Detail: true},
	}
}

// Times implements trainer.Scheduled. A Complexity measures at the epochs at
// which both its Spectrum and its own Schedule are due.
func (c *Complexity) Times(s *trainer.State, metric string, from int) (most int, known bool) {
	if c.Spectrum == nil {
		return 0, false
	}
	most, known = c.Spectrum.Times(s, metric, from)
	own, ownKnown := c.Schedule.Times(s, from)
	switch {
	case c.Schedule.IsZero() || !ownKnown:
		return most, known
	case !known:
		return own, true
	default:
		return min(most, own), true
	}
}

// TrainBegin implements trainer.TrainBeginner.
func (c *Complexity) TrainBegin(_ context.Context, state *trainer.State) error {
	if err := c.Schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if err := classified(&state.Data.Splits[0]); err != nil {
		return err
	}
	return c.Spectrum.Subscribe(state, c)
}

// classified returns an error unless the samples of a split have classes.
func classified(split *datasets.Split) error {
	if split.Labels == nil {
		return fmt.Errorf("split %q has no labels, as in a regression: there is no boundary between classes to measure; a Spectrum measures any loss", split.Name)
	}
	return nil
}

// Consume implements SpectrumConsumer.
func (c *Complexity) Consume(ctx context.Context, m *analysis.Measurement, state *trainer.State) ([]weights.Array, error) {
	if !c.Schedule.IsZero() && !c.Schedule.Due(state) {
		return nil, nil
	}
	pairs, err := m.Aligned(ctx)
	if err != nil || pairs == nil {
		return nil, err
	}
	g, err := pairs.Complexity(c.Settings)
	if err != nil {
		return nil, err
	}
	readings := []reading{
		{record.Low(record.Complexity), g.Low},
		{record.High(record.Complexity), g.High},
		{record.Epsilon, g.Epsilon},
		{"boundary/outlier_energy", g.OutlierEnergy},
		{"boundary/unresolved_energy", g.UnresolvedEnergy},
	}
	if g.Value != nil {
		readings = append(readings, reading{record.Complexity, *g.Value})
	}
	if g.Participation != nil {
		readings = append(readings, reading{record.Participation, *g.Participation})
	}
	directions, err := m.Directions(ctx)
	if err != nil {
		return nil, err
	}
	if directions != nil {
		readings = append(readings, bounded(record.Directions, directions.All)...)
		if g.Participation == nil {
			readings = append(readings, bounded(record.Participation, directions.Participation)...)
		}
	}
	gradients, err := m.Reinforcing(ctx)
	if err != nil {
		return nil, err
	}
	return gradients.Arrays(pairs), recordAll(state, readings)
}

// certain is the width of an interval, relative to its lower end, up to which its
// middle is shown as the value.
const certain = 0.05

// bounded records a metric as the interval that it lies in, and under its own
// name where that is narrow.
func bounded(metric string, i boundary.Interval) []reading {
	readings := []reading{{record.Low(metric), i.Low}, {record.High(metric), i.High}}
	if i.Within(certain) {
		readings = append(readings, reading{metric, i.Middle()})
	}
	return readings
}
