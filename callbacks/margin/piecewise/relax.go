package piecewise

import (
	"math"

	"github.com/hessoscope/hessoscope/models"
)

// relaxation bounds an activation σ between two lines on an interval:
//
//	lower.slope·z + lower.offset ≤ σ(z) ≤ upper.slope·z + upper.offset
type relaxation struct{ lower, upper line }

type line struct{ slope, offset float64 }

// relax returns the lines for an activation on [l, u], as CROWN takes them (Zhang et
// al. 2018): tangents and secants. It reports false if there are none for it.
func relax(a models.Activation, l, u float64) (relaxation, bool) {
	switch a {
	case models.ReLU, models.LeakyReLU:
		slope, _ := a.Slope()
		return relaxRectifier(slope, l, u), true
	case models.Softplus:
		return relaxation{widened(tangent(softplus, (l+u)/2), -1), widened(secant(softplus, l, u), 1)}, true
	case models.Tanh:
		return relaxSigmoid(hyperbolic, l, u), true
	case models.Sigmoid:
		return relaxSigmoid(logistic, l, u), true
	}
	return relaxation{}, false
}

// relaxRectifier takes, where the sign of z is not known, the lower line through 0
// that is nearer to the rectifier.
func relaxRectifier(slope, l, u float64) relaxation {
	switch {
	case l >= 0:
		return relaxation{line{1, 0}, line{1, 0}}
	case u <= 0:
		return relaxation{line{slope, 0}, line{slope, 0}}
	}
	lower := line{slope, 0}
	if u > -l {
		lower.slope = 1
	}
	secant := (u - slope*l) / (u - l)
	return relaxation{lower, widened(line{secant, (1 - secant) * u}, 1)}
}

// curve is a function with its derivative.
type curve func(z float64) (value, derivative float64)

func softplus(z float64) (value, derivative float64) {
	return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))), 1 / (1 + math.Exp(-z))
}

func hyperbolic(z float64) (value, derivative float64) {
	value = math.Tanh(z)
	return value, (1 - value) * (1 + value)
}

func logistic(z float64) (value, derivative float64) {
	value = 1 / (1 + math.Exp(-z))
	return value, value / (1 + math.Exp(z))
}

func tangent(f curve, z float64) line {
	value, slope := f(z)
	return line{slope, value - slope*z}
}

// secant returns the line through the ends of an interval.
func secant(f curve, l, u float64) line {
	low, slope := f(l)
	high, _ := f(u)
	if u-l > 1e-6 {
		slope = (high - low) / (u - l)
	}
	return line{slope, max(low-slope*l, high-slope*u)}
}

// relaxSigmoid is for functions that are convex below 0, concave above it, and
// symmetric about their value there.
func relaxSigmoid(f curve, l, u float64) relaxation {
	upper := upperSigmoid(f, l, u)
	centre, _ := f(0)
	mirrored := upperSigmoid(f, -u, -l) // σ(z) = 2σ(0) − σ(−z)
	return relaxation{line{mirrored.slope, widened(line{mirrored.slope, 2*centre - mirrored.offset}, -1).offset}, widened(upper, 1)}
}

// upperSigmoid returns the tangent in the middle where the function is concave, the
// secant where that is above it, and else the tangent that goes through the lower
// end.
func upperSigmoid(f curve, l, u float64) line {
	if l >= 0 {
		return tangent(f, (l+u)/2)
	}
	low, _ := f(l)
	above := func(z float64) bool { // whether the tangent at z ≥ 0 is above the lower end
		t := tangent(f, z)
		return t.slope*l+t.offset >= low
	}
	if u <= 0 || !above(u) {
		s := secant(f, l, u)
		return s
	}
	inside, outside := 0.0, u
	for range 40 {
		if z := (inside + outside) / 2; above(z) {
			outside = z
		} else {
			inside = z
		}
	}
	return tangent(f, outside)
}

// widened moves a line up or down by the rounding errors of its offset, for values
// and arguments of the order of one.
func widened(l line, direction float64) line {
	l.offset += direction * 1e-14 * (1 + math.Abs(l.offset))
	return l
}
