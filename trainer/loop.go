package trainer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// ErrStopped is wrapped by the errors of BatchEnd and EpochEnd after a hook has
// stopped the run: the loop should have ended.
var ErrStopped = errors.New("trainer: the run was stopped")

// rightLoop is the right order of calls, for errors.
const rightLoop = "want Begin(ctx); for epoch := 1; epoch <= N; epoch++ { …; EpochEnd(ctx, epoch, step); break if Stopped() }; End(ctx)" +
	"; or, all in one, for epoch := range session.Epochs(ctx) { … }"

// loop is how far the loop of a Session's caller has come.
type loop struct {
	status  status
	resumed bool               // whether Restore was called
	ranging bool               // whether the body of a loop over Epochs is running
	open    bool               // whether the stages of the current epoch's end are not all done
	atEnd   bool               // whether the parameters are known to be those of the end of the current epoch
	over    bool               // whether the last epoch's end was that of the last epoch
	stepped int                // Step at the end of the last epoch
	pending map[string]float64 // values of Record for the end of the epoch
	own     map[string]bool    // names of the metrics of Declare and Record
	err     error              // first error, for Epochs
}

// status is what was called so far.
type status int

const (
	unbegun status = iota
	begun
	ended
)

func (s status) String() string {
	return []string{"before Begin", "after Begin", "after the end of the session"}[s]
}

// expect returns an error unless there is a context, the session is one of
// NewSession, and its status is one of want.
func (e *Session) expect(ctx context.Context, call string, want ...status) error {
	if e == nil || e.state == nil {
		return fmt.Errorf("trainer: %s of a session that NewSession has not made; look at the error that it returned", call)
	}
	if ctx == nil {
		return e.fail(fmt.Errorf("trainer: %s with a nil context; want context.Background(), or one that can be cancelled", call))
	}
	if slices.Contains(want, e.status) {
		return nil
	}
	return e.fail(fmt.Errorf("trainer: %s %v; %s", call, e.status, rightLoop))
}

// fail keeps the first error for Err, and returns err.
func (e *Session) fail(err error) error {
	if e.err == nil {
		e.err = err
	}
	return err
}

// Epochs returns the numbers of the epochs to train, for a range statement around
// the body of a training loop: from 1, or the epoch after that of a checkpoint, to
// the planned number. It calls Begin, EpochEnd after each turn of the body, and
// End, and it ends the loop when a hook stops the run or after the first error,
// also of other methods, which Err returns. If the number of epochs is not known,
// the body ends the loop by a break. The epoch in which it does is the last and
// counts as complete.
//
// An epoch in which the body does not call BatchEnd counts as
// SessionSettings.Steps steps, or as one if that is zero.
func (e *Session) Epochs(ctx context.Context) iter.Seq[int] {
	return func(yield func(epoch int) bool) {
		if e == nil || e.state == nil {
			return // Err says so
		}
		if err := e.eachEpoch(ctx, yield); err != nil && ctx != nil {
			e.err = e.Interrupted(ctx, err)
		}
	}
}

// Err returns the first error of the loop over Epochs, nil if there was none.
func (e *Session) Err() error {
	if err := e.expect(context.Background(), "Err", unbegun, begun, ended); err != nil {
		return err
	}
	return e.err
}

func (e *Session) eachEpoch(ctx context.Context, yield func(epoch int) bool) error {
	if e.err != nil {
		return e.err
	}
	if ctx == nil || e.status != begun {
		if err := e.Begin(ctx); err != nil {
			return err
		}
	}
	for left := false; !left && !e.over; {
		e.atEnd = true // nothing has been trained since EpochEnd
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("trainer: epoch %d: %w", e.state.Epoch, err)
		}
		if err := fire(e.hooks, func(h EpochBeginner) error { return h.EpochBegin(ctx, e.state) }); err != nil {
			return err
		}
		epoch, before := e.state.Epoch+1, e.state.Step
		e.ranging, e.atEnd = true, false
		left = !yield(epoch)
		e.ranging = false
		if e.err != nil || e.status == ended {
			return e.err
		}
		if left {
			e.state.RequestStop(Stop{Reason: Requested, By: byLoop, Detail: fmt.Sprintf("the loop was left in epoch %d", epoch)})
		}
		step := e.state.Step
		if step == before {
			step += max(e.state.Steps, 1)
		}
		if err := e.epochEnd(ctx, epoch, step); err != nil {
			return err
		}
	}
	return e.End(ctx)
}

// byLoop is the By of a Stop that no hook requested: the loop ended by itself.
const byLoop = "loop"

// Begin tells the hooks that training begins, and ends epoch 0: it evaluates and
// measures the untrained network. After Restore it continues with the end of the
// epoch of the checkpoint.
func (e *Session) Begin(ctx context.Context) error {
	if err := e.expect(ctx, "Begin", unbegun); err != nil {
		return err
	}
	e.status = begun
	if e.resumed {
		clear(e.pending) // of the untrained network
	}
	if err := e.begin(ctx); err != nil {
		return e.fail(err)
	}
	return e.finishEpoch(ctx)
}

// BatchEnd tells the hooks that a training step is complete. Step is the number
// of steps so far, 1 after the first, and loss the mean loss of the mini-batch. A
// loss that is NaN or infinite is an error that wraps models.ErrNotFinite.
func (e *Session) BatchEnd(ctx context.Context, step int, loss float64) error {
	if err := e.expect(ctx, fmt.Sprintf("BatchEnd of step %d", step), begun); err != nil {
		return err
	}
	switch s := e.state; {
	case e.over:
		return e.tooLate(fmt.Sprintf("BatchEnd of step %d", step))
	case step <= s.Step:
		return e.fail(fmt.Errorf("trainer: BatchEnd of step %d after step %d; count the steps from 1, through all epochs", step, s.Step))
	case math.IsNaN(loss) || math.IsInf(loss, 0):
		return e.fail(fmt.Errorf("trainer: step %d: the loss of the mini-batch is %g: %w", step, loss, models.ErrNotFinite))
	}
	if err := e.batchEnd(ctx, step, loss); err != nil {
		return e.fail(err)
	}
	return nil
}

// tooLate returns the error of a call after the end of the last epoch.
func (e *Session) tooLate(call string) error {
	s := e.state
	if s.stop == nil {
		return e.fail(fmt.Errorf("trainer: %s after epoch %d of %d that are planned; set SessionSettings.Epochs to the number of the loop, or to 0 if it is not known",
			call, s.Epoch, s.Epochs))
	}
	return e.fail(fmt.Errorf("%w at epoch %d by %s, and %s comes later; break out of the loop when session.Stopped() says so, or let session.Epochs count the epochs",
		ErrStopped, s.Epoch, s.stop.By, call))
}

// EpochEnd announces that epoch epochs and step steps are complete, both counted
// from 1. It evaluates the splits and runs the hooks that are EpochEnders. Epochs
// may be left out, but must count up and end with the planned number. After a hook
// has stopped the run, EpochEnd does nothing but return an error that wraps
// ErrStopped. If EpochEnd itself fails, it may be called again for the same epoch,
// and goes on with the hook that failed.
func (e *Session) EpochEnd(ctx context.Context, epoch, step int) error {
	call := fmt.Sprintf("EpochEnd of epoch %d", epoch)
	if err := e.expect(ctx, call, begun); err != nil {
		return err
	}
	s := e.state
	again := e.open && epoch == s.Epoch && step == s.Step
	var err error
	switch {
	case e.ranging:
		err = fmt.Errorf("trainer: %s in the body of a loop over Epochs, which calls it", call)
	case e.over:
		return e.tooLate(call)
	case epoch == 0:
		err = fmt.Errorf("trainer: %s: epoch 0 is the untrained network, which Begin has measured; count the epochs from 1; %s", call, rightLoop)
	case epoch <= s.Epoch && !again:
		err = fmt.Errorf("trainer: %s after epoch %d; call it once for each epoch, which count up from 1; %s", call, s.Epoch, rightLoop)
	case s.Epochs > 0 && epoch > s.Epochs:
		err = fmt.Errorf("trainer: %s of %d that are planned; set SessionSettings.Epochs to the number of the loop, or to 0 if it is not known", call, s.Epochs)
	case step < s.Step:
		err = fmt.Errorf("trainer: %s at step %d after step %d; step is the number of steps so far, through all epochs", call, step, s.Step)
	}
	if err != nil {
		return e.fail(err)
	}
	return e.epochEnd(ctx, epoch, step)
}

func (e *Session) epochEnd(ctx context.Context, epoch, step int) error {
	s := e.state
	if epoch > s.Epoch {
		if train, err := s.Data.Split(datasets.Train); err == nil {
			s.work += float64((epoch - s.Epoch) * train.Len())
		}
		e.stage = 0 // an error may have ended the previous epoch at a later stage
	}
	s.Epoch, s.Step = epoch, step
	return e.finishEpoch(ctx)
}

// finishEpoch records the values of Record and runs the stages of the epoch's end.
func (e *Session) finishEpoch(ctx context.Context) error {
	e.open, e.atEnd = true, true
	for _, name := range slices.Sorted(maps.Keys(e.pending)) {
		if err := e.state.Record(name, e.pending[name]); err != nil {
			return e.fail(err)
		}
	}
	clear(e.pending)
	if err := e.end(ctx); err != nil {
		return e.fail(err)
	}
	e.open, e.atEnd, e.over, e.stepped = false, false, e.state.Final(), e.state.Step
	return nil
}

// End tells the hooks that training is over. If the last epoch was not known to be
// the last, End first measures what is due then, and records it again.
func (e *Session) End(ctx context.Context) error {
	if err := e.expect(ctx, "End", begun); err != nil {
		return err
	}
	s := e.state
	switch {
	case e.ranging:
		return e.fail(errors.New("trainer: End in the body of a loop over Epochs, which calls it"))
	case e.stepped < s.Step:
		return e.fail(fmt.Errorf("trainer: End at step %d, %d steps after epoch %d; call EpochEnd for the epoch that they belong to", s.Step, s.Step-e.stepped, s.Epoch))
	case len(e.pending) > 0:
		return e.fail(fmt.Errorf("trainer: End after Record of %q, which belongs to no epoch; call Record before EpochEnd", slices.Sorted(maps.Keys(e.pending))[0]))
	}
	if !e.over {
		if err := e.becomeFinal(ctx); err != nil {
			return e.fail(err)
		}
	}
	e.atEnd = true
	if err := e.trainEnd(ctx); err != nil {
		return e.fail(err)
	}
	e.status, e.atEnd = ended, false
	e.leaveHooks()
	return nil
}

// becomeFinal measures what is due because the current epoch turns out to be the
// last.
func (e *Session) becomeFinal(ctx context.Context) error {
	s := e.state
	defer func() { s.held = 0 }()
	s.ended = true
	recorded := s.metrics.recorded
	for _, stage := range append([]func(context.Context) error{e.evaluateAgain}, e.phase(Measure)...) {
		if err := stage(ctx); err != nil {
			s.ended = false // so that End may be called again
			return err
		}
	}
	e.over = true
	if s.Epoch < s.Epochs {
		s.RequestStop(Stop{Reason: Requested, By: byLoop, Detail: fmt.Sprintf("the loop ended after epoch %d of %d", s.Epoch, s.Epochs)})
	}
	if s.metrics.recorded == recorded {
		return nil
	}
	for _, stage := range e.phase(Record) {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Interrupted tells the hooks that err ends training, also one of your own. It
// returns err joined with the errors of the hooks. The session has then ended.
func (e *Session) Interrupted(ctx context.Context, err error) error {
	if wrong := e.expect(ctx, "Interrupted", unbegun, begun, ended); wrong != nil {
		return errors.Join(err, wrong)
	}
	if err == nil {
		return e.fail(errors.New("trainer: Interrupted without an error; End ends a session that was not interrupted"))
	}
	if e.status == ended {
		return err
	}
	e.status = ended
	defer e.leaveHooks()
	return e.interrupted(ctx, err)
}
