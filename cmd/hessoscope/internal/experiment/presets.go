package experiment

import (
	"embed"
	"fmt"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

// presets are the experiments that come with the command.
//
//go:embed presets/*.yaml
var presets embed.FS

// PresetNames returns the names of the experiments that come with the command.
func PresetNames() []string { return strictyaml.Names(presets) }

// Preset returns the text of an experiment that comes with the command.
func Preset(name string) ([]byte, error) {
	data, err := presets.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no preset and no file %q%s", name, suggest.Nearest(name, PresetNames()))
	}
	return data, nil
}
