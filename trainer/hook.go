package trainer

import (
	"cmp"
	"fmt"
	"slices"
)

// A Hook watches a training run. It implements Hook and any of the interfaces
// below. A hook must not change the model, the data or the State's progress,
// and draws random numbers only from streams of its own. When training ends, it
// may put the parameters of an earlier epoch back; it then calls
// State.SetRestored.
//
// The fields of a hook that its user set stay as they are. What a hook resolves
// or remembers is private; a Resetter forgets it when the next run is made, so
// that one value can be the hook of one run after another.
//
// Within a phase hooks run in the order they were given. An error ends the
// run and comes back wrapped with the hook's name. An EpochEnder that returns
// the error of a cancelled context must not have changed its own state: it is
// called again when the run is resumed, and those before it are not. After an
// error of another event, that event is repeated for all hooks or for none.
type Hook interface {
	// Name is unique among the hooks of a run.
	Name() string
}

// Phase orders hooks at the end of an epoch.
type Phase int

// The phases. A hook without a phase measures.
const (
	Measure Phase = iota // records metrics
	Decide               // reads metrics and may request a stop
	Record               // writes metrics where people and programs read them
	Save                 // writes checkpoints
)

// The optional interfaces of a Hook.
type (
	// Phased hooks tell their phase.
	Phased interface{ Phase() Phase }
	// A Meter declares the metrics that the hook records.
	Meter interface{ Metrics() []Metric }
	// A Resetter forgets all that it remembers of an earlier run. It is called
	// when a Session or Trainer is made, before Restore.
	Resetter interface{ Reset() }
	// A Snapshotter has state that belongs to a checkpoint; EncodeState and
	// DecodeState turn it into bytes and back. Snapshot makes durable whatever
	// the state refers to outside, such as an open file.
	Snapshotter interface {
		Snapshot() ([]byte, error)
		Restore([]byte) error
	}
)

func phaseOf(h Hook) Phase {
	if p, ok := h.(Phased); ok {
		return p.Phase()
	}
	return Measure
}

// ordered sorts hooks by phase, keeping their order within one.
func ordered(hooks []Hook) ([]Hook, error) {
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
