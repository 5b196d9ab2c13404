package trainer

import (
	"math"
	"slices"
)

// Schedule determines the epochs at which a hook does its work: those that at
// least one of its rules selects, and the last. The zero value has no rules and
// selects only the last epoch.
type Schedule struct {
	Every int   `yaml:"every,omitempty"` // epochs 0, Every, 2·Every, …
	At    []int `yaml:"at,omitempty"`    // these epochs
	// Log is a number of epochs that are evenly spaced on a logarithmic scale
	// from 1 to the last epoch, so that they are dense at the start, where
	// training changes fast. Epoch 0 is added. Epochs that coincide after
	// rounding count once. In a run of unknown length they are the powers of 2^(1/4).
	Log int `yaml:"log,omitempty"`
	// Seconds is the time after which the work is due again. Because it depends
	// on the clock, two runs of the same experiment measure at different epochs.
	Seconds float64 `yaml:"seconds,omitempty"`
	// Budget is the largest share of the run's work that the hook may spend;
	// there is no limit if it is zero. Work that is due waits until the budget
	// allows it: a Pace says when. Work is counted, not timed, so that a run that
	// is repeated or resumed measures at the same epochs. At the end of a run a hook
	// may spend a fixed amount in its place, if that is more: its comment says so.
	Budget float64 `yaml:"budget,omitempty"`
	// SkipFinal leaves out the last epoch, which is otherwise always due.
	SkipFinal bool `yaml:"skip_final,omitempty"`
}

// Due reports whether the work is due at the current epoch by the rules that
// count epochs. Pace.Due also considers Seconds and Budget.
func (c Schedule) Due(s *State) bool {
	if s.Final() {
		return !c.SkipFinal
	}
	return c.Every > 0 && s.Epoch%c.Every == 0 ||
		slices.Contains(c.At, s.Epoch) ||
		c.Log > 0 && c.logDue(s.Epoch, s.Epochs)
}

// Times returns an upper bound on how often the work is done from the epoch from
// to the one before the last. It is not known if the schedule uses the clock, or
// if the number of epochs is unknown or too large to count through.
func (c Schedule) Times(s *State, from int) (most int, known bool) {
	const countable = 1e7 // takes half a second
	if s.Epochs == 0 || s.Epochs > countable || c.Seconds > 0 {
		return 0, false
	}
	if c.Budget > 0 {
		from = 0 // work that became due earlier may still wait for the budget
	}
	for epoch := from; epoch < s.Epochs; epoch++ {
		if c.Due(&State{Epoch: epoch, Epochs: s.Epochs}) {
			most++
		}
	}
	return most, true
}

// logDue reports whether epoch is round(last^(i/(Log−1))) for some i < Log, or
// round(2^(i/4)) if the last epoch is not known.
func (c Schedule) logDue(epoch, last int) bool {
	if epoch == 0 || epoch == 1 {
		return true
	}
	step := math.Ln2 / 4
	switch {
	case last == 0:
	case last == 1 || c.Log < 2:
		return epoch == last
	default:
		step = math.Log(float64(last)) / float64(c.Log-1)
	}
	nearest := math.Round(math.Log(float64(epoch)) / step)
	for _, i := range []float64{nearest - 1, nearest, nearest + 1} {
		if int(math.Round(math.Exp(i*step))) == epoch {
			return true
		}
	}
	return false
}

// IsZero reports whether no field is set.
func (c Schedule) IsZero() bool {
	return c.Every == 0 && len(c.At) == 0 && c.Log == 0 && c.Seconds == 0 && c.Budget == 0 && !c.SkipFinal
}

// Validate returns a *FieldError for the first invalid field.
func (c Schedule) Validate() error {
	if c.Every < 0 {
		return wrong("Every", "is %d; want a number of epochs", c.Every)
	}
	if c.Log < 0 {
		return wrong("Log", "is %d; want a number of epochs", c.Log)
	}
	if !(c.Seconds >= 0) || math.IsInf(c.Seconds, 0) {
		return wrong("Seconds", "is %g; want 0 or more", c.Seconds)
	}
	if !(c.Budget >= 0 && c.Budget <= 1) {
		return wrong("Budget", "is %g; want a share of the run's work between 0 and 1", c.Budget)
	}
	for _, e := range c.At {
		if e < 0 {
			return wrong("At", "has epoch %d; epochs count from 0, the untrained network", e)
		}
	}
	return nil
}
