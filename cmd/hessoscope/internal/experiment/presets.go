package experiment

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

// presets are the experiments that come with the command.
//
//go:embed presets/*.yaml
var presets embed.FS

// regimesText has the presets that are variants of others.
//
//go:embed regimes.yaml
var regimesText []byte

// regimes describes the presets SET_REGIME: the preset SET with some settings changed.
type regimes struct {
	Sets    []string `yaml:"sets"`
	Regimes []regime `yaml:"regimes"`
}

type regime struct {
	Name        string   `yaml:"name"`
	Description string   `yaml:"description"` // what follows the description of the set's preset
	Sets        []string `yaml:"sets"`        // all of regimes if empty
	Set         []string `yaml:"set"`         // assignments as of Config.Set; $SET stands for the name of the set

	Each map[string][]string `yaml:"each"` // further ones for some of the sets
}

// PresetNames returns the names of the experiments that come with the command: those of
// files, sorted, and then the regimes, each after those that it starts from.
func PresetNames() []string {
	names := strictyaml.Names(presets)
	all := readRegimes()
	for _, set := range all.Sets {
		for _, r := range all.Regimes {
			if r.appliesTo(set) {
				names = append(names, set+"_"+r.Name)
			}
		}
	}
	return names
}

// Preset returns the text of an experiment that comes with the command.
func Preset(name string) ([]byte, error) {
	if data, err := presets.ReadFile("presets/" + name + ".yaml"); err == nil {
		return data, nil
	}
	all := readRegimes()
	for _, set := range all.Sets {
		for _, r := range all.Regimes {
			if name == set+"_"+r.Name && r.appliesTo(set) {
				return r.of(set)
			}
		}
	}
	return nil, fmt.Errorf("no preset and no file %q%s", name, suggest.Nearest(name, PresetNames()))
}

func readRegimes() regimes {
	var all regimes
	if err := strictyaml.Parse("regimes.yaml", regimesText, &all, ""); err != nil {
		panic(err) // a part of the program
	}
	return all
}

func (r *regime) appliesTo(set string) bool {
	return len(r.Sets) == 0 || slices.Contains(r.Sets, set)
}

// of returns the text of the preset of a set in the regime.
func (r *regime) of(set string) ([]byte, error) {
	c, err := Load(set)
	if err != nil {
		return nil, err
	}
	c.Name = set + "_" + r.Name
	c.Description += ", " + r.Description
	for _, assignment := range slices.Concat(r.Set, r.Each[set]) {
		if err := c.Set(strings.ReplaceAll(assignment, "$SET", set)); err != nil {
			return nil, err
		}
	}
	text, err := yaml.Marshal(c)
	return append([]byte("# "+set+" "+r.Description+".\n"), text...), err
}
