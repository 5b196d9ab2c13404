package experiment

import (
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/datasets"
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

// Absolute makes the paths in c absolute, and puts a network that is in a file in the
// place of its name, so that the config.yaml of a run can be used from any working
// directory.
func (c *Config) Absolute() error {
	if err := c.Model.inline(); err != nil {
		return err
	}
	paths := []*string{&c.Data.CSV, &c.Data.DataDir, &c.Model.Weights, &c.Model.NormOf}
	if datasets.IsFile(c.Data.Set) {
		paths = append(paths, &c.Data.Set)
	}
	for _, path := range paths {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return nil
}
