package stopping

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// Rule is a condition on the metrics of a run. The run ends when it holds. A rule
// has either a metric in Monitor and one of Patience, PatienceEpochs, AtLeast,
// AtMost, Rises and Falls, or one of All and Any and nothing else. The zero value
// is not a rule.
type Rule struct {
	Monitor string `yaml:"monitor,omitempty" json:"monitor,omitempty"` // name of a metric, such as "validation/loss"

	// Patience is the number of fresh measurements in a row without an
	// improvement after which the run stops. PatienceEpochs is the same in epochs
	// since the last improvement, or since the first measurement if there was no
	// improvement; the run stops at the first fresh measurement after them.
	Patience       int `yaml:"patience,omitempty"        json:"patience,omitempty"`
	PatienceEpochs int `yaml:"patience_epochs,omitempty" json:"patience_epochs,omitempty"`
	// Mode says which values are better. If it is Neither, the declaration of the
	// metric decides.
	Mode trainer.Direction `yaml:"mode,omitempty" json:"mode,omitzero"`
	// Baseline is a value that the metric must beat for an improvement to count. A
	// run that never beats it stops when the patience is over.
	Baseline *float64 `yaml:"baseline,omitempty" json:"baseline,omitempty"`

	AtLeast *float64 `yaml:"at_least,omitempty" json:"at_least,omitempty"` // the metric is at least this value
	AtMost  *float64 `yaml:"at_most,omitempty"  json:"at_most,omitempty"`  // the metric is at most this value
	For     int      `yaml:"for,omitempty"      json:"for,omitempty"`      // number of fresh measurements in a row for which AtLeast or AtMost must hold; 1 if zero

	Rises int `yaml:"rises,omitempty" json:"rises,omitempty"` // number of fresh measurements in a row that are each above the previous one
	Falls int `yaml:"falls,omitempty" json:"falls,omitempty"` // number of fresh measurements in a row that are each below the previous one

	// MinDelta and MinDeltaRelative are the least change that counts: a value must
	// be better than the best one, or differ from the previous one, by more than
	// this. MinDelta is absolute, MinDeltaRelative is relative to the value that
	// the new one is compared with.
	MinDelta         float64 `yaml:"min_delta,omitempty"          json:"min_delta,omitempty"`
	MinDeltaRelative float64 `yaml:"min_delta_relative,omitempty" json:"min_delta_relative,omitempty"`
	// StartEpoch is the first epoch whose measurements count.
	StartEpoch int `yaml:"start_epoch,omitempty" json:"start_epoch,omitempty"`

	All []Rule `yaml:"all,omitempty" json:"all,omitempty"` // all of these rules hold
	Any []Rule `yaml:"any,omitempty" json:"any,omitempty"` // at least one of these rules holds
}

// Kind is the kind of a rule.
type Kind string

// The kinds.
const (
	Patience  Kind = "patience"
	Threshold Kind = "threshold"
	Trend     Kind = "trend"
	All       Kind = "all"
	Any       Kind = "any"
)

// IsZero reports whether r is the zero value, which is not a rule.
func (r Rule) IsZero() bool { return reflect.ValueOf(r).IsZero() }

// Kind returns the kind of a rule that Validate accepts.
func (r Rule) Kind() Kind {
	switch {
	case len(r.All) > 0:
		return All
	case len(r.Any) > 0:
		return Any
	case r.AtLeast != nil || r.AtMost != nil:
		return Threshold
	case r.Rises > 0 || r.Falls > 0:
		return Trend
	default:
		return Patience
	}
}

// members returns the rules that a composite rule combines, and its kind.
func (r Rule) members() ([]Rule, Kind) {
	if len(r.All) > 0 {
		return r.All, All
	}
	return r.Any, Any
}

// Metrics returns the names of the metrics that r and its members monitor, each
// once.
func (r Rule) Metrics() []string {
	members, _ := r.members()
	if len(members) == 0 {
		return []string{r.Monitor}
	}
	var names []string
	for _, m := range members {
		for _, name := range m.Metrics() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Validate returns a *trainer.FieldError for the first invalid field. It does not
// check whether the metrics exist; NewWatch does.
func (r Rule) Validate() error {
	if err := r.validateNumbers(); err != nil {
		return err
	}
	conditions, options := r.conditions(), r.options()
	members, kind := r.members()
	switch {
	case len(members) == 0 && r.Monitor == "":
		return wrong("Monitor", "is missing; want the name of a metric, such as validation/loss")
	case len(conditions) == 0:
		return wrong("Patience", "is missing; want one of {Patience}, {PatienceEpochs}, {AtLeast}, {AtMost}, {Rises} and {Falls}")
	case len(conditions) > 1:
		return wrong(conditions[1], "excludes {%s}; {All} and {Any} combine rules", conditions[0])
	case r.MinDelta > 0 && r.MinDeltaRelative > 0:
		return wrong("MinDeltaRelative", "excludes {MinDelta}; want one of them")
	}
	for _, o := range options {
		if !slices.Contains(o.kinds, r.Kind()) {
			return wrong(o.field, "does not apply to {%s}; it belongs to rules of the kind %v", conditions[0], o.kinds)
		}
	}
	for i, m := range members {
		if err := m.Validate(); err != nil {
			return within(kind, i, err)
		}
	}
	return nil
}

// RefuseTest returns a *trainer.FieldError if r or one of its members monitors a
// metric of the test split. A run that is stopped by the test split has no test
// result. Such a rule can only be replayed on finished runs.
func (r Rule) RefuseTest() error {
	members, kind := r.members()
	for i, m := range members {
		if err := m.RefuseTest(); err != nil {
			return within(kind, i, err)
		}
	}
	if trainer.IsOf(datasets.Test, r.Monitor) {
		return wrong("Monitor", "is %q: the test split must not decide when to stop; hessoscope stop-study --study-test can study such a rule on finished runs", r.Monitor)
	}
	return nil
}

func (r Rule) validateNumbers() error {
	for _, n := range []struct {
		field string
		value int
	}{
		{"Patience", r.Patience},
		{"PatienceEpochs", r.PatienceEpochs},
		{"For", r.For},
		{"Rises", r.Rises},
		{"Falls", r.Falls},
		{"StartEpoch", r.StartEpoch},
	} {
		if n.value < 0 {
			return wrong(n.field, "is %d; want 0 or more", n.value)
		}
	}
	for _, n := range []struct {
		field string
		value float64
	}{{"MinDelta", r.MinDelta}, {"MinDeltaRelative", r.MinDeltaRelative}} {
		if !(n.value >= 0) || math.IsInf(n.value, 0) {
			return wrong(n.field, "is %g; want 0 or more", n.value)
		}
	}
	for _, n := range []struct {
		field string
		value *float64
	}{{"Baseline", r.Baseline}, {"AtLeast", r.AtLeast}, {"AtMost", r.AtMost}} {
		if n.value != nil && (math.IsNaN(*n.value) || math.IsInf(*n.value, 0)) {
			return wrong(n.field, "is %g; want a number", *n.value)
		}
	}
	if r.Mode < trainer.Neither || r.Mode > trainer.Higher {
		return wrong("Mode", "is %v; want lower or higher", r.Mode)
	}
	return nil
}

// conditions returns the names of the fields that set a condition of r.
func (r Rule) conditions() []string {
	var fields []string
	for _, c := range []struct {
		field string
		has   bool
	}{
		{"Patience", r.Patience > 0},
		{"PatienceEpochs", r.PatienceEpochs > 0},
		{"AtLeast", r.AtLeast != nil},
		{"AtMost", r.AtMost != nil},
		{"Rises", r.Rises > 0},
		{"Falls", r.Falls > 0},
		{"All", len(r.All) > 0},
		{"Any", len(r.Any) > 0},
	} {
		if c.has {
			fields = append(fields, c.field)
		}
	}
	return fields
}

// option is a field that belongs to some kinds of rules only.
type option struct {
	field string
	kinds []Kind
	set   bool
}

// options returns the options that r sets.
func (r Rule) options() []option {
	simple := []Kind{Patience, Threshold, Trend}
	return slices.DeleteFunc([]option{
		{"Monitor", simple, r.Monitor != ""},
		{"Mode", []Kind{Patience}, r.Mode != trainer.Neither},
		{"Baseline", []Kind{Patience}, r.Baseline != nil},
		{"For", []Kind{Threshold}, r.For > 0},
		{"MinDelta", []Kind{Patience, Trend}, r.MinDelta > 0},
		{"MinDeltaRelative", []Kind{Patience, Trend}, r.MinDeltaRelative > 0},
		{"StartEpoch", simple, r.StartEpoch > 0},
	}, func(o option) bool { return !o.set })
}

// String returns the rule in words, such as "validation/loss not better for 10
// measurements".
func (r Rule) String() string {
	switch r.Kind() {
	case All, Any:
		return r.composition()
	case Threshold:
		if r.AtLeast != nil {
			return fmt.Sprintf("%s ≥ %g%s", r.Monitor, *r.AtLeast, r.repeated()) + r.provisos()
		}
		return fmt.Sprintf("%s ≤ %g%s", r.Monitor, *r.AtMost, r.repeated()) + r.provisos()
	case Trend:
		verb, times := "rising", r.Rises
		if r.Falls > 0 {
			verb, times = "falling", r.Falls
		}
		return fmt.Sprintf("%s %s for %s", r.Monitor, verb, count(times, "measurement")) + r.provisos()
	default:
		patience := count(r.Patience, "measurement")
		if r.PatienceEpochs > 0 {
			patience = count(r.PatienceEpochs, "epoch")
		}
		return fmt.Sprintf("%s not better for %s", r.Monitor, patience) + r.provisos()
	}
}

func (r Rule) composition() string {
	members, kind := r.members()
	between := " and "
	if kind == Any {
		between = " or "
	}
	var words []string
	for _, m := range members {
		word := m.String()
		if len(m.All)+len(m.Any) > 0 {
			word = "(" + word + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, between)
}

func (r Rule) repeated() string {
	if r.For < 2 {
		return ""
	}
	return " for " + count(r.For, "measurement")
}

// provisos returns the options that a rule sets, in words and in brackets.
func (r Rule) provisos() string {
	var words []string
	if r.Mode != trainer.Neither {
		words = append(words, r.Mode.String()+" is better")
	}
	if r.MinDelta > 0 {
		words = append(words, fmt.Sprintf("by %g", r.MinDelta))
	}
	if r.MinDeltaRelative > 0 {
		words = append(words, fmt.Sprintf("by %g%%", 100*r.MinDeltaRelative))
	}
	if r.Baseline != nil {
		words = append(words, fmt.Sprintf("than %g", *r.Baseline))
	}
	if r.StartEpoch > 0 {
		words = append(words, fmt.Sprintf("from epoch %d", r.StartEpoch))
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func wrong(field, problem string, args ...any) error {
	return &trainer.FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// within prefixes the field of a *trainer.FieldError with the ith member of a
// composite rule, such as All[1].
func within(kind Kind, i int, err error) error {
	field := "All"
	if kind == Any {
		field = "Any"
	}
	return trainer.Below(fmt.Sprintf("%s[%d]", field, i), err)
}
