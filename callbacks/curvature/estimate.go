package curvature

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a measured number with its error.
type Estimate struct {
	Value float64

	// Error is a bound of the error if Samples is zero. Otherwise it is one standard
	// error: the standard deviation over Samples random vectors divided by √Samples.
	// With few samples it is uncertain itself, which Interval takes into account.
	Error   float64
	Samples int
}

// Interval returns the bounds between which the true value lies with the given
// probability. They come from Student's t-distribution with Samples − 1 degrees of
// freedom. If Samples is zero, they are Value ± Error at any level.
func (e Estimate) Interval(level float64) (low, high float64) {
	width := e.Error
	if e.Samples > 1 {
		width *= distuv.StudentsT{Sigma: 1, Nu: float64(e.Samples - 1)}.Quantile((1 + level) / 2)
	}
	return e.Value - width, e.Value + width
}

// sampled returns the mean of at least two values as an estimate.
func sampled(values []float64) Estimate {
	scale := max(floats.Norm(values, math.Inf(1)), math.SmallestNonzeroFloat64)
	scaled := make([]float64, len(values)) // so that squares do not overflow
	for i, v := range values {
		scaled[i] = v / scale
	}
	mean, deviation := stat.MeanStdDev(scaled, nil)
	return Estimate{Value: mean * scale, Error: deviation / math.Sqrt(float64(len(values))) * scale, Samples: len(values)}
}

// plus adds a sampled term. If the term is negligible, it is not added, but its size
// and three standard errors of it become part of the error bound.
func (e Estimate) plus(term Estimate, negligible bool) Estimate {
	if negligible {
		e.Error += math.Abs(term.Value) + 3*term.Error
		return e
	}
	return Estimate{Value: e.Value + term.Value, Error: math.Hypot(e.Error, term.Error), Samples: term.Samples}
}
