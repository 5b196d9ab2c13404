package trainer

import (
	"context"
	"fmt"
)

// The events of a run that a Hook may listen to.
type (
	// TrainBeginner is called before the first epoch, and again, after
	// Restore, when a run is resumed.
	TrainBeginner interface {
		TrainBegin(context.Context, *State) error
	}
	// TrainEnder is called after the last epoch of a run that was not
	// interrupted.
	TrainEnder interface {
		TrainEnd(context.Context, *State) error
	}
	// EpochBeginner is called before the first batch of an epoch.
	EpochBeginner interface {
		EpochBegin(context.Context, *State) error
	}
	// EpochEnder is called at the end of an epoch, epoch 0 included. A hook of
	// the Measure phase is called a second time when a Decide hook stops the
	// run, so that it can measure the last epoch if it has not yet.
	EpochEnder interface {
		EpochEnd(context.Context, *State) error
	}
	// BatchEnder is called after each training step.
	BatchEnder interface {
		BatchEnd(context.Context, *State) error
	}
	// ValidationEnder is called when the splits have been evaluated, before
	// the hooks of the epoch's end.
	ValidationEnder interface {
		ValidationEnd(context.Context, *State) error
	}
	// Interrupted is called when the run ends by an error, a cancelled
	// context included, with a context that is not cancelled.
	Interrupted interface {
		Interrupted(context.Context, *State, error) error
	}
)

// fire calls one event of all hooks that have it, in order.
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
