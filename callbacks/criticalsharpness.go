package callbacks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// CriticalSharpness measures λ_c = 2/η_c, with η_c the smallest step along the direction
// of training at which the loss rises, by less than ten forward passes: see
// sharpness.Critical. It is the cheapest measure of curvature, and the one that says
// what the loss does at the step that training takes. The search starts from the result
// of the last measurement.
type CriticalSharpness struct {
	// Schedule selects the epochs to measure at. If zero, these are as many as a
	// twentieth of the run's work pays for.
	Schedule trainer.Schedule
	// Along is the direction: sharpness.Gradient, if empty, of the loss over the samples,
	// from the parameters at the end of the epoch; or sharpness.Update, the change of the
	// parameters by the last step of training, from where that began: with momentum,
	// preconditioning and weight decay, and of a mini-batch if that is what training
	// takes. The Update of a Session is known if its loop calls BatchEnd after each step.
	Along sharpness.Direction
	// Split is the name of the split; "train" if empty.
	Split string
	// Samples is the number of samples of the split that are used. They are drawn
	// once, with the run's seed. Zero means all, but at most 1000.
	Samples int
	// Workers is the number of chunks of data that are computed in parallel; one
	// per CPU if zero.
	Workers int

	run criticalRun
}

// criticalRun is the state of a CriticalSharpness during one run.
type criticalRun struct {
	along     sharpness.Direction
	schedule  trainer.Schedule
	objective *models.Objective
	critical  sharpness.Critical
	after     []float64 // parameters after the last step; nil along the gradient
	memory    criticalMemory
}

// criticalMemory is what a CriticalSharpness keeps in a checkpoint.
type criticalMemory struct {
	Guess  float64   // critical step of the last measurement
	Update []float64 // change of the parameters by the last step; nil before there was one, and along the gradient
	Step   int       // number of that step
	Pace   trainer.Pace
}

// criticalSamples is the default of CriticalSharpness.Samples.
const criticalSamples = 1000

var (
	_ trainer.Meter         = (*CriticalSharpness)(nil)
	_ trainer.Scheduled     = (*CriticalSharpness)(nil)
	_ trainer.TrainBeginner = (*CriticalSharpness)(nil)
	_ trainer.BatchEnder    = (*CriticalSharpness)(nil)
	_ trainer.EpochEnder    = (*CriticalSharpness)(nil)
	_ trainer.RestoredMeter = (*CriticalSharpness)(nil)
	_ trainer.Resetter      = (*CriticalSharpness)(nil)
	_ trainer.Snapshotter   = (*CriticalSharpness)(nil)
)

// Name implements trainer.Hook.
func (*CriticalSharpness) Name() string { return "critical_sharpness" }

const (
	criticalRatio  = record.CriticalSharpness + "_ratio"
	criticalPasses = record.CriticalSharpness + "_passes"
)

// Metrics implements trainer.Meter.
func (*CriticalSharpness) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: record.CriticalSharpness, Heading: "λc", Meaning: "critical sharpness 2/η_c, η_c the smallest step along the direction of training at which the loss rises, where it is known to 1 %", Better: trainer.Lower, Detail: true},
		{Name: record.Low(record.CriticalSharpness), Meaning: "lower end of its interval: at this step the loss was higher; 0 if at none that was tried", Better: trainer.Lower, Detail: true},
		{Name: record.High(record.CriticalSharpness), Meaning: "upper end: at this step the loss was lower; absent if at none that was tried", Better: trainer.Lower, Detail: true},
		{Name: criticalRatio, Meaning: "η/η_c, with η the learning rate: above 1 a step along the direction raises the loss", Detail: true},
		{Name: criticalPasses, Unit: "passes", Whole: true, Meaning: "forward passes of this measurement", Better: trainer.Lower, Detail: true},
	}
}

func (c *CriticalSharpness) schedule() trainer.Schedule {
	if c.Schedule.IsZero() {
		return trainer.Schedule{Every: 1, Budget: 0.05}
	}
	return c.Schedule
}

// Times implements trainer.Scheduled.
func (c *CriticalSharpness) Times(state *trainer.State, _ string, from int) (most int, known bool) {
	return c.schedule().Times(state, from)
}

// TrainBegin implements trainer.TrainBeginner.
func (c *CriticalSharpness) TrainBegin(_ context.Context, state *trainer.State) error {
	r := &c.run
	r.schedule, r.along = c.schedule(), cmp.Or(c.Along, sharpness.Gradient)
	if err := r.schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	if err := r.along.Validate(); err != nil {
		return &trainer.FieldError{Field: "Along", Problem: err.Error()}
	}
	split, err := state.Data.Split(cmp.Or(c.Split, datasets.Train))
	if err != nil {
		return err
	}
	if split, err = split.Draw(cmp.Or(c.Samples, min(criticalSamples, split.Len())), state.Seed); err != nil {
		return err
	}
	r.objective, err = models.NewObjective(state.Model, state.Loss, split, models.ObjectiveSettings{Precision: tensor.Float64, Workers: c.Workers})
	r.critical = sharpness.Critical{Objective: r.objective, Guess: r.memory.Guess}
	if r.along == sharpness.Update {
		r.after = make([]float64, models.Size(state.Model))
		if n := len(r.memory.Update); n != 0 && n != len(r.after) {
			return fmt.Errorf("the state has an update of %d parameters; the model has %d", n, len(r.after))
		}
		r.follow(state.Model, make([]float64, len(r.after)))
	}
	return err
}

// BatchEnd implements trainer.BatchEnder.
func (c *CriticalSharpness) BatchEnd(_ context.Context, state *trainer.State) error {
	r := &c.run
	if r.along != sharpness.Update {
		return nil
	}
	if r.memory.Update == nil {
		r.memory.Update = make([]float64, len(r.after))
	}
	r.memory.Step = state.Step
	r.follow(state.Model, r.memory.Update)
	return nil
}

// follow sets after to the parameters of m, and update to the change.
func (r *criticalRun) follow(m models.Model, update []float64) {
	after := r.after
	for _, p := range m.Parameters() {
		n := p.Value.DataSize()
		if p.Value.Dtype() == tensor.Float32 {
			follow(after[:n], update[:n], p.Value.Float32s())
		} else {
			follow(after[:n], update[:n], p.Value.Float64s())
		}
		after, update = after[n:], update[n:]
	}
}

func follow[T float32 | float64](after, update []float64, values []T) {
	for i, v := range values {
		update[i] = float64(v) - after[i]
		after[i] = float64(v)
	}
}

// EpochEnd implements trainer.EpochEnder.
func (c *CriticalSharpness) EpochEnd(ctx context.Context, state *trainer.State) error {
	r := &c.run
	if _, measured := state.Fresh(criticalPasses); measured || r.along == sharpness.Update && state.Step == 0 {
		return nil
	}
	cost := cmp.Or(r.memory.Pace.Last, 3*float64(r.objective.Samples())) // six passes and a gradient
	return atPace(state, &r.memory.Pace, r.schedule, cost, func() ([]reading, float64, error) {
		found, err := c.measure(ctx, state)
		if err != nil {
			return nil, 0, err
		}
		r.memory.Guess = r.critical.Guess
		work := float64(found.Passes) / 3
		if r.along == sharpness.Gradient {
			work++
		}
		return c.readings(found, state.LearningRate), work * float64(r.objective.Samples()), nil
	})
}

// MeasureRestored implements trainer.RestoredMeter. The update of an earlier step is
// not known, so that only along the gradient is there something to measure.
func (c *CriticalSharpness) MeasureRestored(ctx context.Context, state *trainer.State) error {
	if c.run.along == sharpness.Update {
		return nil
	}
	c.run.memory.Pace.Refund(state)
	return c.EpochEnd(ctx, state)
}

func (c *CriticalSharpness) measure(ctx context.Context, state *trainer.State) (sharpness.CriticalStep, error) {
	r := &c.run
	if err := r.objective.Refresh(); err != nil {
		return sharpness.CriticalStep{}, err
	}
	if r.along == sharpness.Gradient {
		return r.critical.AlongGradient(ctx)
	}
	if r.memory.Update == nil || r.memory.Step != state.Step {
		return sharpness.CriticalStep{}, errors.New("the update of the last step is not known: call BatchEnd of the session after each step, or measure along the gradient")
	}
	return r.critical.AlongUpdate(ctx, r.memory.Update)
}

// readings returns the metrics of a step at a learning rate; 0 if that is not known.
func (c *CriticalSharpness) readings(found sharpness.CriticalStep, rate float64) []reading {
	readings := []reading{{criticalPasses, float64(found.Passes)}}
	if found.Low == 0 && math.IsInf(found.High, 1) {
		return readings
	}
	unit, taken := 1.0, rate // of the step along the gradient
	if c.run.along == sharpness.Update {
		unit, taken = rate, 1
	}
	if taken > 0 && found.Certain() {
		readings = append(readings, reading{criticalRatio, taken / found.Value})
	}
	if unit == 0 {
		return readings
	}
	value, low, high := found.Sharpness()
	readings = append(readings, reading{record.Low(record.CriticalSharpness), low / unit})
	if found.Low > 0 {
		readings = append(readings, reading{record.High(record.CriticalSharpness), high / unit})
	}
	if found.Certain() {
		readings = append(readings, reading{record.CriticalSharpness, value / unit})
	}
	return readings
}

// Snapshot implements trainer.Snapshotter.
func (c *CriticalSharpness) Snapshot() ([]byte, error) { return trainer.EncodeState(c.run.memory) }

// Restore implements trainer.Snapshotter.
func (c *CriticalSharpness) Restore(data []byte) error {
	return trainer.DecodeState(data, &c.run.memory)
}

// Reset implements trainer.Resetter.
func (c *CriticalSharpness) Reset() { c.run = criticalRun{} }
