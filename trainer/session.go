package trainer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Session evaluates a model and calls hooks when its caller announces an event.
// A Trainer drives one, and so can a training loop of your own:
//
//	model, err := models.FromNodes(x, logits, learnables)
//	session, err := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: 100}, hooks...)
//	err = session.Begin(ctx)                    // also evaluates the untrained network
//	for epoch := 1; epoch <= 100; epoch++ {
//		…                                       // your loop, unchanged
//		err = session.EpochEnd(ctx, epoch, step)
//	}
//	err = session.End(ctx)
//
// A Session reads the parameters and never writes to them, unless a hook is told
// to put back those of an earlier epoch when training ends.
type Session struct {
	state      *State
	hooks      []Hook
	evaluate   Schedule
	objectives []splitObjective
	stage      int // number of stages that are done at the end of the current epoch
}

// SessionSettings are options of a Session; the zero value is the default.
type SessionSettings struct {
	Loss   models.Loss // CrossEntropy if nil
	Epochs int         // planned epochs, for schedules that depend on them; 0 if not known
	Seed   uint64      // for hooks that draw random numbers
	// Evaluate is the schedule by which the loss and the accuracy of each split
	// are computed; every epoch if zero.
	Evaluate Schedule
	// Workers is the number of chunks of data that are computed in parallel; one
	// per CPU if zero. The results do not depend on it.
	Workers int
}

// splitObjective computes the loss and the accuracy of one split.
type splitObjective struct {
	name      string
	objective *models.Objective
}

// NewSession returns a session for model and the splits of data.
func NewSession(model models.Model, data *datasets.Dataset, s SessionSettings, hooks ...Hook) (*Session, error) {
	if s.Loss == nil {
		s.Loss = models.CrossEntropy
	}
	if s.Evaluate.IsZero() {
		s.Evaluate = Schedule{Every: 1}
	}
	if err := s.Evaluate.Validate(); err != nil {
		return nil, fmt.Errorf("trainer: %w", Below("Evaluate", err))
	}
	hooks, err := ordered(hooks)
	if err != nil {
		return nil, err
	}
	for _, h := range hooks {
		if r, ok := h.(Resetter); ok {
			r.Reset()
		}
	}
	e := &Session{hooks: hooks, evaluate: s.Evaluate, state: &State{
		hooks: hooks, Model: model, Data: data, Loss: s.Loss, Seed: s.Seed, Epochs: s.Epochs,
		metrics: metrics{last: make(map[string]Reading), schedule: make(map[string]Scheduled)},
	}}
	e.state.snapshot = func() (*Checkpoint, error) {
		return nil, errors.New("trainer: a Session has no checkpoints, because its loop is not part of it; use a Trainer")
	}
	for i := range data.Splits {
		if err := e.addSplit(&data.Splits[i], s.Workers); err != nil {
			return nil, err
		}
	}
	for _, h := range hooks {
		m, ok := h.(Meter)
		if !ok {
			continue
		}
		schedule, _ := h.(Scheduled)
		if err := e.state.metrics.declareScheduled(schedule, m.Metrics()...); err != nil {
			return nil, fmt.Errorf("hook %s: %w", h.Name(), err)
		}
	}
	return e, nil
}

// addSplit declares the metrics of a split and prepares to compute them in the
// precision of the model.
func (e *Session) addSplit(split *datasets.Split, workers int) error {
	o, err := models.NewObjective(e.state.Model, e.state.Loss, split, models.ObjectiveSettings{
		Precision: models.Precision(e.state.Model), Workers: workers,
	})
	if err != nil {
		return err
	}
	e.objectives = append(e.objectives, splitObjective{split.Name, o})
	return e.state.metrics.declareScheduled(
		evaluation{e.evaluate},
		Metric{
			Name: LossOf(split.Name), Heading: headingOf(split.Name, "loss", "loss"), Better: Lower,
			Meaning: "mean " + e.state.Loss.Name() + " loss over the " + split.Name + " split",
		},
		Metric{
			Name: AccuracyOf(split.Name), Heading: headingOf(split.Name, "accuracy", "acc"), Better: Higher,
			Meaning: "share of the " + split.Name + " split that is classified rightly",
		},
	)
}

// headingOf returns the table heading of a metric of a split: the name of the
// metric for the training split, otherwise the split and the short name.
func headingOf(split, name, short string) string {
	switch split {
	case datasets.Train:
		return name
	case datasets.Validation:
		return "val " + short
	default:
		return split + " " + short
	}
}

// evaluation is the Scheduled of the metrics that evaluateSplits records.
type evaluation struct{ Schedule }

// Times implements Scheduled.
func (e evaluation) Times(s *State, _ string, from int) (most int, known bool) {
	return e.Schedule.Times(s, from)
}

// State returns the State that the hooks read.
func (e *Session) State() *State { return e.state }

// Begin tells the hooks that training begins, and ends epoch 0: it evaluates and
// measures the untrained network.
func (e *Session) Begin(ctx context.Context) error {
	if err := e.begin(ctx); err != nil {
		return err
	}
	return e.end(ctx)
}

func (e *Session) begin(ctx context.Context) error {
	e.state.started = time.Now()
	return fire(e.hooks, func(h TrainBeginner) error { return h.TrainBegin(ctx, e.state) })
}

// BatchEnd tells the hooks that a training step is complete. Step is the number
// of steps so far, and loss the mean loss of the mini-batch.
func (e *Session) BatchEnd(ctx context.Context, step int, loss float64) error {
	e.state.Step, e.state.BatchLoss = step, loss
	return fire(e.hooks, func(h BatchEnder) error { return h.BatchEnd(ctx, e.state) })
}

// EpochEnd announces that epoch epochs and step steps are complete. It evaluates
// the splits and runs the hooks that are EpochEnders.
func (e *Session) EpochEnd(ctx context.Context, epoch, step int) error {
	if train, err := e.state.Data.Split(datasets.Train); err == nil {
		e.state.work += float64((epoch - e.state.Epoch) * train.Len())
	}
	e.state.Epoch, e.state.Step = epoch, step
	e.stage = 0 // an error may have ended the previous epoch at a later stage
	return e.end(ctx)
}

// end runs the stages of an epoch's end, beginning with the first that is not
// done.
func (e *Session) end(ctx context.Context) error {
	for stages := e.stages(); e.stage < len(stages); {
		stage := e.stage
		// The stage counts as done before it runs: if it takes a checkpoint, the
		// run must resume after this stage.
		e.stage++
		if err := stages[stage](ctx); err != nil {
			e.stage = stage
			return err
		}
	}
	e.stage = 0
	return nil
}

// stages returns the parts of an epoch's end, in order. A stage that fails or is
// cancelled runs again when the run is resumed; the stages before it do not.
func (e *Session) stages() []func(context.Context) error {
	stages := []func(context.Context) error{e.evaluateSplits}
	stages = append(stages, e.phase(Measure)...)
	stages = append(stages, e.phase(Decide)...)
	for _, again := range append([]func(context.Context) error{e.evaluateAgain}, e.phase(Measure)...) {
		stages = append(stages, func(ctx context.Context) error {
			if e.state.stop == nil {
				return nil
			}
			return again(ctx)
		})
	}
	stages = append(stages, e.phase(Record)...)
	return append(stages, e.phase(Save)...)
}

// phase returns one stage for each EpochEnder of a phase.
func (e *Session) phase(p Phase) []func(context.Context) error {
	var stages []func(context.Context) error
	for _, h := range e.hooks {
		listener, ok := h.(EpochEnder)
		if !ok || phaseOf(h) != p {
			continue
		}
		stages = append(stages, func(ctx context.Context) error {
			if err := listener.EpochEnd(ctx, e.state); err != nil {
				return fmt.Errorf("hook %s: %w", h.Name(), err)
			}
			return nil
		})
	}
	return stages
}

// evaluateSplits records loss and accuracy of every split.
func (e *Session) evaluateSplits(ctx context.Context) error {
	if !e.evaluate.Due(e.state) {
		return nil
	}
	for _, s := range e.objectives {
		if err := s.objective.Refresh(); err != nil {
			return err
		}
		value, err := s.objective.Evaluate(ctx)
		if err != nil {
			return err
		}
		if err := e.state.Record(LossOf(s.name), value.Loss); err != nil {
			return err
		}
		if err := e.state.Record(AccuracyOf(s.name), value.Accuracy); err != nil {
			return err
		}
	}
	if err := fire(e.hooks, func(h ValidationEnder) error { return h.ValidationEnd(ctx, e.state) }); err != nil {
		return err
	}
	// Count the work last: a stage that fails runs again, and its work must count
	// once.
	for _, s := range e.objectives {
		e.state.work += float64(s.objective.Samples()) / 3
	}
	return nil
}

// evaluateAgain evaluates an epoch that became the last because a hook stopped
// the run, unless it was already evaluated.
func (e *Session) evaluateAgain(ctx context.Context) error {
	if _, done := e.state.Fresh(LossOf(e.objectives[0].name)); done {
		return nil
	}
	return e.evaluateSplits(ctx)
}

// Stopped returns the stop that a hook requested, if one did.
func (e *Session) Stopped() (Stop, bool) { return e.state.Stopped() }

// End tells the hooks that training is over.
func (e *Session) End(ctx context.Context) error {
	return fire(e.hooks, func(h TrainEnder) error { return h.TrainEnd(ctx, e.state) })
}

// Interrupted tells the hooks that err ends training. It returns err joined with
// the errors of the hooks.
func (e *Session) Interrupted(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	errs := []error{err}
	// Call every hook, even after an error: one of them saves the run.
	for i := range e.hooks {
		errs = append(errs, fire(e.hooks[i:i+1], func(h Interrupted) error { return h.Interrupted(ctx, e.state, err) }))
	}
	return errors.Join(errs...)
}

// hookNames returns the names of the hooks, in order.
func (e *Session) hookNames() []string {
	var names []string
	for _, h := range e.hooks {
		names = append(names, h.Name())
	}
	return names
}

// snapshots returns the states of the hooks that are Snapshotters, by hook name.
func (e *Session) snapshots() (map[string][]byte, error) {
	all := make(map[string][]byte)
	for _, h := range e.hooks {
		s, ok := h.(Snapshotter)
		if !ok {
			continue
		}
		data, err := s.Snapshot()
		if err != nil {
			return nil, fmt.Errorf("hook %s: snapshot: %w", h.Name(), err)
		}
		all[h.Name()] = data
	}
	return all, nil
}

func (e *Session) restoreHooks(snapshots map[string][]byte) error {
	for _, h := range e.hooks {
		if s, ok := h.(Snapshotter); ok {
			if err := s.Restore(snapshots[h.Name()]); err != nil {
				return fmt.Errorf("hook %s: restore: %w", h.Name(), err)
			}
		}
	}
	return nil
}
