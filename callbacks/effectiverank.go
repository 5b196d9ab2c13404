package callbacks

import (
	"cmp"
	"context"
	"math"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// EffectiveRank measures over how many directions the samples' reinforcing
// gradients spread, without any eigenvector: see boundary.EffectiveRank. It is the
// cheapest measure of the boundary's complexity, and no more than a companion of
// the number of directions: among networks that are trained alike the two
// disagree.
type EffectiveRank struct {
	// Schedule selects the epochs to measure at. If zero, these are as many as a
	// fiftieth of the run's work pays for.
	Schedule trainer.Schedule
	// Split is the name of the split; "train" if empty.
	Split string
	// Samples is the number of samples of the split that are used. They are drawn
	// once, with the run's seed. Zero means all, but at most 1000, and no more than
	// the budget pays for once, but at least 20.
	Samples int
	// Workers is the number of chunks of data that are computed in parallel; one
	// per CPU if zero.
	Workers int

	run rankRun
}

// rankRun is the state of an EffectiveRank during one run.
type rankRun struct {
	schedule  trainer.Schedule
	split     *datasets.Split       // the samples that are used
	of        int                   // samples of the split that they were drawn from
	gradients *boundary.Reinforcing // nil before the first measurement
	pace      trainer.Pace
}

// RankSamples is the largest number of samples that an EffectiveRank uses by default.
const RankSamples = 1000

// rankLeast is how many samples are used at least, if the budget does not pay for one
// measurement of more.
const rankLeast = 20

var (
	_ trainer.Meter         = (*EffectiveRank)(nil)
	_ trainer.Scheduled     = (*EffectiveRank)(nil)
	_ trainer.TrainBeginner = (*EffectiveRank)(nil)
	_ trainer.EpochEnder    = (*EffectiveRank)(nil)
	_ trainer.RestoredMeter = (*EffectiveRank)(nil)
	_ trainer.Resetter      = (*EffectiveRank)(nil)
	_ trainer.Snapshotter   = (*EffectiveRank)(nil)
)

// Name implements trainer.Hook.
func (*EffectiveRank) Name() string { return "effective_rank" }

// Metrics implements trainer.Meter.
func (*EffectiveRank) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: record.EffectiveRank, Heading: "rank", Meaning: "effective rank 1/tr C² of the unit reinforcing gradients, C = mean ĝĝᵀ", Better: trainer.Lower, Detail: true},
		{Name: "boundary/effective_rank_error", Meaning: "standard error of boundary/effective_rank by the drawing of samples; 0 if all are used", Better: trainer.Lower, Detail: true},
		{Name: "boundary/effective_rank_entropy", Meaning: "exp of the entropy of the eigenvalues of C, where no samples are drawn", Better: trainer.Lower, Detail: true},
	}
}

func (e *EffectiveRank) schedule() trainer.Schedule {
	if e.Schedule.IsZero() {
		return trainer.Schedule{Every: 1, Budget: 0.02}
	}
	return e.Schedule
}

// Times implements trainer.Scheduled.
func (e *EffectiveRank) Times(state *trainer.State, _ string, from int) (most int, known bool) {
	return e.schedule().Times(state, from)
}

// TrainBegin implements trainer.TrainBeginner.
func (e *EffectiveRank) TrainBegin(_ context.Context, state *trainer.State) error {
	r := &e.run
	r.schedule = e.schedule()
	if err := r.schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	split, err := state.Data.Split(cmp.Or(e.Split, datasets.Train))
	if err != nil {
		return err
	}
	if err := classified(split); err != nil {
		return err
	}
	r.of, r.gradients = split.Len(), nil
	samples := cmp.Or(e.Samples, min(RankSamples, split.Len()))
	if budget := r.schedule.Budget * state.PlannedWork(); e.Samples == 0 && budget > 0 {
		for samples > rankLeast && rankWork(samples, state.Model) > budget {
			samples--
		}
	}
	r.split, err = split.Draw(samples, state.Seed)
	return err
}

// EpochEnd implements trainer.EpochEnder.
func (e *EffectiveRank) EpochEnd(ctx context.Context, state *trainer.State) error {
	if _, measured := state.Fresh(record.EffectiveRank); measured {
		return nil
	}
	work := rankWork(e.run.split.Len(), state.Model)
	return atPace(state, &e.run.pace, e.run.schedule, work, func() ([]reading, float64, error) {
		readings, err := e.measure(ctx, state)
		return readings, work, err
	})
}

// MeasureRestored implements trainer.RestoredMeter.
func (e *EffectiveRank) MeasureRestored(ctx context.Context, state *trainer.State) error {
	e.run.pace.Refund(state)
	return e.EpochEnd(ctx, state)
}

func (e *EffectiveRank) measure(ctx context.Context, state *trainer.State) ([]reading, error) {
	r := &e.run
	var err error
	if r.gradients == nil {
		r.gradients, err = boundary.NewReinforcing(ctx, state.Model, r.split, models.ObjectiveSettings{Precision: tensor.Float64, Workers: e.Workers})
	} else {
		err = r.gradients.Refresh(ctx)
	}
	if err != nil {
		return nil, err
	}
	gram, err := r.gradients.Gram(ctx)
	if err != nil {
		return nil, err
	}
	rank := boundary.NewEffectiveRank(gram, r.of)
	if rank.Samples == 0 { // no sample has a gradient
		return nil, nil
	}
	readings := []reading{{record.EffectiveRank, rank.Value}, {"boundary/effective_rank_error", rank.Error}}
	if rank.Entropy != nil {
		readings = append(readings, reading{"boundary/effective_rank_entropy", *rank.Entropy})
	}
	return readings, nil
}

// rankWork is about what a measurement costs, in gradients of one sample, each 6·P
// operations: that of every sample, more than once where they take too much memory;
// the products of all pairs, over widths that are of the order of 4·√P together; and
// the eigenvalues of an N × N matrix. The last two run at about a fifth of the speed.
func rankWork(samples int, m models.Model) float64 {
	n, p := float64(samples), float64(models.Size(m))
	return n*float64(boundary.GramPasses(m, samples)) + 5*(10*n*n*math.Sqrt(p)+10*n*n*n)/(6*p)
}

// Snapshot implements trainer.Snapshotter.
func (e *EffectiveRank) Snapshot() ([]byte, error) { return trainer.EncodeState(e.run.pace) }

// Restore implements trainer.Snapshotter.
func (e *EffectiveRank) Restore(data []byte) error { return trainer.DecodeState(data, &e.run.pace) }

// Reset implements trainer.Resetter.
func (e *EffectiveRank) Reset() { e.run = rankRun{} }
