package sweep

import (
	"cmp"
	"embed"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

// plans are the sweeps that come with the command.
//
//go:embed plans/*.yaml
var plans embed.FS

// Names returns the names of the sweeps that come with the command.
func Names() []string { return strictyaml.Names(plans) }

// Load reads a plan: a YAML file if name ends like one or is the path of one, and
// otherwise a sweep that comes with the command.
func Load(name string) (*Plan, error) {
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" || strings.ContainsRune(name, filepath.Separator) {
		text, err := strictyaml.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return Parse(name, text)
	}
	text, err := plans.ReadFile("plans/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no sweep and no file %q%s", name, suggest.Nearest(name, Names()))
	}
	return Parse("sweep "+name, text)
}

// Parse strictly reads the text of a plan. Every error has its place in the file and
// says what is valid.
func Parse(file string, text []byte) (*Plan, error) {
	p := &Plan{file: file, text: text}
	if err := strictyaml.Parse(file, text, p, "`hessoscope presets print regimes` shows what it may hold"); err != nil {
		return nil, err
	}
	if err := p.validate(); err != nil {
		return nil, strictyaml.Placed(file, text, err)
	}
	if err := cmp.Or(p.checkRanges(), p.checkKeys(), p.checkSources()); err != nil {
		return nil, err
	}
	return p, nil
}

// Text returns the text from which the plan was read.
func (p *Plan) Text() []byte { return p.text }
