package curvature

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Solver finds eigenpairs of an operator. One from outside this package is used by
// [Settings.Solver].
//
// [Solve] hands it settings with numbers in place of the defaults that concern
// every solver: Top and Bottom are from 0, for none, to n; Tolerance and Resolution
// are between 0 and 1; Solver is nil. (To call Solve with them, a solver must put
// −1 in place of 0 pairs.) A solver should notice a cancelled ctx, and heed what it
// can of Seed, Start, MaxApplications and Progress.
//
// The spectrum that it returns must have its own name as the Method, n as Dim, and
// at most Top and Bottom pairs in their order: the values, and vectors that are
// orthonormal to 1e-6. Applications should be the number of H·v spent. The other
// fields are optional; a Resolved space comes from [NewEigenspace], and estimates have
// their Low and High. Solve returns an error that says what is wrong and what would be
// right, or completes the spectrum:
//
//   - Vectors get the length and sign that [Pairs] states.
//   - Residuals are measured, also those of Resolved, and replace any that the solver
//     returned. This takes one H·v for each pair, which is added to Applications.
//   - Converged is true if every residual is at most Threshold, all pairs asked for
//     were found, and the solver gives no Reason against it.
//   - Resolved, if nil, is built from Top and Bottom.
//   - Asymmetry, if zero, is taken for unknown and becomes NaN.
type Solver interface {
	Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error)
}

// Settings says which eigenpairs to find, how well, and at what cost. The zero
// value means the defaults.
type Settings struct {
	Method Method

	// Solver, if not nil, is used in place of the methods of this package. Method
	// then does not matter.
	Solver Solver

	// Exact, if not nil, is the operator that is meant where the one that is handed to
	// Solve is close to it but costs less, such as the same Hessian by products in
	// float32. Pairs are then searched with the latter. In the space of the vectors
	// found, the Ritz pairs of Exact are the result, with their residuals by Exact: this
	// takes one product with it for each pair. Estimates and Density are those of the
	// other. Only Lanczos and Quadrature do this, and Auto means Lanczos; a Solver's
	// residuals are measured by Exact.
	Exact Operator

	// DenseLimit is the largest dimension for which Auto means Dense. If it
	// equals zero, it is 500.
	DenseLimit int

	// Top and Bottom are the numbers of algebraically largest and smallest
	// eigenpairs to find. If they equal zero, they are 10 and 5. If they are negative,
	// no such pairs are found; if they are above n, all are. Do not ask Lanczos for
	// bottom pairs of a positive semi-definite operator whose eigenvalues decay to
	// zero: where so many lie close together, hardly any pair converges.
	Top, Bottom int

	// Tolerance is the largest residual ‖H v − θ v‖₂ of a converged pair,
	// relative to the largest |θ|. If it equals zero, it is 1e-8, or 1e-5 with Exact.
	// Below about 1e-14 it cannot be met, nor below the error of the products if there
	// is an Exact.
	Tolerance float64

	// MaxApplications bounds the H·v of Lanczos. It must be at least the number of
	// pairs. Reaching it is not an error: the spectrum is then not Converged. If it
	// equals zero, it is 40 for each pair, and at least 300. Where the images of the
	// basis are not kept, one more for each pair measures the residuals.
	MaxApplications int

	// Resolved asks for all resolvable pairs, those with |λ| > Resolution·max |λ|,
	// as far as Auto can give them. If Resolution equals zero, it is 1e-10.
	Resolved   bool
	Resolution float64

	// Seeds has, as rows in ℝⁿ, vectors that will be projected on the eigenvectors,
	// such as sample gradients. The basis of Reduced spans them and their Krylov space,
	// besides that of up to 48 random vectors, at most an eighth of the basis. Seeds may
	// have any norm, also zero, and be linearly dependent. Nil means none.
	Seeds *mat.Dense

	// MaxBasis bounds the number of vectors in the basis of Reduced. Reaching it is not
	// an error: the spectrum is then not Converged. If it equals zero, it is the number
	// m for which 8·(m·n + 6·m²) bytes are 1 GB. Above n it is n.
	MaxBasis int

	// TraceSamples is the number of random vectors, of one H·v each, by which Lanczos
	// estimates Trace and Frobenius. It must be at least 2, or 0 for no estimate. From
	// 4 on, their intervals cover as claimed. For Reduced it is at least 4.
	TraceSamples int

	// QuadratureVectors and QuadratureSteps are the number of random vectors of
	// Quadrature, at least 2, and the number of Lanczos steps from each. If they equal
	// zero, they are 10 and 90.
	QuadratureVectors, QuadratureSteps int

	// Seed determines all random vectors. The same seed gives the same spectrum, bit
	// for bit.
	Seed uint64

	// Start has approximate eigenvectors as rows in ℝⁿ, such as [Spectrum.Vectors] of
	// an earlier measurement. There may be any number of them, and they may be linearly
	// dependent: Lanczos starts from the sum of the normalised rows, whose Krylov space
	// soon contains eigenvectors near them. If it is nil, the start vector is random.
	// Only Lanczos and Quadrature use it.
	Start *mat.Dense

	// Progress, if not nil, is called from time to time with the number of pairs known
	// to have converged, the number wanted, and the number of H·v so far.
	Progress func(converged, wanted, applications int)
}

// resolve puts numbers in place of the defaults that concern every solver, for an
// operator on ℝⁿ, and checks them.
func (s Settings) resolve(n int) (Settings, error) {
	if n < 1 {
		return s, fmt.Errorf("the operator has dimension %d: want at least 1", n)
	}
	s.Top = pairCount(s.Top, 10, n)
	s.Bottom = pairCount(s.Bottom, 5, n)
	if s.Tolerance == 0 {
		s.Tolerance = 1e-8
		if s.Exact != nil {
			s.Tolerance = 1e-5
		}
	}
	if !(s.Tolerance > 0 && s.Tolerance < 1) {
		return s, fmt.Errorf("tolerance %v: want 0 < tolerance < 1", s.Tolerance)
	}
	if s.Resolution == 0 {
		s.Resolution = 1e-10
	}
	if !(s.Resolution > 0 && s.Resolution < 1) {
		return s, fmt.Errorf("resolution %v: want 0 < resolution < 1", s.Resolution)
	}
	if s.MaxBasis < 0 {
		return s, fmt.Errorf("a basis of at most %d vectors: want at least 1, or 0 for the default", s.MaxBasis)
	}
	if s.TraceSamples < 0 || s.TraceSamples == 1 {
		return s, fmt.Errorf("%d samples of the trace: want 0 or at least 2", s.TraceSamples)
	}
	if s.DenseLimit == 0 {
		s.DenseLimit = 500
	}
	return s, nil
}

// pairCount returns the number of pairs that a setting stands for, from 0 to n.
func pairCount(setting, byDefault, n int) int {
	if setting == 0 {
		setting = byDefault
	}
	return min(max(setting, 0), n)
}

// asked returns the number of pairs to find.
func (s Settings) asked(n int) int { return min(s.Top+s.Bottom, n) }
