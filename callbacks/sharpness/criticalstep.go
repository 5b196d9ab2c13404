package sharpness

import (
	"context"
	"errors"
	"math"
	"slices"
	"sort"

	"github.com/hessoscope/hessoscope/models"
)

// CriticalStep is the smallest step η > 0 along a direction Δ at which a loss rises,
//
//	η_c = min {η > 0 : L(θ − ηΔ) > L(θ)},
//
// as far as a few steps tell: a rise between two steps at which the loss is lower is
// not seen.
type CriticalStep struct {
	// Value is the step between Low and High at which the loss should be L(θ), by
	// interpolation. It is NaN unless both ends are known.
	Value float64
	// Low is the largest step that was tried, below High, at which the loss is lower
	// than L(θ) beyond rounding; 0 if there was none. High is the smallest one at which
	// it is higher; infinite if there was none.
	Low, High float64
	// Passes is the number of forward passes, at most 9.
	Passes int
}

const (
	maxPasses = 9
	// width is the length of the interval from Low to High, relative to Low, at which
	// a search ends.
	width = 1e-2
	// stride is the factor from one step to the next where those before do not tell how
	// far to go, and farthest the largest factor where they do.
	stride, farthest = 4, 16
)

// Sharpness returns the critical sharpness λ_c = 2/η_c and the ends of its interval. The
// value is NaN, the lower end 0 and the upper one infinite where they are not known.
func (c CriticalStep) Sharpness() (value, low, high float64) {
	return 2 / c.Value, 2 / c.High, 2 / c.Low
}

// Certain reports whether the interval is at most 1 % of the step long.
func (c CriticalStep) Certain() bool { return c.Low > 0 && c.High <= c.Low*(1+width) }

// line is a loss along a direction, as a function of the step.
type line struct {
	loss  func(ctx context.Context, step float64) (float64, error)
	start float64 // the loss at step 0
	slope float64 // the derivative at step 0; NaN if it is not known
	noise float64 // a change of the loss up to this size may be rounding
	spent int     // passes that were needed for these
}

// search is the state of the search for a critical step. The mean slope (L(θ − ηΔ) −
// L(θ))/η of a quadratic loss is linear in the step η, so that its zero, η_c, follows
// from two steps. For other losses this is the secant method, kept inside the interval.
type search struct {
	line
	found    CriticalStep
	tried    []point // ascending; with step 0 if the slope there is known
	expected float64 // the last zero that was expected; NaN if none was
	length   float64 // of the interval before the last step, on a logarithmic scale
	margin   float64 // least distance from the expected zero, relative to it, at which a step is tried
}

// point is a step and the mean slope up to it.
type point struct{ step, slope float64 }

// criticalStep searches from a guess, which is positive.
func (l line) criticalStep(ctx context.Context, guess float64) (CriticalStep, error) {
	s := search{
		line: l, expected: math.NaN(), length: math.Inf(1), margin: width / 4,
		found: CriticalStep{Value: math.NaN(), High: math.Inf(1), Passes: l.spent},
	}
	if !math.IsNaN(l.slope) {
		s.tried = append(s.tried, point{0, l.slope})
	}
	// Begin a little below the guess: at the critical step itself the loss does not
	// change.
	for next := guess * (1 - s.margin); s.found.Passes < maxPasses && !s.found.Certain(); next = s.next(next) {
		if err := s.try(ctx, next); err != nil {
			return CriticalStep{}, err
		}
	}
	if s.found.Low > 0 && !math.IsInf(s.found.High, 1) {
		if s.found.Value = s.zero(); !s.inside(s.found.Value) {
			s.found.Value = s.middle()
		}
	}
	return s.found, nil
}

// try evaluates the loss at a step inside the interval, and narrows it. A loss that is
// not finite is above all others.
func (s *search) try(ctx context.Context, step float64) error {
	loss, err := s.loss(ctx, step)
	if errors.Is(err, models.ErrNotFinite) {
		loss = math.Inf(1)
	} else if err != nil {
		return err
	}
	s.found.Passes++
	rise := loss - s.start
	switch {
	case rise > s.noise:
		s.found.High = step
	case rise < -s.noise:
		s.found.Low = step
	default:
		s.margin *= stride // farther from the zero, where the change is larger
		return nil
	}
	if (step-s.expected)*rise < 0 { // the zero is not where it was expected
		s.margin *= stride
	} else {
		s.margin = width / 4
	}
	i := sort.Search(len(s.tried), func(i int) bool { return s.tried[i].step > step })
	s.tried = slices.Insert(s.tried, i, point{step, rise / step})
	return nil
}

// next returns the step to try after last.
func (s *search) next(last float64) float64 {
	length := math.Log(s.found.High / s.found.Low) // infinite while an end is not known
	slow := length > 0.75*s.length
	s.length = length
	zero := s.zero()
	// How far the zero may be from where it is expected.
	doubt := s.margin * zero
	if !math.IsNaN(s.expected) {
		doubt = max(doubt, math.Abs(zero-s.expected)/4)
	}
	s.expected = zero
	switch {
	case s.found.Low == 0 && math.IsInf(s.found.High, 1): // nothing but rounding so far
		return last * farthest
	case !s.inside(zero) || slow:
		return s.middle()
	case math.IsInf(s.found.High, 1):
		return min(zero+doubt, s.found.Low*farthest)
	}
	// Just above the zero, or just below: whichever narrows the interval more.
	step := zero + doubt
	if zero-s.found.Low > s.found.High-zero {
		step = zero - doubt
	}
	if !s.inside(step) {
		return s.middle()
	}
	return step
}

// zero returns the step at which the mean slope should be zero, by the line through
// its values at the ends of the interval, or else at the two steps that are nearest to
// the known end. It is NaN if there are no two.
func (s *search) zero() float64 {
	if len(s.tried) < 2 {
		return math.NaN()
	}
	i := max(sort.Search(len(s.tried)-1, func(i int) bool { return s.tried[i].slope > 0 }), 1)
	a, b := s.tried[i-1], s.tried[i]
	return a.step - a.slope*(b.step-a.step)/(b.slope-a.slope)
}

// inside reports whether a step is inside the interval.
func (s *search) inside(step float64) bool { return s.found.Low < step && step < s.found.High }

// middle returns a step inside the interval: in its middle on a logarithmic scale, if
// both ends are known.
func (s *search) middle() float64 {
	switch {
	case math.IsInf(s.found.High, 1):
		return s.found.Low * stride
	case s.found.Low == 0:
		return s.found.High / stride
	}
	return math.Sqrt(s.found.Low * s.found.High)
}
