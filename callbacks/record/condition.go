package record

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Condition is the condition of a run at some time: its status, or, of a run whose
// status is running but that no longer runs, Killed or Silent.
type Condition = Status

// The conditions that are no status in a file.
const (
	Killed Condition = "killed" // the process is gone; the run can be resumed from its last checkpoint
	Silent Condition = "silent" // on another computer, and not heard of for some time
)

// Quiet is the time after which a run that has not updated its record is no longer taken
// for alive, unless its process is. A measurement may take longer than that.
const Quiet = 15 * time.Second

// Condition returns the condition of the run at the time now.
func (r *Run) Condition(now time.Time) Condition {
	if r.Status != StatusRunning || now.Sub(r.Updated) < Quiet {
		return r.Status
	}
	name, err := os.Hostname()
	switch {
	case err != nil || name != r.Host.Name || r.Host.Process == 0:
		return Silent
	case exists(r.Host.Process):
		return StatusRunning
	default:
		return Killed
	}
}

// exists reports whether this computer has a process of that number.
func exists(process int) bool {
	p, err := os.FindProcess(process)
	if err != nil {
		return false
	}
	defer p.Release()
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) // other errors are of processes that exist
}
