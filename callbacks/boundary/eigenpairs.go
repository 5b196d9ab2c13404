package boundary

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// Floor is τ: an eigenvalue is resolvable if |λ| > τ|λ₁|, with λ₁ the largest.
// The eigenvectors of smaller ones span, for a trained network, the null space
// of the Hessian up to rounding, and each of them is the solver's arbitrary
// choice.
const Floor = 1e-10

// Eigenpairs holds those eigenpairs (λᵢ, vᵢ) of the Hessian that are known: the
// eigenvalues, and the alignments of their eigenvectors with the reinforcing
// gradients. A method orders them as it needs; none modifies them.
type Eigenpairs struct {
	Values []float64 // λᵢ, in any order, each pair once

	// Residuals are ‖H vᵢ − λᵢ vᵢ‖₂: some eigenvalue of H is within its residual
	// of each value. Nil means that the pairs are exact.
	Residuals []float64

	// Alignments has Aᵢ(xₙ) = ⟨vᵢ, ĝ(xₙ)⟩ in row n and column i, N × len(Values).
	// The vᵢ are orthonormal. It may be nil where only Outliers is called.
	Alignments *mat.Dense

	Parameters int // P, the number of all eigenvalues

	// Complete reports whether every resolvable eigenvalue is among Values. If it
	// is false and there are fewer than P, then Top of the Values are the largest
	// eigenvalues of H, the others are its smallest, and those in between are
	// unknown. Top is then at least 1.
	Complete bool
	Top      int
}

func (e *Eigenpairs) validate() error {
	k := len(e.Values)
	if k == 0 || k > e.Parameters {
		return fmt.Errorf("boundary: %d eigenvalues for %d parameters: want 1 to %[2]d", k, e.Parameters)
	}
	if e.Residuals != nil && len(e.Residuals) != k {
		return fmt.Errorf("boundary: %d residuals for %d eigenvalues", len(e.Residuals), k)
	}
	if !e.Complete && k < e.Parameters && (e.Top < 1 || e.Top > k) {
		return fmt.Errorf("boundary: incomplete pairs with the largest %d of %d eigenvalues: want Top from 1 to %[2]d", e.Top, k)
	}
	for i, v := range e.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("boundary: eigenvalue %d is %v: want a finite number", i, v)
		}
	}
	for i, r := range e.Residuals {
		if !(r >= 0) || math.IsInf(r, 0) {
			return fmt.Errorf("boundary: residual %d is %v: want a finite number, not negative", i, r)
		}
	}
	return e.validateAlignments()
}

func (e *Eigenpairs) validateAlignments() error {
	if e.Alignments == nil {
		return nil
	}
	n, k := e.Alignments.Dims()
	if k != len(e.Values) {
		return fmt.Errorf("boundary: alignments are %d × %d: want one column for each of %d eigenvalues", n, k, len(e.Values))
	}
	const rounding = 1e-6 // how far |A| may exceed 1
	for j := range n {
		for i, a := range e.Alignments.RawRowView(j) {
			if !(math.Abs(a) <= 1+rounding) {
				return fmt.Errorf("boundary: alignment of sample %d with eigenvector %d is %v: want −1 to 1", j, i, a)
			}
		}
	}
	return nil
}

var errNoAlignments = errors.New("boundary: the eigenpairs have no alignments")

// NewEigenpairs returns the resolvable pairs of a spectrum, without alignments.
func NewEigenpairs(s *curvature.Spectrum) *Eigenpairs {
	e := &Eigenpairs{
		Values: s.Resolved.Values, Residuals: s.Resolved.Residuals,
		Parameters: s.Dim, Complete: s.Resolved.Complete,
	}
	for _, v := range s.Top.Values {
		if slices.Contains(e.Values, v) { // v is resolvable
			e.Top++
		}
	}
	return e
}

// Measurable reports whether outliers and complexity are defined: the largest
// eigenvalue is known and positive.
func (e *Eigenpairs) Measurable() bool {
	return len(e.Values) > 0 && slices.Max(e.Values) > 0 && (e.Complete || e.Top > 0)
}
