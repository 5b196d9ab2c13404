package experiment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/trainer"
)

// Load reads a YAML file if name ends in .yaml or .yml, or is a path with a
// separator to an existing file. Otherwise name is that of a preset.
func Load(name string) (*Config, error) {
	c, err := load(name)
	if err != nil {
		return nil, err
	}
	c.Begun = Begun{Experiment: name}
	return c, nil
}

func load(name string) (*Config, error) {
	ext := filepath.Ext(name)
	info, err := os.Stat(name)
	if isPath := strings.ContainsRune(name, filepath.Separator); err == nil && info.IsDir() && isPath {
		return nil, fmt.Errorf("%s is a folder; want a YAML file, or --resume to continue a run", name)
	} else if ext == ".yaml" || ext == ".yml" || err == nil && isPath {
		return Read(name)
	}
	data, err := Preset(name)
	if err != nil {
		return nil, err
	}
	return Parse("preset "+name, data)
}

// Read reads an experiment from a file. An experiment without a name gets that of
// the file.
func Read(path string) (*Config, error) {
	data, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	if c.Name == "" {
		c.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	return c, c.locate(filepath.Dir(path))
}

// Parse reads an experiment strictly and validates it. Every error has the place in
// the file, whose name is name, and says what is valid.
func Parse(name string, data []byte) (*Config, error) {
	c := new(Config)
	if err := strictyaml.Parse(name, data, c, "`hessoscope presets print iris` shows what it may hold"); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, strictyaml.Placed(name, data, err)
	}
	c.file = source{name, data}
	return c, nil
}

// source is the YAML that an experiment was read from.
type source struct {
	name string
	text []byte
}

// placed prefixes a *trainer.FieldError with its place in the source, if there is one.
func (s source) placed(err error) error {
	if field := (*trainer.FieldError)(nil); s.text == nil || !errors.As(err, &field) {
		return err
	}
	return strictyaml.Placed(s.name, s.text, err)
}

// Set changes settings: "training.epochs=50". The values are YAML. Set does not
// validate the resulting experiment.
func (c *Config) Set(assignments ...string) error {
	for _, assignment := range assignments {
		key, value, ok := strings.Cut(assignment, "=")
		where := fmt.Sprintf("--set %.80s", assignment)
		if strings.ContainsFunc(assignment, unicode.IsControl) { // an error is one line
			where = fmt.Sprintf("--set %.80q", assignment)
		}
		if !ok {
			return fmt.Errorf("%s: want key=value, such as training.epochs=50", where)
		}
		if within(key, "begun") {
			return fmt.Errorf("%s: tells how a run began and is not set; --out chooses the folder of runs", where)
		}
		if err := strictyaml.Assign(c, where, key, value); err != nil {
			return err
		}
		c.file = source{} // has another value
		c.Begun.Set = append(slices.Clip(c.Begun.Set), assignment)
	}
	return nil
}
