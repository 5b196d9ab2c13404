package experiment

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// maxSeconds is about 30 years, which is longer than any run and fits in a
// time.Duration.
const maxSeconds = 1e9

// Validate returns an error for invalid settings. If a single key is invalid, it is a
// *trainer.FieldError with the full key.
func (c *Config) Validate() error {
	wrong := func(field, problem string) error { return &trainer.FieldError{Field: field, Problem: problem} }
	switch {
	case (c.Data.Set == "") == (c.Data.CSV == ""):
		return wrong("data", "wants one of set and csv")
	case strings.ContainsFunc(c.Name, unicode.IsControl):
		return wrong("name", fmt.Sprintf("is %q, with a control character; want a name on one line, it becomes a folder", c.Name))
	case c.Name != "" && c.Name != filepath.Base(c.Name) || c.Name == "." || c.Name == "..":
		return wrong("name", fmt.Sprintf("is %q; want a name without slashes, it becomes a folder", c.Name))
	case !(c.MemoryGB >= 0 && !math.IsInf(c.MemoryGB, 1)):
		return wrong("memory_gb", fmt.Sprintf("is %g; want the memory that the run may take, in GB, or 0 for what is left", c.MemoryGB))
	case c.Workers < 0:
		return wrong("workers", "is negative; want 0, for one a CPU, or more")
	case c.Model.Weights != "" && c.Model.NormOf != "":
		return wrong("model.norm_of", "excludes weights: the initial parameters are either read from a file or rescaled")
	case !slices.Contains([]string{"", "float64", "float32"}, c.Model.Precision):
		return wrong("model.precision", fmt.Sprintf("is %q; want float64 or float32", c.Model.Precision))
	case !slices.Contains([]string{"", "float64", "float32"}, c.Spectrum.Precision):
		return wrong("spectrum.precision", fmt.Sprintf("is %q; want float64 or float32", c.Spectrum.Precision))
	case c.Spectrum.Precision == "float32" && (c.Spectrum.Resolved || c.Spectrum.Method == curvature.Dense || c.Spectrum.Method == curvature.Reduced):
		return wrong("spectrum.precision", fmt.Sprintf("is float32, in which products do not resolve all pairs; want float64, or method: %s or %s", curvature.Lanczos, curvature.Quadrature))
	case slices.ContainsFunc(c.Model.Hidden, func(w int) bool { return w < 1 }):
		return wrong("model.hidden", "has a width below 1")
	case c.Spectrum.Samples < 0:
		return wrong("spectrum.samples", fmt.Sprintf("is %d; want 0, for the whole split, or more", c.Spectrum.Samples))
	case c.Spectrum.Top < -1:
		return wrong("spectrum.top", fmt.Sprintf("is %d; want a number of pairs, or -1 for none", c.Spectrum.Top))
	case c.Spectrum.Bottom < -1:
		return wrong("spectrum.bottom", fmt.Sprintf("is %d; want a number of pairs, or -1 for none", c.Spectrum.Bottom))
	case c.Spectrum.Top == -1 && c.Spectrum.Bottom == -1:
		return wrong("spectrum", "asks for neither top nor bottom pairs; off: true switches it off")
	case c.Spectrum.Memory < 0:
		return wrong("spectrum.memory", fmt.Sprintf("is %d; want a number of bytes, or 0 for an eighth of the machine's memory", c.Spectrum.Memory))
	case !(c.Spectrum.Tolerance >= 0 && c.Spectrum.Tolerance < 1):
		return wrong("spectrum.tolerance", fmt.Sprintf("is %g; want a number between 0 and 1, or 0 for the default", c.Spectrum.Tolerance))
	case c.Plane.Side != 0 && (c.Plane.Side < 2 || c.Plane.Side > callbacks.PlaneLimit):
		return wrong("plane.side", fmt.Sprintf("is %d; want 0, for the default, or 2 to %d cells", c.Plane.Side, callbacks.PlaneLimit))
	case c.Rank.Samples < 0:
		return wrong("effective_rank.samples", fmt.Sprintf("is %d; want 0, for all of at most 1000, or more", c.Rank.Samples))
	case c.Critical.Samples < 0:
		return wrong("critical_sharpness.samples", fmt.Sprintf("is %d; want 0, for all of at most 1000, or more", c.Critical.Samples))
	case c.Margin.Samples < 0:
		return wrong("margin.samples", fmt.Sprintf("is %d; want 0, for all of at most %d, or more", c.Margin.Samples, analysis.MarginSamples))
	case c.Sharpness.Perturbations < 0 || c.Sharpness.Perturbations == 1:
		return wrong("sharpness.perturbations", fmt.Sprintf("is %d; want 0, for none, or 2 and more, for a standard error", c.Sharpness.Perturbations))
	case c.Sharpness.Samples < 0:
		return wrong("sharpness.samples", fmt.Sprintf("is %d; want 0, for all of at most 1000, or more", c.Sharpness.Samples))
	case !c.Sharpness.measures() && !reflect.ValueOf(c.Sharpness).IsZero():
		return wrong("sharpness", "has settings and nothing to measure: set fisher: true, or perturbations: 100")
	case !(c.Checkpoint.Seconds >= 0 && c.Checkpoint.Seconds <= maxSeconds):
		return wrong("checkpoint.seconds", fmt.Sprintf("is %g; want 0, for the default, to %g", c.Checkpoint.Seconds, maxSeconds))
	}
	if err := c.Data.validate(); err != nil {
		return err
	}
	if err := c.Model.validate(); err != nil {
		return err
	}
	if err := c.Complexity.Settings().Validate(); err != nil {
		return wrong("complexity", "has "+strings.TrimPrefix(err.Error(), "boundary: "))
	}
	for _, f := range []struct {
		field string
		value interface{ Validate() error }
		unset bool
	}{
		{"model.activation", c.Model.Activation, c.Model.Activation == ""},
		{"model.init", c.Model.Init, c.Model.Init == ""},
		{"spectrum.matrix", c.Spectrum.Matrix, c.Spectrum.Matrix == ""},
		{"critical_sharpness.along", c.Critical.Along, c.Critical.Along == ""},
		{"training.loss", c.Training.Loss, c.Training.Loss == ""},
	} {
		if err := f.value.Validate(); err != nil && !f.unset {
			return wrong(f.field, err.Error())
		}
	}
	return strictyaml.Keyed[Config](cmp.Or(
		trainer.Below("Stop.Rule", c.Stop.validate()),
		trainer.Below("Training", c.Trainer().Validate()),
		trainer.Below("Spectrum.Schedule", c.Spectrum.Schedule.Validate()),
		trainer.Below("Complexity.Schedule", c.Complexity.Schedule.Validate()),
		trainer.Below("Rank.Schedule", c.Rank.Schedule.Validate()),
		trainer.Below("Critical.Schedule", c.Critical.Schedule.Validate()),
		trainer.Below("Margin.Schedule", c.Margin.Schedule.Validate()),
		trainer.Below("Sharpness.Schedule", c.Sharpness.Schedule.Validate()),
		trainer.Below("Log.Schedule", c.Log.Schedule.Validate()),
		trainer.Below("Checkpoint.Schedule", c.Checkpoint.Schedule.Validate()),
	))
}

// validate returns the error of the rule, if it is invalid.
func (s *Stop) validate() error {
	if s.Rule.IsZero() {
		return nil
	}
	return cmp.Or(s.Rule.Validate(), s.Rule.RefuseTest())
}

// validate returns a *trainer.FieldError if the type of model does not exist or a
// setting does not apply to it.
func (m *Model) validate() error {
	if m.isNetwork() {
		return m.validateNetwork()
	}
	if m.Input != nil {
		return &trainer.FieldError{Field: "model.input", Problem: "is for a network of layers: want name or layers too"}
	}
	if m.isMLP() {
		if len(m.Options) > 0 {
			return &trainer.FieldError{Field: "model.options", Problem: "does not apply to mlp; it is for types of models that a program has registered"}
		}
		return nil
	}
	if _, err := models.BuilderNamed(m.Type); err != nil {
		return &trainer.FieldError{Field: "model.type", Problem: err.Error()}
	}
	for _, f := range []struct {
		key string
		set bool
	}{{"hidden", m.Hidden != nil}, {"activation", m.Activation != ""}, {"init", m.Init != ""}} {
		if f.set {
			return &trainer.FieldError{Field: "model." + f.key, Problem: fmt.Sprintf("does not apply to %s; its settings stand in model.options", m.Type)}
		}
	}
	return nil
}

// validate returns a *trainer.FieldError if the data set does not exist or a setting
// does not apply to the source of the data.
func (d *Data) validate() error {
	source, allowed := "csv", []string{"Label", "Split", "Features", "Exclude", "Delimiter", "Categorical", "Missing", "SplitShares", "Seed", "RandomLabels", "Classes", "PerClass", "MaxGB"}
	switch {
	case d.Set != "" && strings.EqualFold(filepath.Ext(d.Set), ".csv"):
		return &trainer.FieldError{Field: "data.set", Problem: fmt.Sprintf("is %.60q, a CSV file; data.csv takes it", d.Set)}
	case datasets.IsFile(d.Set):
		source, allowed = d.Set, datasets.FileOptions()
	case d.Set != "":
		var names []string
		sets := datasets.List()
		for _, s := range sets {
			names = append(names, s.Name)
		}
		i := slices.Index(names, d.Set)
		if info, err := os.Stat(d.Set); i < 0 && err == nil && info.IsDir() {
			return &trainer.FieldError{Field: "data.set", Problem: fmt.Sprintf("is %.60q, a folder; write it with a slash: %[1]s/", d.Set)}
		}
		if i < 0 {
			return &trainer.FieldError{Field: "data.set", Problem: fmt.Sprintf("is %.60q%s", d.Set, suggest.Nearest(d.Set, names))}
		}
		source, allowed = d.Set, sets[i].Options
	}
	for field, value := range reflect.ValueOf(d).Elem().Fields() {
		if value.IsZero() || slices.Contains([]string{"Set", "CSV", "Standardize", "Augmentation"}, field.Name) || slices.Contains(allowed, field.Name) {
			continue
		}
		return &trainer.FieldError{Field: "data." + strictyaml.Key(field), Problem: fmt.Sprintf("does not apply to %s; these do: %s", source, strings.Join(DataKeys(allowed), ", "))}
	}
	if d.CSV != "" && d.Seed != 0 && !d.RandomLabels && d.SplitShares == (datasets.SplitShares{}) {
		return &trainer.FieldError{Field: "data.seed", Problem: "has no effect without random_labels or split_shares"}
	}
	if err := d.Missing.Validate(); err != nil {
		return &trainer.FieldError{Field: "data.missing", Problem: err.Error()}
	}
	if err := d.SplitShares.Validate(); err != nil {
		return &trainer.FieldError{Field: "data.split_shares", Problem: err.Error()}
	}
	if err := d.Augmentation.Validate(); err != nil {
		return &trainer.FieldError{Field: "data.augmentation", Problem: "is invalid: " + err.Error()}
	}
	return nil
}

// DataKeys returns the keys of an experiment that correspond to fields of
// datasets.Options or datasets.CSVOptions.
func DataKeys(options []string) []string {
	var keys []string
	for _, o := range options {
		field, _ := reflect.TypeFor[Data]().FieldByName(o)
		keys = append(keys, "data."+strictyaml.Key(field))
	}
	return keys
}
