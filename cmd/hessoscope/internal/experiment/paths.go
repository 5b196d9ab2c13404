package experiment

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/datasets"
)

// paths returns the settings that are paths, as far as they are set.
func (c *Config) paths() []*string {
	paths := []*string{&c.Data.CSV, &c.Data.DataDir, &c.Model.Weights, &c.Model.NormOf}
	if datasets.IsFile(c.Data.Set) {
		paths = append(paths, &c.Data.Set)
	}
	kept := paths[:0]
	for _, path := range paths {
		if *path != "" {
			kept = append(kept, path)
		}
	}
	return kept
}

// Absolute makes the paths in c absolute, and puts a network that is in a file in the
// place of its name.
func (c *Config) Absolute() error {
	if err := c.Model.inline(); err != nil {
		return err
	}
	for _, path := range c.paths() {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return nil
}

// recorded returns the experiment as it is written into the folder of its run: with the
// absolute paths relative to that folder, so that both can be moved together. A path
// that has no folder in common with it stays absolute.
func (c *Config) recorded(dir string) (*Config, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	r, folder := *c, Real(abs)
	for _, path := range r.paths() {
		file := Real(*path)
		relative, err := filepath.Rel(folder, file)
		if err != nil || top(file) != top(folder) {
			continue
		}
		r.Begun.Folder = folder
		if relative = filepath.ToSlash(relative); !strings.HasPrefix(relative, "../") {
			relative = "./" + relative
		}
		*path = relative
	}
	return &r, nil
}

// recordedYAML returns what recorded does, as YAML.
func (c *Config) recordedYAML(dir string) ([]byte, error) {
	r, err := c.recorded(dir)
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(r)
}

// recordedJSON returns what recorded does, as JSON.
func (c *Config) recordedJSON(dir string) ([]byte, error) {
	text, err := c.recordedYAML(dir)
	if err != nil {
		return nil, err
	}
	return yaml.YAMLToJSON(text)
}

// top returns the first folder of an absolute path, with its volume.
func top(path string) string {
	parts := strings.SplitN(filepath.ToSlash(path), "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// locate makes the relative paths in the config.yaml of a run absolute: they are
// relative to its folder as it is now or, if there is no such file, as it was. An
// experiment that is not of a run does not say where it was, and keeps its paths.
func (c *Config) locate(dir string) error {
	if c.Begun.Folder == "" {
		return nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, path := range c.paths() {
		*path = Located(abs, c.Begun.Folder, *path)
	}
	c.Begun.Folder = ""
	return nil
}

// Located returns the absolute path of a file that the config.yaml of a run names: the
// folder of the run is now, and was when the run began.
func Located(now, was, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	here, there := filepath.Join(Real(now), path), filepath.Join(was, path)
	if !exists(here) && exists(there) {
		return there
	}
	return here
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Real returns an absolute path without symbolic links, as far as it exists, so that
// two paths of a file are the same.
func Real(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	dir, base := filepath.Split(filepath.Clean(path))
	if base == "" || dir == "" {
		return path
	}
	return filepath.Join(Real(dir), base)
}
