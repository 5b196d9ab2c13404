package command

import (
	"context"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
)

// Exit statuses.
const (
	exitUnsound     = 1
	exitFault       = sweep.Fault
	exitInterrupted = 130
	exitPipe        = 141 // as of a program that ends by writing to a closed pipe
)

// interruption is a context.Canceled whose text says how to resume.
type interruption struct{ howToResume string }

func (i interruption) Error() string      { return i.howToResume }
func (interruption) Is(target error) bool { return target == context.Canceled }
