package command

import (
	"context"
	"io"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
)

// Exit statuses.
const (
	exitUnsound     = 1
	exitFault       = sweep.Fault
	exitInterrupted = 130
)

// output is where commands write: results that people read or pipe to stdout,
// progress to stderr.
type output struct {
	stdout, stderr io.Writer
}

// interruption is the error of a cancelled context, without its text.
type interruption struct{ howToResume string }

func (i interruption) Error() string      { return i.howToResume }
func (interruption) Is(target error) bool { return target == context.Canceled }
