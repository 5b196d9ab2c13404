package callbacks

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// EarlyStopping ends a run when a rule on its metrics holds, and puts the best
// parameters back. The trainer.Stop of the run tells the kind of the rule that
// held and its metric. That a loss is not finite ends a run without any rule:
// the trainer sees to it, and the reason is trainer.NotFinite.
type EarlyStopping struct {
	// Rule is when to stop; never if zero.
	Rule stopping.Rule
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

	watch  *stopping.Watch // nil before training begins, and without a rule
	better trainer.Direction
	memory earlyStoppingMemory
}

// earlyStoppingMemory is the state of an EarlyStopping in a checkpoint.
type earlyStoppingMemory struct {
	Watch []byte           // JSON of a stopping.Watch; empty before training begins
	Best  *trainer.Reading // nil before the first
	// Parameters are those at Best.
	Parameters []weights.Array
}

var (
	_ trainer.Phased        = (*EarlyStopping)(nil)
	_ trainer.TrainBeginner = (*EarlyStopping)(nil)
	_ trainer.EpochEnder    = (*EarlyStopping)(nil)
	_ trainer.TrainEnder    = (*EarlyStopping)(nil)
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
	if e.Log == nil {
		e.Log = &logrus.Logger{Out: os.Stderr, Formatter: new(Table), Level: logrus.InfoLevel}
	}
	if err := e.Check(s); err != nil {
		return err
	}
	if e.RestoreBest != "" {
		m, err := s.Metric(e.RestoreBest)
		if err != nil {
			return err
		}
		e.better = m.Better
	}
	if e.Rule.IsZero() {
		return nil
	}
	var err error
	if e.watch, err = stopping.NewWatch(e.Rule, s.Metric); err != nil {
		return err
	}
	if len(e.memory.Watch) > 0 {
		if err := json.Unmarshal(e.memory.Watch, e.watch); err != nil {
			return err
		}
	}
	for _, short := range e.watch.Shortages(s.Times) {
		e.Log.WithFields(logrus.Fields{"rule": short.Rule, "measured": short.Has, "needs": short.Needs}).
			Warnf("%s is not measured often enough before the last epoch for this rule to stop the run", short.Metric)
	}
	return nil
}

// Check is a *trainer.FieldError, with a key below "when" or "restore_best",
// for what TrainBegin refuses.
func (e *EarlyStopping) Check(s *trainer.State) error {
	if !e.Rule.IsZero() {
		if _, err := stopping.NewWatch(e.Rule, s.Metric); err != nil {
			return trainer.Below("when", err)
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
		return &trainer.FieldError{Field: "restore_best", Problem: fmt.Sprintf("is %q: %v", e.RestoreBest, err)}
	}
	return nil
}

// EpochEnd implements trainer.EpochEnder.
func (e *EarlyStopping) EpochEnd(_ context.Context, s *trainer.State) error {
	e.improve(s)
	if e.watch == nil {
		return nil
	}
	firing, err := e.watch.Observe(s.Epoch, s.Fresh)
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
	if !fresh || !improves(e.memory.Best, value, e.better) {
		return
	}
	e.memory.Best = &trainer.Reading{Value: value, Epoch: s.Epoch, Step: s.Step}
	e.memory.Parameters = models.Export(s.Model.Parameters())
}

// TrainEnd implements trainer.TrainEnder: the best parameters are put back.
func (e *EarlyStopping) TrainEnd(_ context.Context, s *trainer.State) error {
	e.improve(s) // what was measured only since the run was stopped
	e.warnNever(s)
	best := e.memory.Best
	if best == nil || best.Epoch == s.Epoch {
		return nil
	}
	if err := models.Import(s.Model.Parameters(), e.memory.Parameters); err != nil {
		return err
	}
	s.SetRestored(trainer.Restored{Metric: e.RestoreBest, Reading: *best})
	return nil
}

// warnNever tells which metrics there was no value of in the whole run.
func (e *EarlyStopping) warnNever(s *trainer.State) {
	var monitored []string
	if e.watch != nil {
		monitored = e.Rule.Metrics()
	}
	if e.RestoreBest != "" {
		monitored = append(monitored, e.RestoreBest)
	}
	warned := make(map[string]bool)
	for _, name := range monitored {
		if _, ok := s.Last(name); !ok && !warned[name] {
			warned[name] = true
			e.Log.Warnf("%s was never measured in this run: early stopping by it did nothing", name)
		}
	}
}

// Snapshot implements trainer.Snapshotter.
func (e *EarlyStopping) Snapshot() ([]byte, error) {
	if e.watch != nil {
		var err error
		if e.memory.Watch, err = json.Marshal(e.watch); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(e.memory)
	return b.Bytes(), err
}

// Restore implements trainer.Snapshotter.
func (e *EarlyStopping) Restore(data []byte) error {
	var m earlyStoppingMemory
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&m); err != nil {
		return err
	}
	e.memory = m
	return nil
}
