package trainer

import (
	"fmt"
	"slices"
	"strings"
)

// Direction says which values of a metric are better.
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

// MarshalText implements encoding.TextMarshaler. The text is neither, lower or
// higher.
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
	Meaning string    `json:"meaning"`           // an explanation of one line
	Better  Direction `json:"better"`
	Whole   bool      `json:"whole,omitempty"`  // whether all values are whole numbers
	Detail  bool      `json:"detail,omitempty"` // whether tables show it only on request
}

// LossOf returns the name of the metric that is the mean loss over a split.
func LossOf(split string) string { return split + "/loss" }

// AccuracyOf returns the name of the metric that is the share of a split that is
// classified correctly.
func AccuracyOf(split string) string { return split + "/accuracy" }

// IsOf reports whether a metric is of a split, as its loss and its accuracy are.
func IsOf(split, metric string) bool { return strings.HasPrefix(metric, split+"/") }

// Reading is a recorded value of a metric, with the epoch and step at which it
// was recorded.
type Reading struct {
	Value float64 `json:"value"`
	Epoch int     `json:"epoch"`
	Step  int     `json:"step"`
}

// Restored says that the parameters at the end of a run are those of an earlier
// epoch.
type Restored struct {
	Metric  string `json:"metric"` // the metric that was best at that epoch
	Reading        // its value there, and the epoch
	// Metrics are what was measured of these parameters once they were put back; see
	// RestoredMeter.
	Metrics map[string]float64 `json:"metrics,omitempty"`
}
