package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// config is an experiment: a YAML file, a preset, or the config.yaml of a run.
type config struct {
	Name        string           `yaml:"name"`
	Description string           `yaml:"description,omitempty"`
	Seed        uint64           `yaml:"seed"`
	Data        dataConfig       `yaml:"data"`
	Model       modelConfig      `yaml:"model"`
	Training    trainingConfig   `yaml:"training"`
	Spectrum    spectrumConfig   `yaml:"spectrum"`
	Log         logConfig        `yaml:"log,omitempty"`
	Checkpoint  checkpointConfig `yaml:"checkpoint"`
	Workers     int              `yaml:"workers,omitempty"` // chunks of data at once; one a CPU if 0
}

type dataConfig struct {
	Set          string   `yaml:"set,omitempty"`           // a built-in set: hessoscope datasets list
	CSV          string   `yaml:"csv,omitempty"`           // or a file
	Label        string   `yaml:"label,omitempty"`         // csv: column of the labels; "label" if empty
	Split        string   `yaml:"split,omitempty"`         // csv: column of the splits; "split" if empty
	Features     []string `yaml:"features,omitempty"`      // csv: columns of the inputs; all others if empty
	Standardize  bool     `yaml:"standardize,omitempty"`   // to mean 0, variance 1 of the training split
	Samples      int      `yaml:"samples,omitempty"`       // synthetic sets: generate so many instead of the paper's points
	Noise        float64  `yaml:"noise,omitempty"`         // synthetic sets: standard deviation
	RandomLabels bool     `yaml:"random_labels,omitempty"` // permute the labels of the training split
	Seed         uint64   `yaml:"seed,omitempty"`          // of generated points and random labels; the experiment's if 0
	Classes      []int    `yaml:"classes,omitempty"`       // mnist, iris: only these
	PerClass     int      `yaml:"per_class,omitempty"`     // mnist, iris: so many samples of each
	DataDir      string   `yaml:"dir,omitempty"`           // mnist: folder of the IDX files instead of the cache
}

type modelConfig struct {
	Hidden     []int             `yaml:"hidden,flow"`
	Activation models.Activation `yaml:"activation,omitempty"`
	Init       models.Init       `yaml:"init,omitempty"`
	Precision  string            `yaml:"precision,omitempty"` // float64 (the default) or float32
	Weights    string            `yaml:"weights,omitempty"`   // start from this file or checkpoint
	NormOf     string            `yaml:"norm_of,omitempty"`   // start fresh, rescaled to the norm of this file's weights
}

type trainingConfig struct {
	Epochs    int                     `yaml:"epochs"`
	BatchSize int                     `yaml:"batch_size,omitempty"` // the whole split if 0
	Loss      models.Loss             `yaml:"loss,omitempty"`
	Rate      trainer.Rate            `yaml:"rate"`
	Optimizer trainer.OptimizerConfig `yaml:"optimizer,omitempty"`
	ClipNorm  float64                 `yaml:"clip_norm,omitempty"`
	Evaluate  trainer.Schedule        `yaml:"evaluate,omitempty"` // every epoch if empty
}

type spectrumConfig struct {
	Off       bool             `yaml:"off,omitempty"`
	Schedule  trainer.Schedule `yaml:"schedule,omitempty"` // 20 epochs, log-spaced, if empty
	Method    curvature.Method `yaml:"method"`             // auto, dense or lanczos
	Top       int              `yaml:"top,omitempty"`      // largest pairs; 10 if 0
	Bottom    int              `yaml:"bottom,omitempty"`   // smallest pairs; 5 if 0, none if −1
	Tolerance float64          `yaml:"tolerance,omitempty"`
}

type logConfig struct {
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // about 20 epochs and every measurement, if empty
}

type checkpointConfig struct {
	Seconds  float64          `yaml:"seconds,omitempty"`  // between saves of last.npz; 10 if 0
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // epochs kept as files of their own
	Best     string           `yaml:"best,omitempty"`     // metric whose best epoch is kept as best.npz
}

// parseConfig reads an experiment strictly: every error tells its place in the
// file, and what would be right.
func parseConfig(name string, data []byte) (*config, error) {
	c := new(config)
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("%s: the file is empty; `hessoscope presets print iris` shows an experiment", name)
	}
	if err := yaml.UnmarshalWithOptions(data, c, yaml.Strict()); err != nil {
		return nil, yamlError(name, err)
	}
	if err := c.validate(); err != nil {
		var field *trainer.FieldError
		if errors.As(err, &field) {
			return nil, fmt.Errorf("%s: %w", place(name, data, field.Field), err)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// yamlError makes one line of a parser's error, with file, line and column.
func yamlError(name string, err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %s", name, problem(err))
	}
	return fmt.Errorf("%s: %s", position(name, at.GetToken()), problem(err))
}

// problem says in one line what a YAML parser did not like.
func problem(err error) string {
	var unknown *yaml.UnknownFieldError
	var mismatch *yaml.TypeError
	var at yaml.Error
	switch {
	case errors.As(err, &unknown):
		key := unknown.GetToken().Value
		return fmt.Sprintf("unknown key %q%s", key, suggest.Nearest(key, allKeys(reflect.TypeFor[config]())))
	case errors.As(err, &mismatch):
		return fmt.Sprintf("%q is not %s", mismatch.GetToken().Value, kindName(mismatch.DstType))
	case errors.As(err, &at):
		return firstLine(at.GetMessage())
	default:
		return firstLine(err.Error())
	}
}

// kindName is what to call values of a type to somebody who writes YAML.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list, such as [1, 2]"
	case reflect.Struct:
		return "a group of keys"
	default:
		return "a " + t.Kind().String()
	}
}

func position(name string, t *token.Token) string {
	if t == nil || t.Position == nil {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, t.Position.Line, t.Position.Column)
}

// place is the position of a key in a YAML file, or of the nearest one above
// it that is there.
func place(name string, data []byte, key string) string {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return name
	}
	for ; key != ""; key = key[:max(strings.LastIndex(key, "."), 0)] {
		path, err := yaml.PathString("$." + key)
		if err != nil {
			continue
		}
		if node, err := path.FilterFile(file); err == nil && node != nil {
			return position(name, node.GetToken())
		}
	}
	return name
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// set changes one setting: "training.epochs=50". The value is YAML.
func (c *config) set(assignment string) error {
	key, value, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("--set %s: want key=value, such as training.epochs=50", assignment)
	}
	field, err := lookup(reflect.ValueOf(c).Elem(), key)
	if err != nil {
		return fmt.Errorf("--set %s: %w", assignment, err)
	}
	fresh := reflect.New(field.Type())
	if err := yaml.UnmarshalWithOptions([]byte(value), fresh.Interface(), yaml.Strict()); err != nil {
		return fmt.Errorf("--set %s: %s", assignment, problem(err))
	}
	field.Set(fresh.Elem())
	return nil
}

// lookup finds the field of a YAML key with dots.
func lookup(v reflect.Value, key string) (reflect.Value, error) {
	first, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		if yamlKey(v.Type().Field(i)) != first {
			continue
		}
		switch field := v.Field(i); {
		case !nested:
			return field, nil
		case field.Kind() == reflect.Struct:
			return lookup(field, rest)
		default:
			return field, fmt.Errorf("%s has no keys below it", first)
		}
	}
	var keys []string
	for i := range v.NumField() {
		keys = append(keys, yamlKey(v.Type().Field(i)))
	}
	return v, fmt.Errorf("unknown key %q%s", first, suggest.Nearest(first, keys))
}

func yamlKey(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

// allKeys are the keys at all depths of a configuration.
func allKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		keys = append(keys, yamlKey(f))
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, allKeys(f.Type)...)
		}
	}
	return keys
}

// validate is an error, a *trainer.FieldError with the full key where one key
// is to blame, for settings that cannot be meant.
func (c *config) validate() error {
	wrong := func(field, problem string) error { return &trainer.FieldError{Field: field, Problem: problem} }
	switch {
	case (c.Data.Set == "") == (c.Data.CSV == ""):
		return wrong("data", "wants one of set and csv")
	case c.Name != "" && c.Name != filepath.Base(c.Name) || c.Name == "." || c.Name == "..":
		return wrong("name", fmt.Sprintf("is %q; want a name without slashes, it becomes a folder", c.Name))
	case c.Workers < 0:
		return wrong("workers", "is negative; want 0, for one a CPU, or more")
	case c.Model.Weights != "" && c.Model.NormOf != "":
		return wrong("model.norm_of", "excludes weights: a start is either taken over or rescaled")
	case !slices.Contains([]string{"", "float64", "float32"}, c.Model.Precision):
		return wrong("model.precision", fmt.Sprintf("is %q; want float64 or float32", c.Model.Precision))
	case slices.ContainsFunc(c.Model.Hidden, func(w int) bool { return w < 1 }):
		return wrong("model.hidden", "has a width below 1")
	case c.Spectrum.Top < 0 || c.Spectrum.Bottom < -1:
		return wrong("spectrum", "asks for a negative number of pairs")
	case !(c.Spectrum.Tolerance >= 0 && c.Spectrum.Tolerance < 1):
		return wrong("spectrum.tolerance", "is not between 0 and 1")
	case !(c.Checkpoint.Seconds >= 0):
		return wrong("checkpoint.seconds", "is negative; want 0, for the default, or more")
	}
	for _, f := range []struct {
		field string
		value interface{ Validate() error }
		unset bool
	}{
		{"model.activation", c.Model.Activation, c.Model.Activation == ""},
		{"model.init", c.Model.Init, c.Model.Init == ""},
		{"training.loss", c.Training.Loss, c.Training.Loss == ""},
	} {
		if err := f.value.Validate(); err != nil && !f.unset {
			return wrong(f.field, err.Error())
		}
	}
	return errors.Join(
		below("training", c.trainer().Validate()),
		below("training.evaluate", c.Training.Evaluate.Validate()),
		below("spectrum.schedule", c.Spectrum.Schedule.Validate()),
		below("log.schedule", c.Log.Schedule.Validate()),
		below("checkpoint.schedule", c.Checkpoint.Schedule.Validate()),
	)
}

// below puts the key of a *trainer.FieldError below another.
func below(key string, err error) error {
	var field *trainer.FieldError
	if !errors.As(err, &field) {
		return err
	}
	return &trainer.FieldError{Field: key + "." + field.Field, Problem: field.Problem}
}

// trainer is the part of the configuration that the trainer takes.
func (c *config) trainer() trainer.Config {
	t := c.Training
	return trainer.Config{
		Epochs: t.Epochs, BatchSize: t.BatchSize, Rate: t.Rate, Optimizer: t.Optimizer,
		ClipNorm: t.ClipNorm, Loss: t.Loss, Seed: c.Seed, Evaluate: t.Evaluate, Workers: c.Workers,
	}
}

// resolve puts the defaults in the place of settings that were left out, so
// that the config.yaml of a run tells all of them.
func (c *config) resolve() {
	setDefault(&c.Model.Activation, models.ReLU)
	setDefault(&c.Model.Init, models.PyTorch)
	setDefault(&c.Model.Precision, "float64")
	setDefault(&c.Training.Loss, models.CrossEntropy)
	setDefault(&c.Training.Rate.Schedule, "constant")
	setDefault(&c.Training.Optimizer.Name, "sgd")
	setDefault(&c.Spectrum.Top, 10)
	setDefault(&c.Spectrum.Bottom, 5)
	setDefault(&c.Spectrum.Tolerance, 1e-8)
	setDefault(&c.Checkpoint.Seconds, 10)
	if c.Training.Evaluate.IsZero() {
		c.Training.Evaluate.Every = 1
	}
	if c.Spectrum.Schedule.IsZero() {
		c.Spectrum.Schedule.Log = 20
	}
}

func setDefault[T comparable](setting *T, value T) {
	var zero T
	if *setting == zero {
		*setting = value
	}
}

// absolute makes the files that c names independent of the working directory,
// so that the config.yaml of a run can be used from anywhere.
func (c *config) absolute() error {
	for _, path := range []*string{&c.Data.CSV, &c.Data.DataDir, &c.Model.Weights, &c.Model.NormOf} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return nil
}

// readConfig reads an experiment from a file.
func readConfig(path string) (*config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(path, data)
	if err != nil {
		return nil, err
	}
	if c.Name == "" {
		c.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	return c, nil
}
