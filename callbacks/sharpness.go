package callbacks

import (
	"cmp"
	"context"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Sharpness measures how sharp the minimum is, without eigenvectors: see package
// sharpness. At least one of its two measures must be chosen.
type Sharpness struct {
	// Schedule selects the epochs to measure at. If zero, it is DefaultSchedule.
	Schedule trainer.Schedule
	// Fisher asks for the trace of the Fisher information. It costs C − 1 gradients
	// of each sample.
	Fisher bool
	// Perturbations is the number of random perturbations of the parameters by which
	// 1/σ² is estimated; zero for no such estimate. Each costs about seven forward
	// passes. With 100 the standard error is of the order of 8 %.
	Perturbations int
	// Split is the name of the split; "train" if empty.
	Split string
	// Samples is the number of samples of the split that are used. They are drawn
	// once, with the run's seed. Zero means all, but at most 1000.
	Samples int
	// Workers is the number of chunks of data that are computed in parallel; one
	// per CPU if zero.
	Workers int

	run sharpnessRun
}

// sharpnessRun is the state of a Sharpness during one run.
type sharpnessRun struct {
	schedule     trainer.Schedule
	split        *datasets.Split         // the samples that are used
	of           int                     // samples of the split that they were drawn from
	fisher       *sharpness.FisherTrace  // nil before the first measurement, as the next
	perturbation *sharpness.Perturbation //
	pace         trainer.Pace
}

const (
	sharpnessSamples = 1000 // default of Sharpness.Samples
	passesADraw      = 7    // of the network, that a perturbation takes on the mean
)

var (
	_ trainer.Meter         = (*Sharpness)(nil)
	_ trainer.Scheduled     = (*Sharpness)(nil)
	_ trainer.TrainBeginner = (*Sharpness)(nil)
	_ trainer.EpochEnder    = (*Sharpness)(nil)
	_ trainer.RestoredMeter = (*Sharpness)(nil)
	_ trainer.Resetter      = (*Sharpness)(nil)
	_ trainer.Snapshotter   = (*Sharpness)(nil)
)

// Name implements trainer.Hook.
func (*Sharpness) Name() string { return "sharpness" }

const (
	fisherTraceError  = record.FisherTrace + "_error"
	perturbationError = record.Perturbation + "_error"
)

// Metrics implements trainer.Meter: those of the measures that are chosen.
func (s *Sharpness) Metrics() []trainer.Metric {
	var metrics []trainer.Metric
	if s.Fisher {
		metrics = append(metrics,
			trainer.Metric{Name: record.FisherTrace, Meaning: "trace of the Fisher information of p = softmax f, which is the Gauss-Newton matrix of the cross-entropy", Better: trainer.Lower, Detail: true},
			trainer.Metric{Name: fisherTraceError, Meaning: "standard error of sharpness/fisher_trace by the drawing of samples; 0 if all are used", Better: trainer.Lower, Detail: true})
	}
	if s.Perturbations > 0 {
		metrics = append(metrics,
			trainer.Metric{Name: record.Perturbation, Meaning: "1/σ² of the Gaussian noise on all parameters that costs 0.1 of the accuracy on average", Better: trainer.Lower, Detail: true},
			trainer.Metric{Name: perturbationError, Meaning: "standard error of sharpness/perturbation by the drawing of noise and of samples", Better: trainer.Lower, Detail: true})
	}
	return metrics
}

// Times implements trainer.Scheduled.
func (s *Sharpness) Times(state *trainer.State, _ string, from int) (most int, known bool) {
	return orDefault(s.Schedule).Times(state, from)
}

// TrainBegin implements trainer.TrainBeginner.
func (s *Sharpness) TrainBegin(_ context.Context, state *trainer.State) error {
	r := &s.run
	r.schedule = orDefault(s.Schedule)
	if err := r.schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	switch {
	case s.Perturbations < 0 || s.Perturbations == 1:
		return &trainer.FieldError{Field: "Perturbations", Problem: fmt.Sprintf("is %d; want 0, for none, or 2 and more, for a standard error", s.Perturbations)}
	case !s.Fisher && s.Perturbations == 0:
		return &trainer.FieldError{Field: "Fisher", Problem: "is false, and Perturbations 0: choose at least one to measure"}
	}
	split, err := state.Data.Split(cmp.Or(s.Split, datasets.Train))
	if err != nil {
		return err
	}
	if err := classified(split); err != nil {
		return err
	}
	r.of, r.fisher, r.perturbation = split.Len(), nil, nil
	r.split, err = split.Draw(cmp.Or(s.Samples, min(sharpnessSamples, split.Len())), state.Seed)
	return err
}

// EpochEnd implements trainer.EpochEnder.
func (s *Sharpness) EpochEnd(ctx context.Context, state *trainer.State) error {
	if _, measured := state.Fresh(s.Metrics()[0].Name); measured {
		return nil
	}
	cost := float64(s.run.split.Len()) * passesADraw * float64(s.Perturbations) / 3
	if s.Fisher {
		cost += float64(s.run.split.Len() * (state.Model.Classes() - 1))
	}
	return atPace(state, &s.run.pace, s.run.schedule, cmp.Or(s.run.pace.Last, cost), func() ([]reading, float64, error) {
		return s.measure(ctx, state)
	})
}

// MeasureRestored implements trainer.RestoredMeter.
func (s *Sharpness) MeasureRestored(ctx context.Context, state *trainer.State) error {
	s.run.pace.Refund(state)
	return s.EpochEnd(ctx, state)
}

// measure returns also the work, in gradients of one sample, each about three forward
// passes.
func (s *Sharpness) measure(ctx context.Context, state *trainer.State) (readings []reading, work float64, err error) {
	if err := s.prepare(state); err != nil {
		return nil, 0, err
	}
	r := &s.run
	n := float64(r.split.Len())
	if s.Fisher {
		trace, err := r.fisher.Measure(ctx, r.of)
		if err != nil {
			return nil, 0, err
		}
		readings = append(readings, reading{record.FisherTrace, trace.Value}, reading{fisherTraceError, trace.Error})
		work += n * float64(state.Model.Classes()-1)
	}
	if s.Perturbations > 0 {
		inverse, passes, err := r.perturbation.Measure(ctx, r.of)
		if err != nil {
			return nil, 0, err
		}
		if inverse != nil {
			readings = append(readings, reading{record.Perturbation, inverse.Value}, reading{perturbationError, inverse.Error})
		}
		work += n * float64(passes) / 3
	}
	return readings, work, nil
}

// prepare builds what the first measurement needs.
func (s *Sharpness) prepare(state *trainer.State) (err error) {
	r := &s.run
	settings := models.ObjectiveSettings{Precision: tensor.Float64, Workers: s.Workers}
	if s.Fisher && r.fisher == nil {
		if r.fisher, err = sharpness.NewFisherTrace(state.Model, r.split, settings); err != nil {
			return err
		}
	}
	if s.Perturbations > 0 && r.perturbation == nil {
		r.perturbation, err = sharpness.NewPerturbation(state.Model, r.split, s.Perturbations, state.Seed, settings)
	}
	return err
}

// Snapshot implements trainer.Snapshotter.
func (s *Sharpness) Snapshot() ([]byte, error) { return trainer.EncodeState(s.run.pace) }

// Restore implements trainer.Snapshotter.
func (s *Sharpness) Restore(data []byte) error { return trainer.DecodeState(data, &s.run.pace) }

// Reset implements trainer.Resetter.
func (s *Sharpness) Reset() { s.run = sharpnessRun{} }
