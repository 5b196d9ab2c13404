package trainer

import (
	"context"
	"errors"

	"github.com/hessoscope/hessoscope/models"
)

// Stop says why a run ended.
type Stop struct {
	Reason Reason `json:"reason"`
	By     string `json:"by,omitempty"`     // the hook that asked for it
	Rule   string `json:"rule,omitempty"`   // the kind of its rule, if it has rules: "patience"
	Metric string `json:"metric,omitempty"` // the metric that the rule watches, if it watches one
	Detail string `json:"detail,omitempty"` // an explanation of one line
}

// Reason is the kind of a Stop.
type Reason string

// The reasons.
const (
	Completed Reason = "completed"   // all planned epochs are done
	Requested Reason = "requested"   // a hook asked for it
	Diverged  Reason = "diverged"    // at the end, for either of these, the training loss is far above that of the start; see State.Ended
	Cancelled Reason = "interrupted" // the context was cancelled; the run can be resumed
	NotFinite Reason = "not_finite"  // a loss or gradient was NaN or infinite; the model is that of the epoch before
	Failed    Reason = "failed"      // something else went wrong
)

// StopOf returns the Stop of a run that ended with the error err.
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
