package selection

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// warnings returns the warnings about a group. The data and the loss function of
// its runs are the same by definition.
func (g *Group) warnings(by []Measure) []Warning {
	warnings := []Warning{}
	add := func(about, text string) {
		if text != "" {
			warnings = append(warnings, Warning{about, text})
		}
	}
	add("parameters", g.differs("the model's size differs, and complexity is a share of all its eigenvectors", func(r *Ranked) string {
		return strconv.Itoa(r.Parameters) + " parameters"
	}))
	add("precision", g.differs("the precision of training differs", func(r *Ranked) string { return r.candidate.Run.Model.Precision }))
	add("samples", g.differs("the spectra are of different numbers of samples", samples(record.SpectrumSamples)))
	add("samples", g.differs("the margins are the least of different numbers of samples", samples(record.MarginSamples)))
	add("loss", g.unmatched())
	if slices.ContainsFunc(by, func(m Measure) bool { return m.Metric == record.Complexity }) {
		add("epsilon", g.epsilons())
	}
	for _, m := range by {
		add("interval", g.intervals(m))
		add("unknown", g.unknown(m.Metric))
	}
	for _, key := range g.keys() {
		add(key, g.differs(key+" differs", func(r *Ranked) string {
			if r.candidate.Settings == nil {
				return ""
			}
			return cmp.Or(r.candidate.Settings[key], "default")
		}))
	}
	return warnings
}

// samples returns a function that returns the number of samples on which a run was
// measured, or "" if it is not known.
func samples(metric string) func(*Ranked) string {
	return func(r *Ranked) string {
		if n, ok := r.reading.number(metric); ok {
			return fmt.Sprintf("%g samples", n)
		}
		return ""
	}
}

// differs returns a line about a property that differs between runs. It returns ""
// if the property is the same for all runs for which it is known.
func (g *Group) differs(what string, of func(*Ranked) string) string {
	var values []string
	runs := make(map[string][]string)
	for i := range g.Runs {
		value := of(&g.Runs[i])
		if value == "" {
			continue
		}
		if runs[value] == nil {
			values = append(values, value)
		}
		runs[value] = append(runs[value], g.Runs[i].Run)
	}
	if len(values) < 2 {
		return ""
	}
	parts := make([]string, len(values))
	for i, value := range values {
		parts[i] = fmt.Sprintf("%s (%s)", value, list(runs[value]))
	}
	return what + ": " + list(parts)
}

// unmatched returns a warning if the training losses differ.
func (g *Group) unmatched() string {
	var unknown []string
	var least, most *Ranked
	for i := range g.Runs {
		r := &g.Runs[i]
		if r.TrainLoss == nil {
			unknown = append(unknown, r.Run)
			continue
		}
		if least == nil || *r.TrainLoss < *least.TrainLoss {
			least = r
		}
		if most == nil || *r.TrainLoss > *most.TrainLoss {
			most = r
		}
	}
	switch {
	case len(unknown) > 0:
		return fmt.Sprintf("%s is not known of %s", trainLoss, list(unknown))
	case g.TargetLoss == nil && *most.TrainLoss > LossFactor**least.TrainLoss:
		return fmt.Sprintf("the training losses are not matched: from %.4g (%s) to %.4g (%s)", *least.TrainLoss, least.Run,
			*most.TrainLoss, most.Run)
	}
	return ""
}

// epsilons returns a warning if ε differs in a way that matters. A calibrated ε
// depends on the numbers of parameters and eigenvectors, so it differs between
// runs. These runs are comparable nevertheless, because the calibration ensures
// that in no run a direction counts by chance. An ε that was given must be the
// same. The settings say which of the two it is.
func (g *Group) epsilons() string {
	calibrated := true
	var values []float64
	for i := range g.Runs {
		r := &g.Runs[i]
		calibrated = calibrated && r.candidate.Settings != nil && r.candidate.Settings["complexity.epsilon"] == ""
		if v, ok := r.reading.number(record.Epsilon); ok {
			values = append(values, v)
		}
	}
	if len(values) == 0 || slices.Min(values) == slices.Max(values) {
		return ""
	}
	span := fmt.Sprintf("%.4g to %.4g", slices.Min(values), slices.Max(values))
	if calibrated {
		return fmt.Sprintf("ε is calibrated for each run, %s: at the same risk that chance counts a direction", span)
	}
	return fmt.Sprintf("ε differs, %s, and is not calibrated for every run or its origin is not known", span)
}

// keys returns the keys of all settings that are known.
func (g *Group) keys() []string {
	keys := make(map[string]bool)
	for i := range g.Runs {
		for key := range g.Runs[i].candidate.Settings {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
