package trainer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// A Hook watches a training run. Besides Hook it implements any of the optional
// interfaces Phased, Meter, Scheduled, RestoredMeter, Resetter and Snapshotter, and those of the
// events that it listens to, such as EpochEnder. A hook must not change the
// model, the data or the progress in the State, and it draws random numbers only
// from streams of its own. When training ends, it may put back the parameters of
// an earlier epoch; it then calls State.SetRestored.
//
// A hook does not change the exported fields that its user set. Resolved
// defaults and everything it remembers of a run are in unexported fields. A
// Resetter clears them when the next run is created, so that the same value can
// serve several runs, one after another.
//
// Within a phase, hooks run in the order in which they were given. An error ends
// the run and is returned wrapped with the hook's name. An EpochEnder that
// returns the error of a cancelled context must not have changed its own state:
// when the run is resumed, it is called again, while the hooks before it are not.
// After an error in any other event, that event is repeated for all hooks or for
// none.
type Hook interface {
	// Name is unique among the hooks of a run.
	Name() string
}

// Phase orders hooks at the end of an epoch.
type Phase int

// The phases. A hook that is not Phased belongs to the phase Measure.
const (
	Measure Phase = iota // records metrics
	Decide               // reads metrics and may request a stop
	Record               // writes metrics where people and programs read them
	Save                 // writes checkpoints
)

// The optional interfaces of a Hook.
type (
	// A Phased hook chooses its phase.
	Phased interface{ Phase() Phase }
	// A Meter declares the metrics that the hook records.
	Meter interface{ Metrics() []Metric }
	// A RestoredMeter measures the parameters that a hook put back when training
	// ended, so that they are known as well as those of a last epoch. During the call
	// Epoch and Step of the State are those of these parameters, LearningRate is 0,
	// Final is true, no metric is fresh, and what is recorded goes to Restored.Metrics alone. Afterwards
	// the hook, if it is a Snapshotter, is restored to its state before the call.
	RestoredMeter interface {
		MeasureRestored(ctx context.Context, s *State) error
	}
	// A Resetter clears everything that it remembers of an earlier run. Reset
	// is called when a Session or Trainer is created, before Restore.
	Resetter interface{ Reset() }
	// A Snapshotter has state that belongs in a checkpoint; EncodeState and
	// DecodeState convert it to bytes and back. If the state refers to something
	// outside the checkpoint, such as an open file, Snapshot also makes that
	// durable.
	Snapshotter interface {
		Snapshot() ([]byte, error)
		Restore([]byte) error
	}
)

// phaseOf returns the phase of a hook.
func phaseOf(h Hook) Phase {
	if p, ok := h.(Phased); ok {
		return p.Phase()
	}
	return Measure
}

// ordered sorts hooks by phase and keeps their order within a phase. Two hooks
// of the same name are an error, and so is nil.
func ordered(hooks []Hook) ([]Hook, error) {
	for i, h := range hooks {
		if isNil(h) {
			return nil, fmt.Errorf("trainer: hook %d of %d is nil (%T); leave it out", i+1, len(hooks), h)
		}
	}
	hooks = slices.Clone(hooks)
	slices.SortStableFunc(hooks, func(a, b Hook) int { return cmp.Compare(phaseOf(a), phaseOf(b)) })
	for i, h := range hooks {
		for _, other := range hooks[:i] {
			if h.Name() == other.Name() {
				return nil, fmt.Errorf("trainer: two hooks are named %q; hooks need names of their own", h.Name())
			}
		}
	}
	return hooks, nil
}
