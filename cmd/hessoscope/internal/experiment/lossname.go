package experiment

import "github.com/hessoscope/hessoscope/models"

// LossName is the name of a loss, in experiments and flags.
type LossName string

// Validate returns an error unless there is a loss of that name.
func (l LossName) Validate() error {
	_, err := models.LossNamed(string(l))
	return err
}

// Loss returns the loss of that name. It is nil, which means the default, if
// there is none.
func (l LossName) Loss() models.Loss {
	loss, _ := models.LossNamed(string(l))
	return loss
}
