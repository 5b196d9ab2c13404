package experiment

import (
	"errors"
	"fmt"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Lock locks a folder that a process trains into: that of a run, of a sweep, or of the
// paper's figures. Whoever only reads needs no lock. If another process trains into the
// folder, the error says which. A link in the folder that leads out of it is an error.
func Lock(dir string) (*durable.Lock, error) {
	if err := durable.CheckInside(dir); err != nil {
		return nil, err
	}
	l, err := durable.TryLock(record.Folder(dir).Lock())
	var locked *durable.LockedError
	if errors.As(err, &locked) {
		return nil, fmt.Errorf("%s is being trained by %s", dir, locked.Holder)
	}
	return l, err
}
