package experiment

import (
	"context"
	"fmt"
	"strings"

	"github.com/hessoscope/hessoscope/datasets"
)

// LoadData loads the data set that the configuration names.
func (c *Config) LoadData(ctx context.Context) (*datasets.Dataset, error) {
	data, err := c.source(ctx)
	if err == nil && c.Data.Standardize {
		data, err = data.Standardize()
	}
	if err != nil {
		return nil, err
	}
	if c.Model.Precision == "float32" {
		return data, data.CheckRange(maxInput32)
	}
	return data, data.CheckRange(MaxInput)
}

// The largest inputs, so that squares of the loss's second derivatives are finite in
// float64, and squares of its gradient in float32.
const (
	MaxInput   = 1e75
	maxInput32 = 1e18
)

// Load loads the data with settings such as "data.missing=median".
func (d Data) Load(ctx context.Context, settings ...string) (*datasets.Dataset, error) {
	c := &Config{Data: d}
	for _, s := range settings {
		if !strings.HasPrefix(s, "data.") {
			return nil, fmt.Errorf("--set %s: want a setting of the data, such as data.missing=median", s)
		}
	}
	if err := c.Set(settings...); err != nil {
		return nil, err
	}
	if len(settings) > 0 {
		if err := c.Data.validate(); err != nil {
			return nil, err
		}
	}
	return c.LoadData(ctx)
}

// source loads the data without standardizing them.
func (c *Config) source(ctx context.Context) (*datasets.Dataset, error) {
	d := c.Data
	splits := d.Seed // not the experiment's: runs of a sweep over seeds have the same splits
	if d.Seed == 0 && (d.Samples > 0 || d.TestSamples > 0 || d.RandomLabels) {
		d.Seed = c.Seed
	}
	if d.CSV != "" {
		return d.readCSV(splits)
	}
	return datasets.Load(ctx, d.Set, datasets.Options{
		Samples: d.Samples, TestSamples: d.TestSamples, Seed: d.Seed, Noise: d.Noise, RandomLabels: d.RandomLabels,
		Classes: d.Classes, PerClass: d.PerClass, DataDir: d.DataDir, MaxGB: d.MaxGB,
	})
}

// readCSV reads a table, of which the seed splits draws the splits.
func (d *Data) readCSV(splits uint64) (*datasets.Dataset, error) {
	data, err := datasets.ReadCSV(d.CSV, datasets.CSVOptions{
		Label: d.Label, Split: d.Split, Features: d.Features, Exclude: d.Exclude, Delimiter: d.Delimiter,
		Categorical: d.Categorical, Missing: d.Missing, Shares: d.SplitShares, Seed: splits, MaxGB: d.MaxGB,
		Classes: d.Classes, PerClass: d.PerClass,
	})
	if err == nil && d.RandomLabels {
		err = data.PermuteLabels(d.Seed)
	}
	return data, err
}
