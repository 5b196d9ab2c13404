package callbacks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// EarlyStopping ends a run when a rule on its metrics holds or a function returns
// true, and can put back the best parameters. The trainer.Stop of the run has the
// kind of the rule that held and its metric. A loss that is not finite needs no
// rule: the trainer ends the run itself, with the reason trainer.NotFinite.
type EarlyStopping struct {
	// Rule is the condition on which to stop; the zero value never stops. It must
	// not monitor a metric of the test split. A run that is resumed with another rule
	// counts from there, as if the rule had begun at that epoch.
	Rule stopping.Rule
	// When, if not nil, is called at the end of every epoch. If it returns true,
	// the run stops, and detail explains why in one line. It must not change
	// anything.
	When func(s *trainer.State) (detail string, stop bool)
	// RestoreBest is the name of a metric. When training ends, the parameters of
	// the epoch at which it was best (the first of several) are put back into the
	// model, and trainer.State.Restored returns that epoch. If it is empty,
	// nothing is put back. The state of the optimizer remains that of the last
	// epoch, and an interrupted run continues where it was. The best epoch does
	// not depend on Rule: its MinDelta and StartEpoch are ignored.
	RestoreBest string
	// Log or Slog receives warnings about a rule that cannot stop the run. If both
	// are nil, they are written to standard error.
	Log  *logrus.Logger
	Slog *slog.Logger

	run earlyStop
}

// earlyStop is the state of an EarlyStopping during one run.
type earlyStop struct {
	log    journal
	watch  *stopping.Watch // nil before training begins, and if there is no rule
	better trainer.Direction
	memory earlyStoppingMemory
}

// earlyStoppingMemory is the part of earlyStop that checkpoints store.
type earlyStoppingMemory struct {
	Rule       string            // as JSON; empty in a checkpoint of an older version
	Conditions []stopping.Memory // memories of the rule's conditions; nil before training begins
	Best       *trainer.Reading  // best reading of the metric RestoreBest; nil before the first
	Parameters []weights.Array   // parameters and buffers at the epoch of Best
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

// TrainBegin implements trainer.TrainBeginner. It returns an error if a metric is
// not declared or its better direction is not known. It logs a warning if a
// metric will not be measured often enough for the rule to stop the run.
func (e *EarlyStopping) TrainBegin(ctx context.Context, s *trainer.State) error {
	var err error
	if e.run.log, err = newJournal(e.Log, e.Slog); err != nil {
		return err
	}
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
	if e.run.watch, err = stopping.NewWatch(e.Rule, s.Metric); err != nil {
		return err
	}
	rule, err := json.Marshal(e.Rule)
	if err != nil {
		return err
	}
	if was := e.run.memory.Rule; was != "" && was != string(rule) {
		e.run.memory.Conditions = nil
	}
	e.run.memory.Rule = string(rule)
	if e.run.memory.Conditions != nil { // the run is resumed
		if err := e.run.watch.Restore(e.run.memory.Conditions); err != nil {
			return err
		}
	}
	for _, short := range e.run.watch.Shortages(s.Times) {
		e.run.log.write(ctx, logrus.WarnLevel, short.Metric+" is not measured often enough before the last epoch for this rule to stop the run",
			logrus.Fields{"rule": short.Rule, "measured": short.Has, "needs": short.Needs})
	}
	return nil
}

// Check returns a *trainer.FieldError for the first field that TrainBegin would
// refuse.
func (e *EarlyStopping) Check(s *trainer.State) error {
	if !e.Rule.IsZero() {
		if _, err := stopping.NewWatch(e.Rule, s.Metric); err != nil {
			return trainer.Below("Rule", err)
		}
		if err := e.Rule.RefuseTest(); err != nil {
			return trainer.Below("Rule", err)
		}
	}
	if e.RestoreBest == "" {
		return nil
	}
	m, err := s.Metric(e.RestoreBest)
	if err == nil && m.Better == trainer.Neither {
		err = errors.New("neither lower nor higher values of it are better; choose another metric")
	}
	if trainer.IsOf(datasets.Test, e.RestoreBest) {
		err = errors.New("the test split must not decide which parameters are kept; choose a metric of another split")
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

// improve copies the parameters if the metric RestoreBest is better than at all
// earlier epochs.
func (e *EarlyStopping) improve(s *trainer.State) {
	value, fresh := s.Fresh(e.RestoreBest)
	if !fresh || !improves(e.run.memory.Best, value, e.run.better) {
		return
	}
	e.run.memory.Best = &trainer.Reading{Value: value, Epoch: s.Epoch, Step: s.Step}
	e.run.memory.Parameters = models.Export(models.State(s.Model))
}

// TrainEnd implements trainer.TrainEnder. It puts back the best parameters.
func (e *EarlyStopping) TrainEnd(ctx context.Context, s *trainer.State) error {
	e.improve(s) // the metric may have been measured only after the run was stopped
	e.warnNever(ctx, s)
	best := e.run.memory.Best
	if best == nil || best.Epoch == s.Epoch {
		return nil
	}
	if err := models.Import(models.State(s.Model), e.run.memory.Parameters); err != nil {
		return err
	}
	s.SetRestored(trainer.Restored{Metric: e.RestoreBest, Reading: *best})
	return nil
}

// restoresEarlier reports whether TrainEnd will put back the parameters of an earlier
// epoch if the run ends at the current one; false if that is not known yet.
func (e *EarlyStopping) restoresEarlier(s *trainer.State) bool {
	best := e.run.memory.Best
	value, fresh := s.Fresh(e.RestoreBest)
	return best != nil && best.Epoch < s.Epoch && fresh && !improves(best, value, e.run.better)
}

// warnNever logs a warning for each metric that was never recorded in the run.
func (e *EarlyStopping) warnNever(ctx context.Context, s *trainer.State) {
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
			e.run.log.write(ctx, logrus.WarnLevel, name+" was never measured in this run: early stopping by it did nothing", nil)
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
