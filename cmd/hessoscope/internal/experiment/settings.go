package experiment

import (
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/trainer"
)

// Trainer is the part of the configuration that the trainer takes.
func (c *Config) Trainer() trainer.Config {
	t := c.Training
	return trainer.Config{
		Epochs: t.Epochs, BatchSize: t.BatchSize, Rate: t.Rate, Optimizer: t.Optimizer,
		ClipNorm: t.ClipNorm, Loss: t.Loss.Loss(), Seed: c.Seed, Evaluate: t.Evaluate, Workers: c.Workers,
	}
}

// Solver is the part of the configuration that finds eigenvalues.
func (c *Config) Solver() curvature.Settings {
	s := c.Spectrum
	return curvature.Settings{Method: s.Method, Resolved: s.Resolved, Top: s.Top, Bottom: s.Bottom, Tolerance: s.Tolerance}
}

// Settings are those of the complexity as package boundary takes them.
func (c Complexity) Settings() boundary.ComplexitySettings {
	return boundary.ComplexitySettings{Epsilon: c.Epsilon, Alpha: c.Alpha, Statistic: c.Statistic, Vectors: c.Vectors}
}
