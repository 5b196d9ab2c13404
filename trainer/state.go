package trainer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// State is what hooks see of a run.
type State struct {
	Model models.Model
	Data  *datasets.Dataset
	Loss  models.Loss
	Seed  uint64

	Epoch        int     // epochs completed; 0 before training
	Epochs       int     // epochs planned; 0 if not known
	Step         int     // training steps completed
	Steps        int     // training steps an epoch; 0 if not known
	LearningRate float64 // of the current epoch; 0 if not known
	BatchLoss    float64 // mean loss of the last mini-batch, before its step

	hooks    []Hook
	work     float64
	metrics  metrics
	stop     *Stop
	restored *Restored
	started  time.Time
	before   time.Duration // spent before the run was resumed
	snapshot func() (*Checkpoint, error)
}

// Hooks are all hooks of the run, in the order in which they are called.
func (s *State) Hooks() []Hook { return slices.Clone(s.hooks) }

// Elapsed is the time the run has taken so far, over all its sessions.
func (s *State) Elapsed() time.Duration {
	if s.started.IsZero() {
		return s.before
	}
	return s.before + time.Since(s.started)
}

// Work is what training and evaluation have cost so far, in gradients of one
// sample, of which a forward pass is about a third.
func (s *State) Work() float64 { return s.work }

// Final tells whether this is the end of the last epoch: of all that were
// planned, or because a stop was requested.
func (s *State) Final() bool {
	return s.stop != nil || s.Epochs > 0 && s.Epoch >= s.Epochs
}

// RequestStop asks for the run to end after this epoch. The first request
// counts.
func (s *State) RequestStop(stop Stop) {
	if s.stop == nil {
		s.stop = &stop
	}
}

// Stopped returns the stop that was requested, if one was.
func (s *State) Stopped() (Stop, bool) {
	if s.stop == nil {
		return Stop{}, false
	}
	return *s.stop, true
}

// SetRestored tells the other hooks that the parameters are those of an
// earlier epoch from now on. It is for a hook that puts them back at the
// train's end, the one time that a hook may change them.
func (s *State) SetRestored(r Restored) { s.restored = &r }

// Restored returns of which epoch the parameters are, if that is an earlier
// one than Epoch.
func (s *State) Restored() (Restored, bool) {
	if s.restored == nil {
		return Restored{}, false
	}
	return *s.restored, true
}

// Checkpoint captures all that is needed to go on from here.
func (s *State) Checkpoint() (*Checkpoint, error) { return s.snapshot() }

// Stop tells why a run ended.
type Stop struct {
	Reason Reason `json:"reason"`
	By     string `json:"by,omitempty"`     // the hook that asked for it
	Rule   string `json:"rule,omitempty"`   // the kind of its rule, if it has rules: "patience"
	Metric string `json:"metric,omitempty"` // that the rule is about, if it is one
	Detail string `json:"detail,omitempty"` // one line
}

// Restored tells that the parameters at the end of a run are those of an
// earlier epoch.
type Restored struct {
	Metric  string `json:"metric"` // whose best epoch it is
	Reading        // the metric's value there, and the epoch
}

// Reason is the kind of a Stop.
type Reason string

// The reasons.
const (
	Completed Reason = "completed"   // all planned epochs are done
	Requested Reason = "requested"   // a hook asked for it
	Cancelled Reason = "interrupted" // the context was cancelled; the run can be resumed
	NotFinite Reason = "not_finite"  // a loss or gradient was NaN or infinite; the epoch before is kept
	Failed    Reason = "failed"      // something else went wrong
)

// StopOf tells why a run ended that ended by err.
func StopOf(err error) Stop {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Stop{Reason: Cancelled}
	case errors.Is(err, models.ErrNotFinite):
		return Stop{Reason: NotFinite, Detail: err.Error()}
	default:
		return Stop{Reason: Failed, Detail: err.Error()}
	}
}
