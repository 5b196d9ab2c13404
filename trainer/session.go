package trainer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Session evaluates a model and fires hooks at the times it is told. Trainer
// drives one; so can a training loop of your own:
//
//	model, err := models.FromNodes(x, logits, learnables)
//	session, err := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: 100}, hooks...)
//	err = session.Begin(ctx)                    // and the untrained network
//	for epoch := 1; epoch <= 100; epoch++ {
//		…                                       // the loop as it was
//		err = session.EpochEnd(ctx, epoch, step)
//	}
//	err = session.End(ctx)
//
// A Session reads the parameters; it never writes to them, unless a hook is
// asked to put those of an earlier epoch back at the end.
type Session struct {
	state      *State
	hooks      []Hook
	evaluate   Schedule
	objectives []splitObjective
	stage      int // stages of the current epoch's end that are done
}

// SessionSettings are options of a Session; the zero value is the default.
type SessionSettings struct {
	Loss   models.Loss // CrossEntropy if nil
	Epochs int         // planned, for schedules that need the end; 0 if not known
	Seed   uint64      // for hooks that draw random numbers
	// Evaluate is when the loss and the accuracy of each split are computed;
	// at every epoch if zero.
	Evaluate Schedule
	// Workers computes chunks of data at once; one a CPU if zero. It changes
	// no result.
	Workers int
}

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
		return nil, errors.New("trainer: a session cannot be resumed; its loop is not ours")
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

// addSplit declares the metrics of a split and prepares to compute them, in
// the precision of the model.
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

// headingOf is that of a metric of a split: its name alone for the training
// split, else a short form behind that of the split.
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

// evaluation records metrics of the splits.
type evaluation struct{ Schedule }

// Times implements Scheduled.
func (e evaluation) Times(s *State, _ string, from int) (most int, known bool) {
	return e.Schedule.Times(s, from)
}

// State is what the hooks see.
func (e *Session) State() *State { return e.state }

// Begin tells the hooks that training begins, and ends epoch 0: the untrained
// network is evaluated and measured.
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

// BatchEnd tells the hooks of a training step: how many there have been, and
// the mean loss of its mini-batch.
func (e *Session) BatchEnd(ctx context.Context, step int, loss float64) error {
	e.state.Step, e.state.BatchLoss = step, loss
	return fire(e.hooks, func(h BatchEnder) error { return h.BatchEnd(ctx, e.state) })
}

// EpochEnd tells that so many epochs and steps are complete: the splits are
// evaluated and the hooks of an epoch's end run.
func (e *Session) EpochEnd(ctx context.Context, epoch, step int) error {
	if train, err := e.state.Data.Split(datasets.Train); err == nil {
		e.state.work += float64((epoch - e.state.Epoch) * train.Len())
	}
	e.state.Epoch, e.state.Step = epoch, step
	e.stage = 0 // whatever an epoch before it failed at
	return e.end(ctx)
}

// end runs the stages of an epoch's end, from the first that has not been
// done.
func (e *Session) end(ctx context.Context) error {
	for stages := e.stages(); e.stage < len(stages); {
		stage := e.stage
		// Counted as done before it runs: a checkpoint that the stage itself
		// takes must go on behind it.
		e.stage++
		if err := stages[stage](ctx); err != nil {
			e.stage = stage
			return err
		}
	}
	e.stage = 0
	return nil
}

// stages are the parts of an epoch's end, in order. A stage that fails, or is
// cancelled, runs again when the run is resumed; those before it do not.
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

// phase returns what the hooks of one phase do at the end of an epoch.
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
	for _, s := range e.objectives { // once, though a stage that fails runs again
		e.state.work += float64(s.objective.Samples()) / 3
	}
	return nil
}

// evaluateAgain evaluates an epoch that was not to be evaluated until a hook
// made it the last.
func (e *Session) evaluateAgain(ctx context.Context) error {
	if _, done := e.state.Fresh(LossOf(e.objectives[0].name)); done {
		return nil
	}
	return e.evaluateSplits(ctx)
}

// Stopped returns why a hook asked for the end of the run, if one did.
func (e *Session) Stopped() (Stop, bool) { return e.state.Stopped() }

// End tells the hooks that training is over.
func (e *Session) End(ctx context.Context) error {
	return fire(e.hooks, func(h TrainEnder) error { return h.TrainEnd(ctx, e.state) })
}

// Interrupted tells the hooks that training ends by err, and returns err
// joined with what they had to say.
func (e *Session) Interrupted(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	errs := []error{err}
	for i := range e.hooks { // each, whatever the others have to say: one of them saves the run
		errs = append(errs, fire(e.hooks[i:i+1], func(h Interrupted) error { return h.Interrupted(ctx, e.state, err) }))
	}
	return errors.Join(errs...)
}

// hookNames are the names of the hooks, in order.
func (e *Session) hookNames() []string {
	var names []string
	for _, h := range e.hooks {
		names = append(names, h.Name())
	}
	return names
}

// snapshots are the states of the hooks that have one.
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
