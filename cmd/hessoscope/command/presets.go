package command

import (
	"fmt"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
)

type presetsCmd struct {
	List  presetsListCmd  `cmd:"" default:"1" help:"List the experiments and sweeps that come with the command."`
	Print presetsPrintCmd `cmd:"" help:"Print an experiment or a sweep as YAML: the start of your own."`
}

type presetsListCmd struct{}

func (presetsListCmd) Run(out *output) error {
	presets := terminal.Table{Columns: []terminal.Column{{Heading: "PRESET"}, {Heading: "WHAT IT TRAINS", Text: true}}}
	for _, name := range experiment.PresetNames() {
		c, err := experiment.Load(name)
		if err != nil {
			return err
		}
		presets.Rows = append(presets.Rows, []string{name, c.Description})
	}
	sweeps := terminal.Table{Columns: []terminal.Column{{Heading: "SWEEP"}, {Heading: "WHAT IT COMPARES", Text: true}}}
	for _, name := range sweep.Names() {
		p, err := sweep.Load(name)
		if err != nil {
			return err
		}
		sweeps.Rows = append(sweeps.Rows, []string{name, p.Description})
	}
	if err := presets.Write(out.stdout); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out.stdout); err != nil {
		return err
	}
	return sweeps.Write(out.stdout)
}

type presetsPrintCmd struct {
	Preset string `arg:"" complete:"presets sweeps" help:"Name of the experiment or sweep."`
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
