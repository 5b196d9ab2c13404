package experiment

import "github.com/hessoscope/hessoscope/models"

// LossName is the name of a loss in experiments and flags.
type LossName string

// Validate returns an error if there is no loss of this name.
func (l LossName) Validate() error {
	_, err := models.LossNamed(string(l))
	return err
}

// Loss returns the loss of this name. If there is none, it returns nil, which means
// the default.
func (l LossName) Loss() models.Loss {
	loss, _ := models.LossNamed(string(l))
	return loss
}
