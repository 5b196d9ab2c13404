package trainer

import (
	"math"
	"slices"
)

// A RateSchedule is a learning rate that may change from epoch to epoch. Rate
// implements the schedules that come with the package.
type RateSchedule interface {
	// At returns the learning rate of an epoch, counted from 1, in a run of
	// epochs epochs. It is finite and not negative.
	At(epoch, epochs int) float64
}

// Rate is a constant learning rate, or one that decays by a formula.
type Rate struct {
	Base float64 `yaml:"base"`
	// Schedule is constant (the default), step, multi_step or cosine.
	Schedule   string  `yaml:"schedule,omitempty"`
	Every      int     `yaml:"every,omitempty"`      // step: epochs between decays
	Milestones []int   `yaml:"milestones,omitempty"` // multi_step: epochs after which the rate decays
	Gamma      float64 `yaml:"gamma,omitempty"`      // step, multi_step: factor of each decay; 0.1 if zero
	Final      float64 `yaml:"final,omitempty"`      // cosine: rate of the last epoch
	// Warmup is the number of epochs over which the rate first rises
	// linearly: Base·e/(Warmup+1) in epoch e.
	Warmup int `yaml:"warmup,omitempty"`
}

// rates holds the formula of each Schedule, without the warm-up.
var rates = map[string]func(r Rate, epoch, epochs int) float64{
	"":         func(r Rate, _, _ int) float64 { return r.Base },
	"constant": func(r Rate, _, _ int) float64 { return r.Base },
	"step": func(r Rate, epoch, _ int) float64 {
		return r.Base * math.Pow(r.gamma(), float64((epoch-1)/r.Every))
	},
	"multi_step": func(r Rate, epoch, _ int) float64 {
		passed := 0
		for _, m := range r.Milestones {
			if epoch > m {
				passed++
			}
		}
		return r.Base * math.Pow(r.gamma(), float64(passed))
	},
	// The half cosine of Loshchilov and Hutter 2016, from Base in the first
	// epoch to Final in the last.
	"cosine": func(r Rate, epoch, epochs int) float64 {
		progress := float64(epoch-1) / float64(max(epochs-1, 1))
		return r.Final + (r.Base-r.Final)*(1+math.Cos(math.Pi*progress))/2
	},
}

var _ RateSchedule = Rate{}

func (r Rate) gamma() float64 {
	if r.Gamma == 0 {
		return 0.1
	}
	return r.Gamma
}

// At implements RateSchedule.
func (r Rate) At(epoch, epochs int) float64 {
	rate := rates[r.Schedule](r, epoch, epochs)
	if epoch <= r.Warmup {
		rate *= float64(epoch) / float64(r.Warmup+1)
	}
	return rate
}

// Validate returns a *FieldError for the first invalid field.
func (r Rate) Validate() error {
	if !(r.Base > 0) || math.IsInf(r.Base, 0) {
		return wrong("Base", "is %g; want a positive number", r.Base)
	}
	if _, ok := rates[r.Schedule]; !ok {
		return wrong("Schedule", "is %q; want constant, step, multi_step or cosine", r.Schedule)
	}
	if r.Schedule == "step" && r.Every < 1 {
		return wrong("Every", "is %d; the step schedule wants at least 1 epoch", r.Every)
	}
	if r.Schedule == "multi_step" && (len(r.Milestones) == 0 || !slices.IsSorted(r.Milestones)) {
		return wrong("Milestones", "are %v; the multi_step schedule wants increasing epochs", r.Milestones)
	}
	if !(r.gamma() > 0) || math.IsInf(r.Gamma, 0) {
		return wrong("Gamma", "is %g; want a positive number", r.Gamma)
	}
	if !(r.Final >= 0) || math.IsInf(r.Final, 0) {
		return wrong("Final", "is %g; want 0 or more", r.Final)
	}
	if r.Warmup < 0 {
		return wrong("Warmup", "is %d epochs; want 0 or more", r.Warmup)
	}
	return nil
}
