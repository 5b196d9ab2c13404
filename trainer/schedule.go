package trainer

import (
	"math"
	"slices"
	"time"
)

// Schedule tells at which epochs a hook does its work: wherever one of its
// rules says so. The zero value holds no rule but the last epoch.
type Schedule struct {
	Every int   `yaml:"every,omitempty"` // epochs 0, Every, 2·Every, …
	At    []int `yaml:"at,omitempty"`    // these epochs
	// Log is a number of epochs spread evenly on a logarithmic scale from 1
	// to the last, and epoch 0: dense where training changes fast. Where they
	// fall together, at the start, there are fewer.
	Log int `yaml:"log,omitempty"`
	// Seconds is a time after which the work is due again. It depends on the
	// clock: two runs of the same experiment measure at different epochs.
	Seconds float64 `yaml:"seconds,omitempty"`
	// Budget is the largest share of the run's work that may be spent; no limit
	// if zero. What is due waits until it can be afforded; what can be afforded
	// is spread over the run, denser at its start. Work is counted, not timed,
	// so that a run that is repeated or resumed does the same at the same epochs.
	Budget float64 `yaml:"budget,omitempty"`
	// SkipFinal leaves out the last epoch, which is otherwise always due,
	// whatever the rules say of it.
	SkipFinal bool `yaml:"skip_final,omitempty"`
}

// Due tells whether the end of the current epoch is on the schedule, whatever
// the clock and the budget say; a Pace knows those.
func (c Schedule) Due(s *State) bool {
	if s.Final() {
		return !c.SkipFinal
	}
	return c.Every > 0 && s.Epoch%c.Every == 0 ||
		slices.Contains(c.At, s.Epoch) ||
		c.Log > 0 && c.logDue(s.Epoch, s.Epochs)
}

// Times is how often the schedule has it due from an epoch on and before the
// last, at most. It is not known where the clock decides, and of a run whose
// length is not, or is beyond counting.
func (c Schedule) Times(s *State, from int) (most int, known bool) {
	const countable = 1e7 // takes half a second
	if s.Epochs == 0 || s.Epochs > countable || c.Seconds > 0 {
		return 0, false
	}
	if c.Budget > 0 {
		from = 0 // what waits until it can be afforded may be of an epoch before
	}
	for epoch := from; epoch < s.Epochs; epoch++ {
		if c.Due(&State{Epoch: epoch, Epochs: s.Epochs}) {
			most++
		}
	}
	return most, true
}

// logDue tells whether epoch is round(last^(i/(Log−1))) for some i < Log.
func (c Schedule) logDue(epoch, last int) bool {
	if epoch == 0 || epoch == 1 {
		return true
	}
	if last <= 1 || c.Log < 2 {
		return epoch == last
	}
	step := math.Log(float64(last)) / float64(c.Log-1)
	nearest := math.Round(math.Log(float64(epoch)) / step)
	for _, i := range []float64{nearest - 1, nearest, nearest + 1} {
		if int(math.Round(math.Exp(i*step))) == epoch {
			return true
		}
	}
	return false
}

// IsZero tells whether the schedule holds no rule.
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

// Pace follows a schedule, its clock and its budget through a run. It is part
// of the state of the hook that has it.
type Pace struct {
	Spent   float64 // work done so far, in gradients of one sample
	Last    float64 // work of the last time
	Times   int     // how often it was done
	Epoch   int     // of the last time
	Waiting bool    // whether something is due that could not be afforded yet

	last time.Time // when it was last done in this session
}

// Due tells whether to do the work of schedule c at the end of this epoch.
func (p *Pace) Due(c Schedule, s *State) bool {
	if s.Final() && !c.SkipFinal {
		return true
	}
	if p.last.IsZero() {
		p.last = time.Now()
	}
	clock := c.Seconds > 0 && time.Since(p.last).Seconds() >= c.Seconds
	p.Waiting = p.Waiting || clock || c.Due(s)
	return p.Waiting && (c.Budget == 0 || p.affordable(c.Budget, s))
}

// affordable spreads what is left of the budget evenly, on a logarithmic scale
// of epochs, over the rest of the run: with n times left to do the work, the
// last of them at the end, the next is at epoch e·(last/e)^(1/n), where e is the epoch of the time
// before, or a fiftieth of the run if that is later. A run of
// unknown length earns its budget as it goes.
func (p *Pace) affordable(budget float64, s *State) bool {
	if p.Times == 0 {
		return true
	}
	expected := p.Last
	if p.Times == 1 {
		expected /= 2 // the first started from nothing
	}
	if s.Epochs == 0 {
		return p.Spent+expected <= budget*s.Work()
	}
	if s.Epoch == 0 {
		return false
	}
	planned := s.Work() * float64(s.Epochs) / float64(s.Epoch)
	times := math.Floor((budget*planned - p.Spent) / expected)
	from := float64(max(p.Epoch, s.Epochs/50, 1)) // with few times left, not all of them on the start
	return times >= 2 && float64(s.Epoch) >= from*math.Pow(float64(s.Epochs)/from, 1/times)
}

// Done tells what the work has cost at this epoch: in gradients of one sample,
// each about a third forward and two thirds backward.
func (p *Pace) Done(s *State, work float64) {
	p.Spent += work
	p.Last = work
	p.Times++
	p.Epoch = s.Epoch
	p.Waiting = false
	p.last = time.Now()
}
