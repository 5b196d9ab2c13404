package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// presets are the experiments that come with the command.
//
//go:embed experiments/*.yaml
var presets embed.FS

func presetNames() []string { return embeddedNames(presets) }

// embeddedNames are those of the YAML files that a folder of the command holds.
func embeddedNames(folder embed.FS) []string {
	files, _ := fs.Glob(folder, "*/*.yaml") // the pattern is right, so there is no error
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return names
}

func readPreset(name string) ([]byte, error) {
	data, err := presets.ReadFile("experiments/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no preset and no file %q%s", name, suggest.Nearest(name, presetNames()))
	}
	return data, nil
}

// loadExperiment reads a YAML file, if name looks like one or is one, else a
// preset.
func loadExperiment(name string) (*config, error) {
	ext := filepath.Ext(name)
	info, err := os.Stat(name)
	if isPath := strings.ContainsRune(name, filepath.Separator); err == nil && info.IsDir() && isPath {
		return nil, fmt.Errorf("%s is a folder; want a YAML file, or --resume to go on with a run", name)
	} else if ext == ".yaml" || ext == ".yml" || err == nil && isPath {
		return readConfig(name)
	}
	data, err := readPreset(name)
	if err != nil {
		return nil, err
	}
	return parseConfig("preset "+name, data)
}

// data loads the data set that the configuration names.
func (c *config) data(ctx context.Context) (*datasets.Dataset, error) {
	data, err := c.source(ctx)
	if err != nil || !c.Data.Standardize {
		return data, err
	}
	return data.Standardize()
}

func (c *config) source(ctx context.Context) (*datasets.Dataset, error) {
	d := c.Data
	if d.Seed == 0 && (d.Samples > 0 || d.TestSamples > 0 || d.RandomLabels) {
		d.Seed = c.Seed
	}
	if d.CSV != "" {
		return datasets.ReadCSV(d.CSV, datasets.CSVOptions{Label: d.Label, Split: d.Split, Features: d.Features})
	}
	return datasets.Load(ctx, d.Set, datasets.Options{
		Samples: d.Samples, TestSamples: d.TestSamples, Seed: d.Seed, Noise: d.Noise, RandomLabels: d.RandomLabels,
		Classes: d.Classes, PerClass: d.PerClass, DataDir: d.DataDir,
	})
}

// build makes the model that training starts from.
func (c *config) build(data *datasets.Dataset) (*models.MLP, error) {
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
func (c *config) fresh(data *datasets.Dataset) (*models.MLP, error) {
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
