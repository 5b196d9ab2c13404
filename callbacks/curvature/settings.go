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
// at most Top and Bottom pairs, in order: values, and vectors that are orthonormal
// to 1e-6. Applications should be the number of H·v spent. It may leave out
// everything else, or set other fields that it knows; Resolved then comes from
// [NewEigenspace]. Solve returns an error if something of this is wrong, with what
// would be right, and completes the rest:
//
//   - Vectors get the length and sign that [Pairs] states.
//   - Residuals are measured, whatever the solver claims, also those of Resolved.
//     This takes one H·v a pair, which is added to Applications.
//   - Converged is set if every residual is at most Threshold, all pairs asked for
//     were found, and the solver gives no Reason why not.
//   - Resolved, if nil, is made of Top and Bottom.
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

	// DenseLimit is the largest dimension for which Auto means Dense. If it
	// equals zero, it is 500.
	DenseLimit int

	// Top and Bottom are the numbers of algebraically largest and smallest
	// eigenpairs to find. If they equal zero they are 10 and 5; if negative,
	// none. Above n they are n. Ask Lanczos for no bottom pairs of a positive
	// semidefinite operator with values decaying to zero: in that crowd hardly
	// any pair converges.
	Top, Bottom int

	// Tolerance is the largest residual ‖H v − θ v‖₂ of a converged pair,
	// relative to the largest |θ|. If it equals zero, it is 1e-8. Below about
	// 1e-14 it cannot be met.
	Tolerance float64

	// MaxApplications bounds the H·v of Lanczos and is not less than the number
	// of pairs. Reaching it is not an error: the spectrum is then not Converged.
	// If it equals zero, it is 40 a pair, and at least 300.
	MaxApplications int

	// Resolved asks for all resolvable pairs, those with |λ| > Resolution·max |λ|,
	// as far as Auto can give them. If Resolution equals zero, it is 1e-10.
	Resolved   bool
	Resolution float64

	// Seeds has, as rows of length n, directions that matter to what will be
	// asked of the eigenvectors, such as sample gradients: Reduced's basis spans
	// them and what H makes of them, besides 48 random vectors, or as many as are
	// an eighth of it. They may be of any length, dependent, zero or nil.
	Seeds *mat.Dense

	// MaxBasis bounds the vectors in Reduced's basis. Reaching it is not an error:
	// the spectrum is then not Converged. If it equals zero, it is the number m
	// for which 8·(m·n + 6·m²) bytes are 1 GB; above n it is n.
	MaxBasis int

	// TraceSamples is the number of random vectors, of one H·v each, that Lanczos
	// spends on Trace and Frobenius: 0 for none, and no estimate, or at least 2.
	// Ten are enough to know the error to a quarter. For Reduced it is at least 4.
	TraceSamples int

	// QuadratureVectors and QuadratureSteps are the number of random vectors of
	// Quadrature, at least 2, and of Lanczos steps from each. If they equal zero
	// they are 10 and 90.
	QuadratureVectors, QuadratureSteps int

	// Seed determines all random vectors. The same seed gives the
	// same spectrum, bit for bit.
	Seed uint64

	// Start has approximate eigenvectors as rows of length n, such as
	// [Spectrum.Vectors] of an earlier measurement. They may be any number and
	// need not be independent: Lanczos starts from the sum of the normalised
	// rows, whose Krylov space soon holds the vectors near them. If it is nil, the
	// start is random. Dense does not use it.
	Start *mat.Dense

	// Progress, if not nil, is called now and then with the numbers of pairs
	// known to have converged, of pairs wanted and of H·v so far.
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

func pairCount(setting, byDefault, n int) int {
	if setting == 0 {
		setting = byDefault
	}
	return min(max(setting, 0), n)
}

// asked returns the number of pairs to find.
func (s Settings) asked(n int) int { return min(s.Top+s.Bottom, n) }
