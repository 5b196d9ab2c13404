package experiment

import (
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/trainer"
)

// Trainer returns the settings of the trainer but for the loss, which depends on the
// data: see Loss.
func (c *Config) Trainer() trainer.Config {
	t := c.Training
	return trainer.Config{
		Epochs: t.Epochs, BatchSize: t.BatchSize, Rate: t.Rate, Optimizer: t.Optimizer,
		ClipNorm: t.ClipNorm, Seed: c.Seed, Evaluate: t.Evaluate, Workers: c.Workers,
		Augmentation: c.Data.Augmentation,
	}
}

// Precision returns the type of a name, float64 or float32.
func Precision(name string) tensor.Dtype {
	if name == "float32" {
		return tensor.Float32
	}
	return tensor.Float64
}

// Solver returns the settings of the eigenvalue solver.
func (c *Config) Solver() curvature.Settings {
	s := c.Spectrum
	return curvature.Settings{Method: s.Method, Resolved: s.Resolved, Top: s.Top, Bottom: s.Bottom, Tolerance: s.Tolerance}
}

// Settings returns the settings of the complexity for package boundary.
func (c Complexity) Settings() boundary.ComplexitySettings {
	return boundary.ComplexitySettings{Epsilon: c.Epsilon, Alpha: c.Alpha, Statistic: c.Statistic, Vectors: c.Vectors}
}
