package trainer

import (
	"context"
	"errors"
	"fmt"

	"github.com/hessoscope/hessoscope/datasets"
)

// end runs the stages of an epoch's end, beginning with the first that is not
// done.
func (e *Session) end(ctx context.Context) error {
	if err := e.checkHooks(); err != nil {
		return err
	}
	defer func() { e.state.held = 0 }()
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
			if s := e.state; p == Record && s.held == 0 {
				s.held = s.Elapsed()
			} else if p != Record {
				s.held = 0
			}
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
	if err := e.recordSplits(ctx); err != nil {
		return err
	}
	if loss, ok := e.state.Fresh(LossOf(datasets.Train)); ok && e.state.start == nil {
		e.state.start = &loss
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

func (e *Session) recordSplits(ctx context.Context) error {
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
		if !s.labelled {
			continue
		}
		if err := e.state.Record(AccuracyOf(s.name), value.Accuracy); err != nil {
			return err
		}
	}
	return nil
}

// measureRestored evaluates and measures the parameters of an earlier epoch that a
// hook put back. All else is then as before, so that a run that is resumed after
// its end, or was killed here, does the same again.
func (e *Session) measureRestored(ctx context.Context) error {
	s := e.state
	if s.restored == nil {
		return nil
	}
	before := *s
	defer func() {
		s.metrics, s.Epoch, s.Step, s.LearningRate, s.ended = before.metrics, before.Epoch, before.Step, before.LearningRate, before.ended
	}()
	s.metrics.last = make(map[string]Reading)
	s.Epoch, s.Step, s.LearningRate, s.ended = s.restored.Epoch, s.restored.Step, 0, true
	if err := e.recordSplits(ctx); err != nil {
		return err
	}
	for _, h := range e.hooks {
		if err := remeasure(ctx, h, s); err != nil {
			return fmt.Errorf("hook %s: %w", h.Name(), err)
		}
	}
	s.restored.Metrics = make(map[string]float64)
	for name, r := range s.metrics.last {
		s.restored.Metrics[name] = r.Value
	}
	return nil
}

// remeasure calls a hook that is a RestoredMeter, and restores its state.
func remeasure(ctx context.Context, h Hook, s *State) error {
	meter, ok := h.(RestoredMeter)
	if !ok {
		return nil
	}
	snapshotter, ok := h.(Snapshotter)
	if !ok {
		return meter.MeasureRestored(ctx, s)
	}
	state, err := snapshotter.Snapshot()
	if err != nil {
		return err
	}
	return errors.Join(meter.MeasureRestored(ctx, s), snapshotter.Restore(state))
}

// evaluateAgain evaluates an epoch that became the last because a hook stopped
// the run, unless it was already evaluated.
func (e *Session) evaluateAgain(ctx context.Context) error {
	if _, done := e.state.Fresh(LossOf(e.objectives[0].name)); done {
		return nil
	}
	return e.evaluateSplits(ctx)
}
