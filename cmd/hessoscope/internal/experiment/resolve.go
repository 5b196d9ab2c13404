package experiment

import (
	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Resolve sets the settings that were left out to their defaults, so that the
// config.yaml of a run has all settings.
func (c *Config) Resolve() {
	if c.Model.isMLP() {
		setDefault(&c.Model.Activation, models.ReLU)
	}
	if c.Model.isMLP() || c.Model.isNetwork() {
		setDefault(&c.Model.Init, models.PyTorch)
	}
	setDefault(&c.Model.Precision, "float64")
	setDefault(&c.Training.Loss, LossName(models.CrossEntropy.Name()))
	setDefault(&c.Training.Rate.Schedule, "constant")
	setDefault(&c.Training.Optimizer.Name, "sgd")
	setDefault(&c.Spectrum.Matrix, analysis.Hessian)
	setDefault(&c.Spectrum.Precision, "float64")
	setDefault(&c.Checkpoint.Seconds, 10)
	if c.Training.Evaluate.IsZero() {
		c.Training.Evaluate.Every = 1
	}
	for _, s := range []*trainer.Schedule{&c.Spectrum.Schedule, &c.Margin.Schedule} {
		if s.IsZero() {
			*s = callbacks.DefaultSchedule()
		}
	}
}

func setDefault[T comparable](setting *T, value T) {
	var zero T
	if *setting == zero {
		*setting = value
	}
}
