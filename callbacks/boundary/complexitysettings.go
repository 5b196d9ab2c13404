package boundary

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Statistic summarises an eigenvector's alignments with the N samples in one
// number.
type Statistic string

const (
	MaxAlignment  Statistic = "max"  // maxₙ |Aᵢ(xₙ)|
	MeanAlignment Statistic = "mean" // meanₙ |Aᵢ(xₙ)|, a variant of the paper's
)

// Selection says which eigenvectors are counted.
type Selection string

const (
	ResolvableVectors Selection = "resolvable" // those with |λᵢ| > τ|λ₁|
	// AllVectors is the paper's selection. Its counts at small ε cannot be
	// compared between networks: the basis of the null space of H is the solver's
	// arbitrary choice.
	AllVectors Selection = "all"
)

// ComplexitySettings choose the variant of the complexity; the zero value means
// the defaults. The paper's own is {Epsilon: 1e-6, Vectors: AllVectors}, with
// either statistic.
type ComplexitySettings struct {
	// Epsilon is ε in (0, 1]. If it equals zero, [CalibratedEpsilon] calibrates it
	// against chance.
	Epsilon float64
	// Alpha bounds the probability α that chance reaches the calibrated ε; 0.05 if
	// zero.
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

// Validate returns the error that [Eigenpairs.Complexity] returns for these
// settings, so that it is known before training begins.
func (s ComplexitySettings) Validate() error {
	_, err := s.resolve()
	return err
}

// of returns the statistic of non-negative values.
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
