package callbacks

import (
	"context"
	"errors"
	"fmt"

	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// EarlyStopping ends a run when a rule on its metrics holds, or when a function
// says so, and puts the best parameters back. The trainer.Stop of the run tells
// the kind of the rule that
// held and its metric. That a loss is not finite ends a run without any rule:
// the trainer sees to it, and the reason is trainer.NotFinite.
type EarlyStopping struct {
	// Rule is when to stop; never if zero.
	Rule stopping.Rule
	// When, if not nil, is called at the end of every epoch, and stops the run
	// where it returns true, with one line that tells why. It must not change
	// anything.
	When func(s *trainer.State) (detail string, stop bool)
	// RestoreBest is the name of a metric. When the run is over, the parameters
	// of the epoch at which it was best, the first of equals, are put back into
	// the model, and trainer.State.Restored tells which epoch that was; nothing
	// is put back if empty. The optimizer's state stays that of the end, and an
	// interrupted run goes on from where it was. It is independent of Rule: its
	// MinDelta and StartEpoch choose no epoch.
	RestoreBest string
	// Log takes warnings about a rule that cannot stop the run. If nil, they are
	// lines on standard error.
	Log *logrus.Logger

	run earlyStop
}

// earlyStop is what an EarlyStopping knows of the present run.
type earlyStop struct {
	log    *logrus.Logger
	watch  *stopping.Watch // nil before training begins, and without a rule
	better trainer.Direction
	memory earlyStoppingMemory
}

// earlyStoppingMemory is the part of it that a checkpoint has.
type earlyStoppingMemory struct {
	Conditions []stopping.Memory // of the rule; none before training begins
	Best       *trainer.Reading  // nil before the first
	Parameters []weights.Array   // at Best
}

var (
	_ trainer.Phased        = (*EarlyStopping)(nil)
	_ trainer.TrainBeginner = (*EarlyStopping)(nil)
	_ trainer.EpochEnder    = (*EarlyStopping)(nil)
	_ trainer.TrainEnder    = (*EarlyStopping)(nil)
	_ trainer.Resetter      = (*EarlyStopping)(nil)
	_ trainer.Snapshotter   = (*EarlyStopping)(nil)
)

// Name implements trainer.Hook.
func (*EarlyStopping) Name() string { return "early_stopping" }

// Phase implements trainer.Phased.
func (*EarlyStopping) Phase() trainer.Phase { return trainer.Decide }

// TrainBegin implements trainer.TrainBeginner. A metric that is not declared,
// or of which it is not known what is better, is an error. That one will not be
// measured often enough for the rule to stop the run is a warning.
func (e *EarlyStopping) TrainBegin(_ context.Context, s *trainer.State) error {
	e.run.log = orStandardError(e.Log)
	if err := e.Check(s); err != nil {
		return err
	}
	if e.RestoreBest != "" {
		m, err := s.Metric(e.RestoreBest)
		if err != nil {
			return err
		}
		e.run.better = m.Better
	}
	if e.Rule.IsZero() {
		return nil
	}
	var err error
	if e.run.watch, err = stopping.NewWatch(e.Rule, s.Metric); err != nil {
		return err
	}
	if e.run.memory.Conditions != nil { // the run is resumed
		if err := e.run.watch.Restore(e.run.memory.Conditions); err != nil {
			return err
		}
	}
	for _, short := range e.run.watch.Shortages(s.Times) {
		e.run.log.WithFields(logrus.Fields{"rule": short.Rule, "measured": short.Has, "needs": short.Needs}).
			Warnf("%s is not measured often enough before the last epoch for this rule to stop the run", short.Metric)
	}
	return nil
}

// Check returns a *trainer.FieldError for what TrainBegin refuses.
func (e *EarlyStopping) Check(s *trainer.State) error {
	if !e.Rule.IsZero() {
		if _, err := stopping.NewWatch(e.Rule, s.Metric); err != nil {
			return trainer.Below("Rule", err)
		}
	}
	if e.RestoreBest == "" {
		return nil
	}
	m, err := s.Metric(e.RestoreBest)
	if err == nil && m.Better == trainer.Neither {
		err = errors.New("neither lower nor higher of it is better; choose another metric")
	}
	if err != nil {
		return &trainer.FieldError{Field: "RestoreBest", Problem: fmt.Sprintf("is %q: %v", e.RestoreBest, err)}
	}
	return nil
}

// EpochEnd implements trainer.EpochEnder.
func (e *EarlyStopping) EpochEnd(_ context.Context, s *trainer.State) error {
	e.improve(s)
	if e.When != nil {
		if detail, stop := e.When(s); stop {
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: e.Name(), Rule: "function", Detail: detail})
		}
	}
	if e.run.watch == nil {
		return nil
	}
	firing, err := e.run.watch.Observe(s.Epoch, s.Fresh)
	if err != nil || firing == nil {
		return err
	}
	s.RequestStop(trainer.Stop{
		Reason: trainer.Requested, By: e.Name(), Rule: string(firing.Kind), Metric: firing.Metric, Detail: firing.Detail,
	})
	return nil
}

// improve keeps the parameters if the metric to restore by is better than at
// all epochs before.
func (e *EarlyStopping) improve(s *trainer.State) {
	value, fresh := s.Fresh(e.RestoreBest)
	if !fresh || !improves(e.run.memory.Best, value, e.run.better) {
		return
	}
	e.run.memory.Best = &trainer.Reading{Value: value, Epoch: s.Epoch, Step: s.Step}
	e.run.memory.Parameters = models.Export(s.Model.Parameters())
}

// TrainEnd implements trainer.TrainEnder: the best parameters are put back.
func (e *EarlyStopping) TrainEnd(_ context.Context, s *trainer.State) error {
	e.improve(s) // what was measured only since the run was stopped
	e.warnNever(s)
	best := e.run.memory.Best
	if best == nil || best.Epoch == s.Epoch {
		return nil
	}
	if err := models.Import(s.Model.Parameters(), e.run.memory.Parameters); err != nil {
		return err
	}
	s.SetRestored(trainer.Restored{Metric: e.RestoreBest, Reading: *best})
	return nil
}

// warnNever tells which metrics there was no value of in the whole run.
func (e *EarlyStopping) warnNever(s *trainer.State) {
	var monitored []string
	if e.run.watch != nil {
		monitored = e.Rule.Metrics()
	}
	if e.RestoreBest != "" {
		monitored = append(monitored, e.RestoreBest)
	}
	warned := make(map[string]bool)
	for _, name := range monitored {
		if _, ok := s.Last(name); !ok && !warned[name] {
			warned[name] = true
			e.run.log.Warnf("%s was never measured in this run: early stopping by it did nothing", name)
		}
	}
}

// Snapshot implements trainer.Snapshotter.
func (e *EarlyStopping) Snapshot() ([]byte, error) {
	if e.run.watch != nil {
		e.run.memory.Conditions = e.run.watch.Memories()
	}
	return trainer.EncodeState(e.run.memory)
}

// Restore implements trainer.Snapshotter.
func (e *EarlyStopping) Restore(data []byte) error { return trainer.DecodeState(data, &e.run.memory) }

// Reset implements trainer.Resetter.
func (e *EarlyStopping) Reset() { e.run = earlyStop{} }
