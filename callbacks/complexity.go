package callbacks

import (
	"context"
	"errors"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Complexity measures how complex the decision boundary is, by the eigenpairs
// that a Spectrum finds and their alignment with the samples' reinforcing
// gradients. From a few pairs it is an interval; ask the Spectrum for all
// resolvable ones (curvature.Settings.Resolved, or the methods dense and
// reduced) to have it exactly.
type Complexity struct {
	// Spectrum is the hook whose pairs are used, at epochs at which it measures.
	// It must be among the hooks of the run.
	Spectrum *Spectrum
	// Schedule is which of those; all if zero.
	Schedule trainer.Schedule
	// Settings choose ε and the measure; the zero value is calibrated.
	Settings boundary.ComplexitySettings
}

var (
	_ trainer.Meter         = (*Complexity)(nil)
	_ trainer.Scheduled     = (*Complexity)(nil)
	_ trainer.TrainBeginner = (*Complexity)(nil)
)

// Name implements trainer.Hook.
func (c *Complexity) Name() string { return "complexity" }

// Metrics implements trainer.Meter. People are shown G where it will be
// certain, and elsewhere the participation.
func (c *Complexity) Metrics() []trainer.Metric {
	exact := c.Spectrum != nil && c.Spectrum.resolves()
	return []trainer.Metric{
		{Name: "boundary/complexity", Meaning: "G: share of eigenvectors aligned with some sample's gradient; where it is certain", Better: trainer.Lower, Detail: !exact},
		{Name: "boundary/complexity_low", Meaning: "lower end of the interval that G lies in", Better: trainer.Lower, Detail: true},
		{Name: "boundary/complexity_high", Meaning: "upper end of the interval that G lies in", Better: trainer.Lower, Detail: true},
		{Name: "boundary/epsilon", Meaning: "ε that an alignment must reach to count", Detail: true},
		{Name: "boundary/participation", Meaning: "number of directions that share the gradients' energy", Better: trainer.Lower, Detail: exact},
		{Name: "boundary/outlier_energy", Meaning: "share of the gradients' energy in eigenvectors above λ₁/10", Detail: true},
		{Name: "boundary/unresolved_energy", Meaning: "share of the gradients' energy outside the known resolvable eigenvectors", Better: trainer.Lower, Detail: true},
	}
}

// Times implements trainer.Scheduled: it measures where the Spectrum does, as
// far as its own schedule has it.
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
func (c *Complexity) TrainBegin(context.Context, *trainer.State) error {
	if c.Spectrum == nil {
		return errors.New("no Spectrum to take the eigenpairs from")
	}
	if err := c.Schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	c.Spectrum.complexity = c
	return c.Settings.Validate()
}

func (c *Complexity) due(s *trainer.State) bool { return c.Schedule.IsZero() || c.Schedule.Due(s) }

// measure is part of a measurement of the Spectrum: the two are resumed as one.
// It returns what to record and what to store.
func (c *Complexity) measure(ctx context.Context, found *curvature.Spectrum, state *trainer.State) ([]reading, []weights.Array, error) {
	gradients, err := c.Spectrum.reinforcing(ctx, state)
	if err != nil {
		return nil, nil, err
	}
	pairs, err := gradients.Align(ctx, found)
	if err != nil || !pairs.Measurable() {
		return nil, nil, err
	}
	g, err := pairs.Complexity(c.Settings)
	if err != nil {
		return nil, nil, err
	}
	readings := []reading{
		{"boundary/complexity_low", g.Low},
		{"boundary/complexity_high", g.High},
		{"boundary/epsilon", g.Epsilon},
		{"boundary/participation", g.Participation},
		{"boundary/outlier_energy", g.OutlierEnergy},
		{"boundary/unresolved_energy", g.UnresolvedEnergy},
	}
	if g.Value != nil {
		readings = append(readings, reading{"boundary/complexity", *g.Value})
	}
	return readings, gradients.Arrays(pairs), nil
}
