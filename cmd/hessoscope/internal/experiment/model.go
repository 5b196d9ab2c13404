package experiment

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// BuildModel makes the model that training starts from.
func (c *Config) BuildModel(data *datasets.Dataset) (*models.MLP, error) {
	m, err := c.fresh(data)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Model.Weights != "":
		arrays, err := weights.Read(c.Model.Weights)
		if err != nil {
			return nil, err
		}
		if err := models.Import(m.Parameters(), arrays); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Model.Weights, err)
		}
	case c.Model.NormOf != "":
		other, err := models.LoadMLP(c.Model.NormOf, m.Activation())
		if err != nil {
			return nil, err
		}
		return m, models.Rescale(m, models.Norm(other))
	}
	return m, nil
}

// maxParameters is 1 GiB of float64. Training keeps some copies of it, and
// measuring some vectors a pair.
const maxParameters = 1 << 27

// fresh makes a model with parameters drawn from the seed.
func (c *Config) fresh(data *datasets.Dataset) (*models.MLP, error) {
	parameters, in := 0.0, float64(data.Width())
	for _, out := range append(slices.Clone(c.Model.Hidden), len(data.Classes)) {
		parameters += (in + 1) * float64(out)
		in = float64(out)
	}
	if parameters > maxParameters {
		return nil, &trainer.FieldError{Field: "model.hidden", Problem: fmt.Sprintf(
			"%v makes %.4g parameters, %.3g GB; want at most %d", c.Model.Hidden, parameters, parameters*8/1e9, maxParameters)}
	}
	precision := tensor.Float64
	if c.Model.Precision == "float32" {
		precision = tensor.Float32
	}
	return models.NewMLP(models.MLPConfig{
		Input: data.Width(), Hidden: c.Model.Hidden, Classes: len(data.Classes),
		Activation: c.Model.Activation, Init: c.Model.Init, Precision: precision,
	}, trainer.Stream(c.Seed, "init", 0))
}
