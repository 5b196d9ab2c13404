package selection

import (
	"math"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// The metrics that have a part here beyond that of a measure.
var (
	trainLoss     = trainer.LossOf(datasets.Train)
	trainAccuracy = trainer.AccuracyOf(datasets.Train)
	testLoss      = trainer.LossOf(datasets.Test)
	testAccuracy  = trainer.AccuracyOf(datasets.Test)
)

// Candidate is a run to choose or not.
type Candidate struct {
	Path string      // of its folder; it names the run
	Run  *record.Run // its record
	// History is its epochs, in order. Only Settings.MatchLoss needs it, and a
	// run that put the parameters of an earlier epoch back.
	History []record.Entry
	// Settings are those of the run that its measures depend on, by key, such as
	// "complexity.epsilon"; an empty value is the default. Those that differ
	// between runs become a Warning. Nil if they are not known.
	Settings map[string]string
}

// reading is all that was fresh at an epoch of a run.
type reading struct {
	epoch  int
	values map[string]float64
}

// final is what was fresh when the run ended, or, where the parameters of an
// earlier epoch were put back, at that epoch. A metric that was last measured
// at another epoch is about other weights, and missing.
func (c *Candidate) final() reading {
	if restored := c.Run.Restored; restored != nil {
		for _, e := range c.History {
			if e.Epoch == restored.Epoch {
				return reading{e.Epoch, e.Metrics}
			}
		}
		return reading{epoch: restored.Epoch}
	}
	r := reading{c.Run.Epoch, make(map[string]float64)}
	for name, last := range c.Run.Final {
		if last.Epoch == c.Run.Epoch {
			r.values[name] = last.Value
		}
	}
	return r
}

// measure returns the value of a metric, or of the complexity, where it is
// not certain, the interval. NaN and infinity are no values.
func (r reading) measure(metric string) (Interval, bool) {
	if v, ok := r.number(metric); ok {
		return Interval{v, v}, true
	}
	if metric != record.Complexity {
		return Interval{}, false
	}
	low, haveLow := r.number(record.ComplexityLow)
	high, haveHigh := r.number(record.ComplexityHigh)
	return Interval{low, high}, haveLow && haveHigh && low <= high
}

func (r reading) number(metric string) (float64, bool) {
	v, ok := r.values[metric]
	return v, ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// missing returns the first of the measures that was not fresh.
func (r reading) missing(by []Measure) (string, bool) {
	for _, m := range by {
		if _, ok := r.measure(m.Metric); !ok {
			return m.Metric, true
		}
	}
	return "", false
}
