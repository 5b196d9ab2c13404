package trainer

import (
	"context"
	"fmt"
)

// The events of a run that a Hook may listen to.
type (
	// TrainBeginner is called before the first epoch. When a run is resumed, it
	// is called again, after Restore.
	TrainBeginner interface {
		TrainBegin(context.Context, *State) error
	}
	// TrainEnder is called after the last epoch of a run that was not
	// interrupted.
	TrainEnder interface {
		TrainEnd(context.Context, *State) error
	}
	// EpochBeginner is called before the first batch of an epoch, by a Trainer and
	// by Session.Epochs.
	EpochBeginner interface {
		EpochBegin(context.Context, *State) error
	}
	// EpochEnder is called at the end of an epoch, epoch 0 included. A hook of
	// the Measure phase is called a second time when a Decide hook stops the
	// run, so that it can measure the last epoch if it has not done so yet.
	EpochEnder interface {
		EpochEnd(context.Context, *State) error
	}
	// BatchEnder is called after each training step.
	BatchEnder interface {
		BatchEnd(context.Context, *State) error
	}
	// ValidationEnder is called after the splits have been evaluated, before
	// any EpochEnder.
	ValidationEnder interface {
		ValidationEnd(context.Context, *State) error
	}
	// Interrupted is called when an error or a cancelled context ends the run.
	// The context that it receives is not cancelled.
	Interrupted interface {
		Interrupted(context.Context, *State, error) error
	}
)

// fire calls event for every hook that implements the interface H, in order.
func fire[H any](hooks []Hook, event func(H) error) error {
	for _, h := range hooks {
		listener, ok := h.(H)
		if !ok {
			continue
		}
		if err := event(listener); err != nil {
			return fmt.Errorf("hook %s: %w", h.Name(), err)
		}
	}
	return nil
}
