package main

import "github.com/hessoscope/hessoscope/models"

// lossName is the name of a loss, in experiments and flags.
type lossName string

// Validate returns an error unless there is a loss of that name.
func (l lossName) Validate() error {
	_, err := models.LossNamed(string(l))
	return err
}

// loss returns the loss of that name. It is nil, which means the default, if
// there is none.
func (l lossName) loss() models.Loss {
	loss, _ := models.LossNamed(string(l))
	return loss
}
