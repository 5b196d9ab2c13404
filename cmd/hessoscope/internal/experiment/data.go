package experiment

import (
	"context"

	"github.com/hessoscope/hessoscope/datasets"
)

// LoadData loads the data set that the configuration names.
func (c *Config) LoadData(ctx context.Context) (*datasets.Dataset, error) {
	data, err := c.source(ctx)
	if err != nil || !c.Data.Standardize {
		return data, err
	}
	return data.Standardize()
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
		Categorical: d.Categorical, Missing: d.Missing, Shares: d.SplitShares, Seed: splits,
		Classes: d.Classes, PerClass: d.PerClass,
	})
	if err == nil && d.RandomLabels {
		err = data.PermuteLabels(d.Seed)
	}
	return data, err
}
