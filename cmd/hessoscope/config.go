package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
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
	Complexity  complexityConfig `yaml:"complexity"`
	Margin      marginConfig     `yaml:"margin"`
	Log         logConfig        `yaml:"log,omitempty"`
	Stop        stopConfig       `yaml:"stop,omitempty"`
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
	TestSamples  int      `yaml:"test_samples,omitempty"`  // synthetic sets: so many fresh points instead of the paper's test split
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
	Loss      lossName                `yaml:"loss,omitempty"`
	Rate      trainer.Rate            `yaml:"rate"`
	Optimizer trainer.OptimizerConfig `yaml:"optimizer,omitempty"`
	ClipNorm  float64                 `yaml:"clip_norm,omitempty"`
	Evaluate  trainer.Schedule        `yaml:"evaluate,omitempty"` // every epoch if empty
}

type spectrumConfig struct {
	Off       bool             `yaml:"off,omitempty"`
	Schedule  trainer.Schedule `yaml:"schedule,omitempty"` // 20 epochs, log-spaced, for a tenth of the work, if empty
	Method    curvature.Method `yaml:"method"`             // auto, dense, lanczos, reduced or density
	Resolved  bool             `yaml:"resolved,omitempty"` // auto: by a method that finds all resolvable pairs
	Matrix    callbacks.Matrix `yaml:"matrix,omitempty"`   // hessian or gauss_newton
	Only      []string         `yaml:"only,omitempty"`     // layers or parameters; all if empty
	Samples   int              `yaml:"samples,omitempty"`  // of the training split to measure on, drawn by the seed; all if 0
	Top       int              `yaml:"top,omitempty"`      // largest pairs; C + 2 if 0
	Bottom    int              `yaml:"bottom,omitempty"`   // smallest pairs; none if 0 or −1
	Tolerance float64          `yaml:"tolerance,omitempty"`
}

type complexityConfig struct {
	Off       bool               `yaml:"off,omitempty"`
	Schedule  trainer.Schedule   `yaml:"schedule,omitempty"`  // which of the spectrum's epochs; all if empty
	Epsilon   float64            `yaml:"epsilon,omitempty"`   // calibrated if 0
	Alpha     float64            `yaml:"alpha,omitempty"`     // of the calibration; 0.05 if 0
	Statistic boundary.Statistic `yaml:"statistic,omitempty"` // max, or the paper's mean
	Vectors   boundary.Selection `yaml:"vectors,omitempty"`   // resolvable, or the paper's all
}

type marginConfig struct {
	Off      bool             `yaml:"off,omitempty"`
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // 20 epochs, log-spaced, the distances for a tenth of the work, if empty
	Samples  int              `yaml:"samples,omitempty"`  // of the training split whose distances are measured, drawn by the seed; all of at most 1000 if 0
}

func (c complexityConfig) settings() boundary.ComplexitySettings {
	return boundary.ComplexitySettings{Epsilon: c.Epsilon, Alpha: c.Alpha, Statistic: c.Statistic, Vectors: c.Vectors}
}

type logConfig struct {
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // about 20 epochs and every measurement, if empty
}

type stopConfig struct {
	When        stopping.Rule `yaml:"when,omitempty"`         // before the last epoch
	RestoreBest string        `yaml:"restore_best,omitempty"` // metric whose best epoch's parameters are put back at the end
}

type checkpointConfig struct {
	Seconds  float64          `yaml:"seconds,omitempty"`  // between saves of last.npz; 10 if 0
	Schedule trainer.Schedule `yaml:"schedule,omitempty"` // epochs kept as files of their own
	Best     string           `yaml:"best,omitempty"`     // metric whose best epoch is kept as best.npz
}

// maxSeconds is about 30 years: longer than a run, shorter than a
// time.Duration can hold.
const maxSeconds = 1e9

// validate is an error, a *trainer.FieldError with the full key where one key
// is to blame, for settings that cannot be meant.
func (c *config) validate() error {
	wrong := func(field, problem string) error { return &trainer.FieldError{Field: field, Problem: problem} }
	switch {
	case (c.Data.Set == "") == (c.Data.CSV == ""):
		return wrong("data", "wants one of set and csv")
	case c.Name != "" && c.Name != filepath.Base(c.Name) || c.Name == "." || c.Name == ".." || strings.ContainsFunc(c.Name, unicode.IsControl):
		return wrong("name", fmt.Sprintf("is %q; want a name without slashes, it becomes a folder", c.Name))
	case c.Workers < 0:
		return wrong("workers", "is negative; want 0, for one a CPU, or more")
	case c.Model.Weights != "" && c.Model.NormOf != "":
		return wrong("model.norm_of", "excludes weights: a start is either taken over or rescaled")
	case !slices.Contains([]string{"", "float64", "float32"}, c.Model.Precision):
		return wrong("model.precision", fmt.Sprintf("is %q; want float64 or float32", c.Model.Precision))
	case slices.ContainsFunc(c.Model.Hidden, func(w int) bool { return w < 1 }):
		return wrong("model.hidden", "has a width below 1")
	case !slices.Contains([]callbacks.Matrix{"", callbacks.Hessian, callbacks.GaussNewton}, c.Spectrum.Matrix):
		return wrong("spectrum.matrix", fmt.Sprintf("is %q; want %s or %s", c.Spectrum.Matrix, callbacks.Hessian, callbacks.GaussNewton))
	case c.Spectrum.Samples < 0:
		return wrong("spectrum.samples", fmt.Sprintf("is %d; want 0, for the whole split, or more", c.Spectrum.Samples))
	case c.Spectrum.Top < -1:
		return wrong("spectrum.top", fmt.Sprintf("is %d; want a number of pairs, or -1 for none", c.Spectrum.Top))
	case c.Spectrum.Bottom < -1:
		return wrong("spectrum.bottom", fmt.Sprintf("is %d; want a number of pairs, or -1 for none", c.Spectrum.Bottom))
	case c.Spectrum.Top == -1 && c.Spectrum.Bottom == -1:
		return wrong("spectrum", "asks for neither top nor bottom pairs; off: true switches it off")
	case !(c.Spectrum.Tolerance >= 0 && c.Spectrum.Tolerance < 1):
		return wrong("spectrum.tolerance", fmt.Sprintf("is %g; want a number between 0 and 1, or 0 for the default", c.Spectrum.Tolerance))
	case c.Margin.Samples < 0:
		return wrong("margin.samples", fmt.Sprintf("is %d; want 0, for all of at most %d, or more", c.Margin.Samples, callbacks.MarginSamples))
	case !(c.Checkpoint.Seconds >= 0 && c.Checkpoint.Seconds <= maxSeconds):
		return wrong("checkpoint.seconds", fmt.Sprintf("is %g; want 0, for the default, to %g", c.Checkpoint.Seconds, maxSeconds))
	}
	if err := c.Data.validate(); err != nil {
		return err
	}
	if !c.Stop.When.IsZero() {
		if err := c.Stop.When.Validate(); err != nil {
			return trainer.Below("stop.when", err)
		}
	}
	if err := c.Complexity.settings().Validate(); err != nil {
		return wrong("complexity", "has "+strings.TrimPrefix(err.Error(), "boundary: "))
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
	return cmp.Or(
		trainer.Below("training", c.trainer().Validate()),
		trainer.Below("training.evaluate", c.Training.Evaluate.Validate()),
		trainer.Below("spectrum.schedule", c.Spectrum.Schedule.Validate()),
		trainer.Below("complexity.schedule", c.Complexity.Schedule.Validate()),
		trainer.Below("margin.schedule", c.Margin.Schedule.Validate()),
		trainer.Below("log.schedule", c.Log.Schedule.Validate()),
		trainer.Below("checkpoint.schedule", c.Checkpoint.Schedule.Validate()),
	)
}

// validate is a *trainer.FieldError for a set that does not exist, and for
// settings that do not apply to the source of the data.
func (d *dataConfig) validate() error {
	source, allowed := "csv", []string{"Label", "Split", "Features"}
	if d.Set != "" {
		var names []string
		sets := datasets.List()
		for _, s := range sets {
			names = append(names, s.Name)
		}
		i := slices.Index(names, d.Set)
		if i < 0 {
			return &trainer.FieldError{Field: "data.set", Problem: fmt.Sprintf("is %.60q%s", d.Set, suggest.Nearest(d.Set, names))}
		}
		source, allowed = d.Set, sets[i].Options
	}
	for field, value := range reflect.ValueOf(d).Elem().Fields() {
		if value.IsZero() || slices.Contains([]string{"Set", "CSV", "Standardize"}, field.Name) || slices.Contains(allowed, field.Name) {
			continue
		}
		return &trainer.FieldError{Field: "data." + yamlKey(field), Problem: fmt.Sprintf("does not apply to %s; these do: %s", source, settings(allowed))}
	}
	return nil
}

// trainer is the part of the configuration that the trainer takes.
func (c *config) trainer() trainer.Config {
	t := c.Training
	return trainer.Config{
		Epochs: t.Epochs, BatchSize: t.BatchSize, Rate: t.Rate, Optimizer: t.Optimizer,
		ClipNorm: t.ClipNorm, Loss: t.Loss.loss(), Seed: c.Seed, Evaluate: t.Evaluate, Workers: c.Workers,
	}
}

// solver is the part of the configuration that finds eigenvalues.
func (c *config) solver() curvature.Settings {
	s := c.Spectrum
	return curvature.Settings{Method: s.Method, Resolved: s.Resolved, Top: s.Top, Bottom: s.Bottom, Tolerance: s.Tolerance}
}

// resolve puts the defaults in the place of settings that were left out, so
// that the config.yaml of a run tells all of them.
func (c *config) resolve() {
	setDefault(&c.Model.Activation, models.ReLU)
	setDefault(&c.Model.Init, models.PyTorch)
	setDefault(&c.Model.Precision, "float64")
	setDefault(&c.Training.Loss, lossName(models.CrossEntropy.Name()))
	setDefault(&c.Training.Rate.Schedule, "constant")
	setDefault(&c.Training.Optimizer.Name, "sgd")
	setDefault(&c.Spectrum.Tolerance, 1e-2)
	setDefault(&c.Spectrum.Matrix, callbacks.Hessian)
	setDefault(&c.Checkpoint.Seconds, 10)
	if c.Training.Evaluate.IsZero() {
		c.Training.Evaluate.Every = 1
	}
	for _, s := range []*trainer.Schedule{&c.Spectrum.Schedule, &c.Margin.Schedule} {
		if s.IsZero() {
			*s = callbacks.DefaultSchedule()
		}
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
