package trainer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Session evaluates a model and calls hooks when its caller announces an event.
// A Trainer drives one, and so can a training loop of your own. Epochs takes the
// place of the statement that counts the epochs:
//
//	model, err1 := models.FromNodes(x, logits, learnables)
//	session, err2 := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: 100}, hooks...)
//	for epoch := range session.Epochs(ctx) {    // was: for epoch := 0; epoch < 100; epoch++ {
//		…                                       // your loop, unchanged
//	}
//	err := cmp.Or(err1, err2, session.Err())
//
// The loop then ends when a hook asks for it; without a session, since NewSession
// returned an error, it has no turns. A loop that cannot be written so
// calls the methods that Epochs calls, in this order:
//
//	err = session.Begin(ctx)                    // also evaluates the untrained network
//	for epoch := 1; epoch <= 100; epoch++ {
//		…                                       // your loop; after each step, if you like:
//		err = session.BatchEnd(ctx, step, loss)
//		err = session.EpochEnd(ctx, epoch, step)
//		if _, stopped := session.Stopped(); stopped {
//			break
//		}
//	}
//	err = session.End(ctx)
//
// Calls in another order are errors. A Session reads the parameters and never
// writes to them, unless a hook is told to put back those of an earlier epoch
// when training ends, or Restore those of a checkpoint.
type Session struct {
	state      *State
	hooks      []Hook
	evaluate   Schedule
	objectives []splitObjective
	lossCheck  *models.LossCheck // until the first batch; nil if there is none
	stage      int               // number of stages that are done at the end of the current epoch

	loop
}

// SessionSettings are options of a Session; the zero value is the default.
type SessionSettings struct {
	Loss   models.Loss // if nil, the cost that the model is made with (models.WithCost), or CrossEntropy
	Epochs int         // planned epochs, for schedules that depend on them; 0 if not known
	Steps  int         // training steps an epoch, for a loop that does not call BatchEnd; 0 if not known
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
	labelled  bool // whether there is an accuracy
}

// NewSession returns a session for model and the splits of data.
func NewSession(model models.Model, data *datasets.Dataset, s SessionSettings, hooks ...Hook) (*Session, error) {
	if err := checkSubject(model, data); err != nil {
		return nil, err
	}
	for field, n := range map[string]int{"Epochs": s.Epochs, "Steps": s.Steps} {
		if n < 0 {
			return nil, fmt.Errorf("trainer: %w", wrong(field, "is %d; want 0, if the number is not known, or more", n))
		}
	}
	if s.Loss == nil {
		s.Loss = models.LossOf(model)
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
		hooks: hooks, Model: model, Data: data, Loss: s.Loss, Seed: s.Seed, Epochs: s.Epochs, Steps: s.Steps,
		metrics: metrics{last: make(map[string]Reading), schedule: make(map[string]Scheduled)},
	}}
	e.state.plan(s.Evaluate)
	e.state.snapshot = e.capture
	e.takeHooks()
	for i := range data.Splits {
		if err := e.addSplit(&data.Splits[i], s.Workers); err != nil {
			return nil, err
		}
	}
	e.state.second = 1 / (sampleSeconds + operationSeconds*e.objectives[0].objective.Operations())
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

// checkSubject returns an error if there is no model or no data.
func checkSubject(model models.Model, data *datasets.Dataset) error {
	if isNil(model) {
		return errors.New("trainer: the model is nil; want one of models.FromNodes, models.NewMLP or your own")
	}
	if data == nil || len(data.Splits) == 0 {
		return errors.New("trainer: there are no data; want those of datasets.FromTensors, FromSlices or Load")
	}
	return nil
}

// isNil reports whether v is nil or a pointer that is nil.
func isNil(v any) bool {
	return v == nil || reflect.ValueOf(v).Kind() == reflect.Pointer && reflect.ValueOf(v).IsNil()
}

// addSplit declares the metrics of a split and prepares to compute them in the
// precision of the model.
func (e *Session) addSplit(split *datasets.Split, workers int) error {
	for row, label := range split.Labels {
		if classes := e.state.Model.Classes(); label < 0 || label >= classes {
			return fmt.Errorf("trainer: row %d of split %q has the label %d; the model has %d classes: want 0 to %d",
				row, split.Name, label, classes, classes-1)
		}
	}
	o, err := models.NewObjective(e.state.Model, e.state.Loss, split, models.ObjectiveSettings{
		Precision: models.Precision(e.state.Model), Workers: workers,
	})
	if err != nil {
		return err
	}
	s := splitObjective{split.Name, o, split.Labels != nil}
	e.objectives = append(e.objectives, s)
	declared := []Metric{{
		Name: LossOf(s.name), Heading: headingOf(s.name, "loss", "loss"), Better: Lower,
		Meaning: "mean " + e.state.Loss.Name() + " loss over the " + s.name + " split",
	}}
	if s.labelled {
		declared = append(declared, Metric{
			Name: AccuracyOf(s.name), Heading: headingOf(s.name, "accuracy", "acc"), Better: Higher,
			Meaning: "share of the " + s.name + " split that is classified rightly",
		})
	}
	return e.state.metrics.declareScheduled(evaluation{e.evaluate}, declared...)
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

// Stopped returns the stop that a hook requested, if one did.
func (e *Session) Stopped() (Stop, bool) { return e.state.Stopped() }

// begin tells the hooks that training begins.
func (e *Session) begin(ctx context.Context) error {
	if err := e.checkHooks(); err != nil {
		return err
	}
	e.state.started = time.Now()
	if err := e.checkModel(ctx); err != nil {
		return err
	}
	return fire(e.hooks, func(h TrainBeginner) error { return h.TrainBegin(ctx, e.state) })
}

// batchEnd tells the hooks that a step is complete.
func (e *Session) batchEnd(ctx context.Context, step int, loss float64) error {
	if err := e.checkBatch(ctx, step, loss); err != nil {
		return err
	}
	e.state.Step, e.state.BatchLoss = step, loss
	return fire(e.hooks, func(h BatchEnder) error { return h.BatchEnd(ctx, e.state) })
}

// trainEnd tells the hooks that training is over. Parameters that a hook put back
// are measured before hooks of the phases Record and Save are told.
func (e *Session) trainEnd(ctx context.Context) error {
	decided := 0 // hooks are in the order of their phases
	for decided < len(e.hooks) && phaseOf(e.hooks[decided]) <= Decide {
		decided++
	}
	end := func(h TrainEnder) error { return h.TrainEnd(ctx, e.state) }
	if err := fire(e.hooks[:decided], end); err != nil {
		return err
	}
	if err := e.measureRestored(ctx); err != nil {
		return err
	}
	return fire(e.hooks[decided:], end)
}

// interrupted tells the hooks that err ends training. It returns err joined with
// the errors of the hooks.
func (e *Session) interrupted(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	if errors.Is(err, models.ErrNotFinite) {
		e.state.snapshot = func() (*Checkpoint, error) { return nil, ErrAfterNotFinite }
	}
	errs := []error{err}
	// Call every hook, even after an error: one of them saves the run.
	for i := range e.hooks {
		errs = append(errs, fire(e.hooks[i:i+1], func(h Interrupted) error { return h.Interrupted(ctx, e.state, err) }))
	}
	return errors.Join(errs...)
}
