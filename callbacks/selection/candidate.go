package selection

import (
	"maps"
	"math"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// Metrics with a special role: they determine groups, warnings and outcomes.
var (
	trainLoss     = trainer.LossOf(datasets.Train)
	trainAccuracy = trainer.AccuracyOf(datasets.Train)
	testLoss      = trainer.LossOf(datasets.Test)
	testAccuracy  = trainer.AccuracyOf(datasets.Test)
)

// Candidate is a run that takes part in the selection.
type Candidate struct {
	Path string      // path of its folder, which serves as the name of the run
	Run  *record.Run // content of its run.json
	// History has the epochs of the run, in order. It is needed only with
	// Settings.MatchLoss, and for a run that put back the parameters of an earlier
	// epoch.
	History []record.Entry
	// Settings are the settings of the run on which its measures depend, by key,
	// such as "complexity.epsilon"; an empty value is the default. A setting that
	// differs between runs causes a Warning. Nil if the settings are not known.
	Settings map[string]string
	// Axes are the settings in which runs may differ, by key, with the seed under
	// SeedAxis. The evaluation compares runs along each axis that varies. If Axes
	// is nil, the only axis is the seed of Run.
	Axes map[string]string
	// Starts are the paths of the files or runs whose parameters the run starts
	// from. Runs with a start in common are not independent.
	Starts []string
}

// reading holds the metrics that were recorded at one epoch of a run.
type reading struct {
	epoch  int
	values map[string]float64
}

// final returns the metrics that were recorded at the last epoch, or, if the
// parameters of an earlier epoch were put back, at that epoch. A metric that was
// last recorded at another epoch is missing, because it belongs to other
// parameters.
func (c *Candidate) final() reading {
	if restored := c.Run.Restored; restored != nil {
		for _, e := range c.History {
			if e.Epoch == restored.Epoch {
				return c.at(e)
			}
		}
		return reading{restored.Epoch, restored.Metrics}
	}
	r := reading{c.Run.Epoch, make(map[string]float64)}
	for name, last := range c.Run.Final {
		if last.Epoch == c.Run.Epoch {
			r.values[name] = last.Value
		}
	}
	return r
}

// at returns the metrics of an epoch, with those that were measured when its
// parameters were put back.
func (c *Candidate) at(e record.Entry) reading {
	restored := c.Run.Restored
	if restored == nil || restored.Epoch != e.Epoch {
		return reading{e.Epoch, e.Metrics}
	}
	r := reading{e.Epoch, maps.Clone(restored.Metrics)}
	if r.values == nil { // recorded by an older version
		r.values = make(map[string]float64)
	}
	for name, v := range e.Metrics {
		if _, again := r.values[name]; !again {
			r.values[name] = v
		}
	}
	return r
}

// measure returns the value of a metric, or the interval in which it lies if only
// its ends were recorded. NaN and infinity count as missing.
func (r reading) measure(metric string) (Interval, bool) {
	if v, ok := r.number(metric); ok {
		return Interval{v, v}, true
	}
	low, haveLow := r.number(record.Low(metric))
	high, haveHigh := r.number(record.High(metric))
	return Interval{low, high}, haveLow && haveHigh && low <= high
}

// number returns the value of a metric if it is finite.
func (r reading) number(metric string) (float64, bool) {
	v, ok := r.values[metric]
	return v, ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// missing returns the first of the measures that has no value.
func (r reading) missing(by []Measure) (string, bool) {
	for _, m := range by {
		if _, ok := r.measure(m.Metric); !ok {
			return m.Metric, true
		}
	}
	return "", false
}
