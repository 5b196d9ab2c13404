package trainer

import (
	"math"
	"slices"
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
	// SkipFinal leaves out the last epoch, which is otherwise always due,
	// whatever the rules say of it.
	SkipFinal bool `yaml:"skip_final,omitempty"`
}

// Due tells whether the end of the current epoch is on the schedule.
func (c Schedule) Due(s *State) bool {
	if s.Final() {
		return !c.SkipFinal
	}
	return c.Every > 0 && s.Epoch%c.Every == 0 ||
		slices.Contains(c.At, s.Epoch) ||
		c.Log > 0 && c.logDue(s.Epoch, s.Epochs)
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
	return c.Every == 0 && len(c.At) == 0 && c.Log == 0 && !c.SkipFinal
}

// Validate is a *FieldError for rules that cannot be meant.
func (c Schedule) Validate() error {
	if c.Every < 0 {
		return wrong("every", "is %d; want a number of epochs", c.Every)
	}
	if c.Log < 0 {
		return wrong("log", "is %d; want a number of epochs", c.Log)
	}
	for _, e := range c.At {
		if e < 0 {
			return wrong("at", "has epoch %d; epochs count from 0, the untrained network", e)
		}
	}
	return nil
}
