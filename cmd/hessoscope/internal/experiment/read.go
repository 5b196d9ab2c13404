package experiment

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

// Load reads a YAML file, if name looks like one or is one, else a preset.
func Load(name string) (*Config, error) {
	ext := filepath.Ext(name)
	info, err := os.Stat(name)
	if isPath := strings.ContainsRune(name, filepath.Separator); err == nil && info.IsDir() && isPath {
		return nil, fmt.Errorf("%s is a folder; want a YAML file, or --resume to go on with a run", name)
	} else if ext == ".yaml" || ext == ".yml" || err == nil && isPath {
		return Read(name)
	}
	data, err := Preset(name)
	if err != nil {
		return nil, err
	}
	return Parse("preset "+name, data)
}

// Read reads an experiment from a file. The name of the file is that of the
// experiment if it has none.
func Read(path string) (*Config, error) {
	data, err := os.ReadFile(path)
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
	return c, nil
}

// Parse reads an experiment strictly and validates it: every error tells its
// place in the file of that name, and what would be right.
func Parse(name string, data []byte) (*Config, error) {
	c := new(Config)
	if err := strictyaml.Parse(name, data, c, "`hessoscope presets print iris` shows what it may hold"); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, strictyaml.Placed(name, data, err)
	}
	return c, nil
}

// Set changes settings: "training.epochs=50". The values are YAML. What becomes
// of the experiment is not validated.
func (c *Config) Set(assignments ...string) error {
	for _, assignment := range assignments {
		key, value, ok := strings.Cut(assignment, "=")
		line, _, _ := strings.Cut(assignment, "\n")
		where := "--set " + line
		if !ok {
			return fmt.Errorf("%s: want key=value, such as training.epochs=50", where)
		}
		if err := strictyaml.Assign(c, where, key, value); err != nil {
			return err
		}
	}
	return nil
}
