package trainer

import (
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models"
)

// Direction tells which values of a metric are better.
type Direction int

// The directions.
const (
	Neither Direction = iota
	Lower
	Higher
)

var directions = []string{Neither: "neither", Lower: "lower", Higher: "higher"}

func (d Direction) String() string {
	if d < Neither || d > Higher {
		return fmt.Sprintf("Direction(%d)", int(d))
	}
	return directions[d]
}

// MarshalText implements encoding.TextMarshaler: neither, lower or higher.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Direction) UnmarshalText(text []byte) error {
	i := slices.Index(directions, string(text))
	if i < 0 {
		return fmt.Errorf("trainer: direction %q; want neither, lower or higher", text)
	}
	*d = Direction(i)
	return nil
}

// Metric declares a number that is recorded during a run.
type Metric struct {
	Name    string    `json:"name"`              // a slash path, such as "validation/loss"
	Heading string    `json:"heading,omitempty"` // short, for a column; the last part of the name if empty
	Unit    string    `json:"unit,omitempty"`    // empty for a pure number
	Meaning string    `json:"meaning"`           // one line
	Better  Direction `json:"better"`
	Whole   bool      `json:"whole,omitempty"`  // its values are whole numbers
	Detail  bool      `json:"detail,omitempty"` // left out of tables for people, unless asked for
}

// LossOf is the name of the metric that is the mean loss over a split.
func LossOf(split string) string { return split + "/loss" }

// AccuracyOf is the name of the metric that is the share of a split that is
// classified rightly.
func AccuracyOf(split string) string { return split + "/accuracy" }

// Reading is a recorded value of a metric.
type Reading struct {
	Value float64 `json:"value"`
	Epoch int     `json:"epoch"`
	Step  int     `json:"step"`
}

// metrics holds the declared metrics and their last readings.
type metrics struct {
	declared []Metric
	last     map[string]Reading
	schedule map[string]Scheduled // of those of which it is known
}

func (m *metrics) declare(declared ...Metric) error {
	for _, d := range declared {
		if slices.ContainsFunc(m.declared, func(o Metric) bool { return o.Name == d.Name }) {
			return fmt.Errorf("trainer: metric %q is declared twice", d.Name)
		}
		m.declared = append(m.declared, d)
	}
	return nil
}

// declareScheduled declares metrics that are recorded by a schedule; nil if it
// is not known.
func (m *metrics) declareScheduled(schedule Scheduled, declared ...Metric) error {
	if schedule != nil {
		for _, d := range declared {
			m.schedule[d.Name] = schedule
		}
	}
	return m.declare(declared...)
}

// Metrics returns the declared metrics, in the order of declaration.
func (s *State) Metrics() []Metric { return s.metrics.declared }

// Metric returns the declaration of a metric. The error of a name that was not
// declared suggests the nearest.
func (s *State) Metric(name string) (Metric, error) {
	var names []string
	for _, d := range s.metrics.declared {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Metric{}, fmt.Errorf("trainer: no metric %q%s", name, suggest.Nearest(name, names))
}

// Times is how often a metric is recorded from an epoch on and before the
// last, at most, if that is known.
func (s *State) Times(name string, from int) (most int, known bool) {
	schedule, ok := s.metrics.schedule[name]
	if !ok {
		return 0, false
	}
	return schedule.Times(s, name, from)
}

// Record sets a declared metric for the current epoch. A value that is NaN or
// infinite is an error that wraps models.ErrNotFinite.
func (s *State) Record(name string, value float64) error {
	if !slices.ContainsFunc(s.metrics.declared, func(d Metric) bool { return d.Name == name }) {
		return fmt.Errorf("trainer: metric %q was not declared", name)
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("trainer: metric %q is %g: %w", name, value, models.ErrNotFinite)
	}
	s.metrics.last[name] = Reading{Value: value, Epoch: s.Epoch, Step: s.Step}
	return nil
}

// Last returns the latest reading of a metric, however old.
func (s *State) Last(name string) (Reading, bool) {
	r, ok := s.metrics.last[name]
	return r, ok
}

// Fresh returns the reading of a metric if it was recorded at this epoch.
func (s *State) Fresh(name string) (float64, bool) {
	r, ok := s.metrics.last[name]
	return r.Value, ok && r.Epoch == s.Epoch
}
