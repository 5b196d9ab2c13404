package experiment

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/trainer"
)

// isNetwork reports whether the model is a network of layers.
func (m *Model) isNetwork() bool { return m.Name != "" || m.File != "" || m.Layers != nil }

// description returns the network of layers, for data with a number of classes. Its
// Input is nil if the data tell it.
func (m *Model) description(classes int) (d network.Description, err error) {
	switch {
	case m.File != "":
		f, err := readNetwork(m.File)
		if err != nil {
			return d, &trainer.FieldError{Field: "model.file", Problem: "is not usable: " + err.Error()}
		}
		return f.Description, nil
	case m.Name != "":
		if d, err = network.Named(m.Name, classes); err != nil {
			return d, &trainer.FieldError{Field: "model.name", Problem: err.Error()}
		}
		if m.Input != nil {
			d.Input = m.Input
		}
		return d, nil
	default:
		return network.Description{Input: m.Input, Layers: m.Layers}, nil
	}
}

// validateNetwork returns a *trainer.FieldError for a mistake in a network of layers,
// as far as it can be told without the data.
func (m *Model) validateNetwork() error {
	given := ""
	for _, f := range []struct {
		key string
		set bool
	}{{"name", m.Name != ""}, {"file", m.File != ""}, {"layers", m.Layers != nil}} {
		if f.set && given != "" {
			return &trainer.FieldError{Field: "model." + f.key, Problem: fmt.Sprintf("excludes %s: each of them describes a network", given)}
		}
		if f.set {
			given = f.key
		}
	}
	for _, f := range []struct {
		key, instead string
		set          bool
	}{
		{"type", "leave it out", m.Type != ""},
		{"options", "its settings are in the layers", m.Options != nil},
		{"hidden", "its widths are in the layers", m.Hidden != nil},
		{"activation", "its activations are layers", m.Activation != ""},
		{"input", "it is in the file", m.Input != nil && m.File != ""},
	} {
		if f.set {
			return &trainer.FieldError{Field: "model." + f.key, Problem: fmt.Sprintf("does not apply to a network of layers: %s", f.instead)}
		}
	}
	if m.Layers != nil && len(m.Layers) == 0 {
		return &trainer.FieldError{Field: "model.layers", Problem: "is empty; want layers"}
	}
	const anyClasses = 2
	d, err := m.description(anyClasses)
	if err != nil || d.Input == nil {
		return err
	}
	return fieldError("model.", d.Check())
}

// fieldError turns a mistake in a description below a key into a *trainer.FieldError.
func fieldError(below string, err error) error {
	var wrong *network.Error
	if errors.As(err, &wrong) {
		return &trainer.FieldError{Field: below + wrong.Path, Problem: wrong.Problem}
	}
	return err
}

// inline puts the network of a file in the place of its name.
func (m *Model) inline() error {
	if m.File == "" {
		return nil
	}
	d, err := m.description(0)
	if err != nil {
		return err
	}
	m.File, m.Input, m.Layers = "", d.Input, d.Layers
	return nil
}

// freshNetwork returns a network for data with random parameters.
func (c *Config) freshNetwork(data *datasets.Dataset, precision tensor.Dtype, rng *rand.Rand) (models.Model, error) {
	d, err := c.Model.description(len(data.Classes))
	if err != nil {
		return nil, err
	}
	if m := c.Model; m.Name != "" && m.Input == nil {
		d = sized(d, data)
	}
	n, err := newNetwork(d, data, network.Settings{Init: c.Model.Init, Precision: precision}, rng)
	if err == nil && n.Classes() != len(data.Classes) {
		err = &network.Error{
			Path:    fmt.Sprintf("layers[%d]", len(d.Layers)-1),
			Problem: fmt.Sprintf("is the last layer and has %d outputs; want %d, one for each class of %s", n.Classes(), len(data.Classes), data.Name),
		}
	}
	if err != nil {
		return nil, fieldError("model.", err)
	}
	return n, nil
}

// sized returns a ready-made network for images of the size of the data's, if they
// are told to be images.
func sized(d network.Description, data *datasets.Dataset) network.Description {
	if len(data.Shape) == len(d.Input) {
		d.Input = data.Shape
	}
	return d
}

// newNetwork returns a network that takes the samples of data.
func newNetwork(d network.Description, data *datasets.Dataset, s network.Settings, rng *rand.Rand) (*network.Network, error) {
	if d.Input == nil {
		d.Input = slices.Clone(data.Shape)
	}
	n, err := network.New(d, s, rng)
	if err == nil && tensor.Shape(d.Input).TotalSize() != data.Width() {
		err = &network.Error{Path: "input", Problem: fmt.Sprintf("is %v; a sample of %s has %d values, of shape %v", d.Input, data.Name, data.Width(), data.Shape)}
	}
	return n, err
}

// networkFile is a YAML file that describes a network.
type networkFile struct {
	name string
	text []byte
	network.Description
}

// readNetwork reads a network strictly. Every error has the place in the file.
func readNetwork(path string) (*networkFile, error) {
	text, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &networkFile{name: path, text: text}
	if err := strictyaml.Parse(path, text, &f.Description, "docs/networks.md shows what it may hold"); err != nil {
		return nil, err
	}
	if f.Input == nil { // the data tell it
		return f, nil
	}
	return f, f.placed(f.Check())
}

// placed returns an error with its place in the file.
func (f *networkFile) placed(err error) error {
	return strictyaml.Placed(f.name, f.text, fieldError("", err))
}

// LoadNetwork reads a trained network: its layers from a YAML file, or those of a
// ready-made network from its name, and its parameters from a file of weights.
func LoadNetwork(model, weights string, data *datasets.Dataset) (models.Model, error) {
	f := &networkFile{name: model}
	var err error
	if _, statErr := os.Stat(model); statErr == nil || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(model)) {
		f, err = readNetwork(model)
	} else if f.Description, err = network.Named(model, len(data.Classes)); err != nil {
		err = fmt.Errorf("no file and no ready-made network %q, which %w", model, err)
	} else {
		f.Description = sized(f.Description, data)
	}
	if err != nil {
		return nil, err
	}
	n, err := newNetwork(f.Description, data, network.Settings{}, trainer.Stream(0, "init", 0))
	if err != nil {
		return nil, f.placed(err)
	}
	return n, importFile(n, weights)
}
