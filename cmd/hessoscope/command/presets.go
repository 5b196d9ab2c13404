package command

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
)

type presetsCmd struct {
	List  presetsListCmd  `cmd:"" default:"1" help:"List the experiments and sweeps that come with the command."`
	Print presetsPrintCmd `cmd:"" help:"Print an experiment or a sweep as YAML: the start of your own."`
}

type presetsListCmd struct{}

func (presetsListCmd) Run(out *output) error {
	table := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PRESET\tWHAT IT TRAINS")
	for _, name := range experiment.PresetNames() {
		c, err := experiment.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\n", name, c.Description)
	}
	fmt.Fprintln(table, "\nSWEEP\tWHAT IT COMPARES")
	for _, name := range sweep.Names() {
		p, err := sweep.Load(name)
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
	text, err := presetText(c.Preset)
	if err != nil {
		return err
	}
	_, err = out.stdout.Write(text)
	return err
}

// presetText returns the YAML of an experiment or a sweep.
func presetText(name string) ([]byte, error) {
	if !slices.Contains(sweep.Names(), name) {
		return experiment.Preset(name)
	}
	p, err := sweep.Load(name)
	if err != nil {
		return nil, err
	}
	return p.Text(), nil
}
