package trainer

import (
	"math"
	"time"
)

// Pace applies a Schedule during a run: it keeps track of the time and of the
// budget spent. It belongs to the state of the hook that does the work.
//
// A budget is earned as training goes on: at any epoch, the work of the hook is to
// be paid by its share of the work of training so far, together with that of the last
// epoch, since the run may stop now. Only what the share of a tenth of the planned
// work pays for, such as a first measurement, is advanced.
type Pace struct {
	Spent   float64 // work done so far, in gradients of one sample
	Last    float64 // work spent the last time
	Times   int     // how often the work was done
	Epoch   int     // epoch at which it was last done
	Waiting bool    // whether work is due that the budget has not allowed yet

	last time.Time // when the work was last done since this process began the run
}

// Due reports whether to do the work of schedule c at the end of the current
// epoch, if it costs about so much, in the unit of State.Work. At the last epoch
// it is due whatever it costs; Left tells what the budget still pays for.
func (p *Pace) Due(c Schedule, s *State, cost float64) bool {
	if s.Final() && !c.SkipFinal {
		return true
	}
	if p.last.IsZero() {
		p.last = time.Now()
	}
	clock := c.Seconds > 0 && time.Since(p.last).Seconds() >= c.Seconds
	p.Waiting = p.Waiting || clock || c.Due(s)
	return p.Waiting && (c.Budget == 0 || p.affordable(c, s, cost))
}

// advance is the share of the planned work whose budget may be spent before it is
// earned.
const advance = 0.1

// affordable reports whether the budget allows work of this cost at the current
// epoch. It must have been earned, or advanced. If the budget pays for n more times
// of it, the last of them at the last epoch unless the schedule leaves that out, they
// are spaced on a logarithmic scale of epochs: the next is at epoch e·(last/e)^(1/n) or
// later, where e is the epoch of the previous one, or a fiftieth of the run if that is
// later. In a run of unknown length the budget is a share of the work so far.
func (p *Pace) affordable(c Schedule, s *State, cost float64) bool {
	planned := s.PlannedWork()
	earned, advanced := c.Budget*s.Work(), c.Budget*advance*planned
	switch {
	case p.Spent+cost <= advanced:
	case c.SkipFinal && p.Spent+cost <= advanced+earned:
	case p.Spent+2*cost <= earned:
	default:
		return false
	}
	if s.Epochs == 0 {
		return true
	}
	steps := math.Floor((c.Budget*planned - p.Spent) / cost) // to the last epoch
	if c.SkipFinal {
		steps++
	}
	if steps < 2 || p.Times == 0 {
		return steps >= 2
	}
	from := float64(max(p.Epoch, s.Epochs/50, 1)) // the fiftieth keeps a small budget from being spent at the start
	return float64(s.Epoch) >= from*math.Pow(float64(s.Epochs)/from, 1/steps)
}

// Left returns the work that the budget of c pays for at the current epoch, besides
// what is spent. It is +Inf without a budget.
func (p *Pace) Left(c Schedule, s *State) float64 {
	if c.Budget == 0 {
		return math.Inf(1)
	}
	work := s.Work()
	if !s.Final() {
		work += advance * s.PlannedWork()
	}
	return c.Budget*work - p.Spent
}

// Refund takes back the budget that the last time cost, if it was at a later epoch
// than that of the State: at the end of a run whose parameters of an earlier epoch
// were put back, these are measured in the place of the last ones.
func (p *Pace) Refund(s *State) {
	if p.Epoch > s.Epoch {
		p.Spent -= p.Last
		p.Epoch = s.Epoch - 1
	}
}

// Done records that the work was done at the current epoch, and what it cost, in
// the unit of State.Work.
func (p *Pace) Done(s *State, work float64) {
	p.Spent += work
	p.Last = work
	p.Times++
	p.Epoch = s.Epoch
	p.Waiting = false
	p.last = time.Now()
}
