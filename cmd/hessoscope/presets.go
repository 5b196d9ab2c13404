package main

import (
	"fmt"
	"slices"
	"text/tabwriter"
)

type presetsCmd struct {
	List  presetsListCmd  `cmd:"" default:"1" help:"List the experiments and sweeps that come with the command."`
	Print presetsPrintCmd `cmd:"" help:"Print an experiment or a sweep as YAML: the start of your own."`
}

type presetsListCmd struct{}

func (presetsListCmd) Run(out *output) error {
	table := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PRESET\tWHAT IT TRAINS")
	for _, name := range presetNames() {
		c, err := loadExperiment(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\n", name, c.Description)
	}
	fmt.Fprintln(table, "\nSWEEP\tWHAT IT COMPARES")
	for _, name := range sweepNames() {
		file, data, err := readSweep(name)
		if err != nil {
			return err
		}
		p, err := parsePlan(file, data)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\n", name, p.Description)
	}
	return table.Flush()
}

type presetsPrintCmd struct {
	Preset string `arg:"" help:"Name of the experiment or sweep."`
}

func (c presetsPrintCmd) Run(out *output) error {
	data, err := readPreset(c.Preset)
	if slices.Contains(sweepNames(), c.Preset) {
		_, data, err = readSweep(c.Preset)
	}
	if err != nil {
		return err
	}
	_, err = out.stdout.Write(data)
	return err
}
