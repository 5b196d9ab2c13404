package sweep

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

// Limits of a sweep, far above practical needs.
const (
	maxRuns    = 10_000
	maxRunName = 150 // bytes; file systems allow 255
)

// A Plan is the content of the file of a sweep: every variant is trained at every
// point of the grid with every seed. Lists have the order of the file.
type Plan struct {
	Name        string      `yaml:"name"`
	Description string      `yaml:"description"`
	Experiment  string      `yaml:"experiment"` // a preset or a YAML file
	Set         assignments `yaml:"set"`        // settings of every run
	Grid        grid        `yaml:"grid"`
	Variants    variants    `yaml:"variants"`
	Seeds       seeds       `yaml:"seeds"` // the experiment's if empty
	Sample      sampling    `yaml:"sample"`

	file string // name of the file, for errors
	text []byte
}

// An assignment gives a setting a value, as --set does.
type assignment struct {
	key   string
	value any
	at    *token.Token // place of the value
}

type assignments []assignment

// An axis of a grid is a setting with a list of values, or with a range from which
// values are drawn.
type axis struct {
	key         string
	values      []any
	low, high   float64 // ends of the range, if values is nil
	logarithmic bool
	at          *token.Token // place of the values
}

type grid []axis

// A variant is a set of settings with a name.
type variant struct {
	Experiment string      `yaml:"experiment"` // the plan's if empty
	Set        assignments `yaml:"set"`
	Auxiliary  bool        `yaml:"auxiliary"` // not compared: serves only as a start of other variants

	name string
	at   *token.Token // place of the name
}

type variants []variant

type seeds []uint64

// sampling chooses points of the grid at random.
type sampling struct {
	Points int    `yaml:"points"` // all if 0
	Seed   uint64 `yaml:"seed"`
}

// at returns an error with the place of a token in the file.
func (p *Plan) at(t *token.Token, format string, args ...any) error {
	return fmt.Errorf("%s: %w", strictyaml.Position(p.file, t), fmt.Errorf(format, args...))
}

func (p *Plan) variant(name string) *variant {
	if i := slices.Index(p.variantNames(), name); i >= 0 {
		return &p.Variants[i]
	}
	return nil
}

func (p *Plan) variantNames() []string {
	names := make([]string, len(p.Variants))
	for i, v := range p.Variants {
		names[i] = v.name
	}
	return names
}

// source returns the name of the variant whose checkpoint is the value of an
// assignment, or "" if the value is not "@NAME".
func (a assignment) source() string {
	text, _ := a.value.(string)
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return ""
	}
	return name
}

var safeName = regexp.MustCompile(`^[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?$`)
