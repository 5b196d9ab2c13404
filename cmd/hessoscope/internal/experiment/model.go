package experiment

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// mlp is the type of the built-in model.
const mlp = "mlp"

func (m *Model) isMLP() bool { return !m.isNetwork() && (m.Type == "" || m.Type == mlp) }

// BuildModel returns the model with the parameters from which training starts.
func (c *Config) BuildModel(data *datasets.Dataset) (models.Model, error) {
	m, err := c.fresh(data)
	if err != nil {
		return nil, c.file.placed(err)
	}
	switch {
	case c.Model.Weights != "" && c.Model.isMLP():
		return m, importMLP(m.(*models.MLP), c.Model.Weights)
	case c.Model.Weights != "":
		return m, importFile(m, c.Model.Weights)
	case c.Model.NormOf != "":
		other, err := c.LoadModel(c.Model.NormOf, data)
		if err != nil {
			return nil, err
		}
		return m, models.Rescale(m, models.Norm(other))
	}
	return m, nil
}

// LoadModel reads a trained model of the experiment's type from a file of
// weights, such as a checkpoint. The widths of an MLP are those of the file.
func (c *Config) LoadModel(path string, data *datasets.Dataset) (models.Model, error) {
	if c.Model.isMLP() {
		return models.LoadMLP(path, cmp.Or(c.Model.Activation, models.ReLU))
	}
	m, err := c.fresh(data)
	if err != nil {
		return nil, err
	}
	return m, importFile(m, path)
}

// importMLP sets the parameters of an MLP to those of the layers in a file, whatever
// the names of these are.
func importMLP(m *models.MLP, path string) error {
	arrays, err := weights.Read(path)
	if err != nil {
		return err
	}
	other, err := models.InferMLP(arrays, m.Activation()) // which the file does not tell
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	arrays = models.Export(other.Parameters())
	for i, p := range m.Parameters() {
		if len(arrays) != len(m.Parameters()) || !slices.Equal(arrays[i].Shape, p.Value.Shape()) {
			return fmt.Errorf("%s: is an %v; want an %v", path, other, m)
		}
		arrays[i].Name = p.Name
	}
	return models.Import(m.Parameters(), arrays)
}

// importFile sets the parameters and the buffers of a model to those in a file.
func importFile(m models.Model, path string) error {
	arrays, err := weights.Read(path)
	if err != nil {
		return err
	}
	if err := models.Import(models.State(m), arrays); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// fresh returns a model with random parameters, drawn with the seed.
func (c *Config) fresh(data *datasets.Dataset) (models.Model, error) {
	precision := Precision(c.Model.Precision)
	rng := trainer.Stream(c.Seed, "init", 0)
	switch {
	case c.Model.isMLP():
		return c.freshMLP(data, precision, rng)
	case c.Model.isNetwork():
		return c.freshNetwork(data, precision, rng)
	}
	build, err := models.BuilderNamed(c.Model.Type)
	if err != nil {
		return nil, &trainer.FieldError{Field: "model.type", Problem: err.Error()}
	}
	m, err := build(models.Spec{
		InputShape: data.Shape, Classes: len(data.Classes), Precision: precision,
		Options: func(into any) error { return strictyaml.Fill("model.options", c.Model.Options, into) },
	}, rng)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", c.Model.Type, err)
	}
	return m, nil
}

// maxParameters is the number of float64 in 1 GiB. Training keeps several copies of
// the parameters, and a measurement several vectors of their size per eigenpair.
const maxParameters = 1 << 27

func (c *Config) freshMLP(data *datasets.Dataset, precision tensor.Dtype, rng *rand.Rand) (models.Model, error) {
	parameters, in := 0.0, float64(data.Width())
	for _, out := range append(slices.Clone(c.Model.Hidden), len(data.Classes)) {
		parameters += (in + 1) * float64(out)
		in = float64(out)
	}
	if parameters > maxParameters {
		return nil, &trainer.FieldError{Field: "model.hidden", Problem: fmt.Sprintf(
			"%v makes %.4g parameters, %.3g GB; want at most %d", c.Model.Hidden, parameters, parameters*8/1e9, maxParameters)}
	}
	return models.NewMLP(models.MLPConfig{
		Input: data.Width(), Hidden: c.Model.Hidden, Classes: len(data.Classes),
		Activation: c.Model.Activation, Init: c.Model.Init, Precision: precision,
	}, rng)
}
