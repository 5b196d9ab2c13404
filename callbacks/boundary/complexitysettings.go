package boundary

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Statistic is what is made of an eigenvector's alignments with the N samples.
type Statistic string

const (
	MaxAlignment  Statistic = "max"  // maxₙ |Aᵢ(xₙ)|
	MeanAlignment Statistic = "mean" // meanₙ |Aᵢ(xₙ)|, a variant of the paper's
)

// Selection is which eigenvectors are counted.
type Selection string

const (
	ResolvableVectors Selection = "resolvable" // those with |λᵢ| > τ|λ₁|
	// AllVectors is the paper's. Its counts at small ε are of no use for comparisons:
	// in the null space of H they are an arbitrary choice of the solver.
	AllVectors Selection = "all"
)

// ComplexitySettings choose the measure; the zero value means the defaults. The
// paper's own is {Epsilon: 1e-6,
// Vectors: AllVectors}, with either statistic.
type ComplexitySettings struct {
	// Epsilon is ε in (0, 1]. If it equals zero, it is calibrated against chance,
	// see [CalibratedEpsilon].
	Epsilon float64
	// Alpha is the probability α that chance reaches the calibrated ε; if zero, 0.05.
	Alpha     float64
	Statistic Statistic // MaxAlignment if empty
	Vectors   Selection // ResolvableVectors if empty
}

func (s ComplexitySettings) resolve() (ComplexitySettings, error) {
	if s.Alpha == 0 {
		s.Alpha = 0.05
	}
	if s.Statistic == "" {
		s.Statistic = MaxAlignment
	}
	if s.Vectors == "" {
		s.Vectors = ResolvableVectors
	}
	switch {
	case !(s.Epsilon >= 0 && s.Epsilon <= 1):
		return s, fmt.Errorf("boundary: epsilon %v: want 0 < epsilon ≤ 1, or 0 to calibrate it", s.Epsilon)
	case !(s.Alpha > 0 && s.Alpha < 1):
		return s, fmt.Errorf("boundary: alpha %v: want 0 < alpha < 1", s.Alpha)
	case s.Statistic != MaxAlignment && s.Statistic != MeanAlignment:
		return s, fmt.Errorf("boundary: unknown statistic %q: want %q or %q", s.Statistic, MaxAlignment, MeanAlignment)
	case s.Vectors != ResolvableVectors && s.Vectors != AllVectors:
		return s, fmt.Errorf("boundary: unknown selection of eigenvectors %q: want %q or %q", s.Vectors, ResolvableVectors, AllVectors)
	}
	return s, nil
}

// Validate is the error that [Eigenpairs.Complexity] has for these settings and
// any eigenpairs: better known before a training than in it.
func (s ComplexitySettings) Validate() error {
	_, err := s.resolve()
	return err
}

// of returns the statistic of values that are not negative.
func (s Statistic) of(values []float64) float64 {
	if s == MeanAlignment {
		return stat.Mean(values, nil)
	}
	largest := 0.0
	for _, v := range values {
		largest = math.Max(largest, v)
	}
	return largest
}
