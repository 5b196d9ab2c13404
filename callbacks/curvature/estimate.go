package curvature

import "math"

// coverage is the probability with which Low and High of a sampled [Estimate] enclose the
// true value.
const coverage = 0.95

// Estimate is a measured number with its error.
type Estimate struct {
	Value float64

	// Error is a bound of the error if Samples is zero. Otherwise it is one standard
	// error, and Samples is the number of random vectors.
	Error   float64
	Samples int

	// Low and High enclose the true value, with a probability of 0.95 if it was sampled
	// and up to rounding if not. A sampled value need not be in the middle.
	Low, High float64
}

// bounded returns a value with a bound of its error.
func bounded(value, bound float64) Estimate {
	return Estimate{Value: value, Error: bound, Low: value - bound, High: value + bound}
}

// widened adds a bound of a further error.
func (e Estimate) widened(bound float64) Estimate {
	e.Error += bound
	e.Low -= bound
	e.High += bound
	return e
}

// plus adds a sampled term to a value that was not sampled. If the term is negligible,
// it is not added, but its size and three standard errors of it become part of the
// error bound.
func (e Estimate) plus(term Estimate, negligible bool) Estimate {
	if negligible {
		return e.widened(math.Abs(term.Value) + 3*term.Error)
	}
	return Estimate{
		Value:   e.Value + term.Value,
		Error:   math.Hypot(e.Error, term.Error),
		Samples: term.Samples,
		Low:     e.Low + term.Low,
		High:    e.High + term.High,
	}
}

// root returns the estimate of the square root of what e estimates.
func (e Estimate) root() Estimate {
	root := math.Sqrt(e.Value)
	return Estimate{
		Value:   root,
		Error:   math.Sqrt(e.Value+e.Error) - root,
		Samples: e.Samples,
		Low:     math.Sqrt(max(e.Low, 0)),
		High:    math.Sqrt(e.High),
	}
}
