package curvature

import (
	"context"
	"fmt"
)

// algorithm is a method of this package.
type algorithm interface {
	Solver

	// resolve puts numbers in place of the defaults of settings that only this
	// method uses, and returns an error for what it would refuse.
	resolve(s Settings, n int) (Settings, error)

	// memory returns [Settings.Memory] for resolved settings.
	memory(s Settings, n, support, basis float64) float64
}

var algorithms = map[Method]algorithm{
	Dense:      denseSolver{},
	Lanczos:    lanczosSolver{},
	Reduced:    reducedSolver{},
	Quadrature: quadratureSolver{},
}

// Solve finds eigenpairs of the symmetric op. It returns an error for settings
// that make no sense and for images that are not finite; errors of op and
// ctx.Err() are wrapped. A cancelled ctx is noticed before every H·v. What comes
// from a Solver of one's own is checked and completed as [Solver] says.
func Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	solver, s, err := s.choose(op.Dim())
	if err != nil {
		return nil, fmt.Errorf("curvature: %w", err)
	}
	return solver.Solve(ctx, op, s)
}

// choose returns the solver for an operator on ℝⁿ, and the settings with numbers
// in place of defaults.
func (s Settings) choose(n int) (Solver, Settings, error) {
	s, err := s.resolve(n)
	if err != nil {
		return nil, s, err
	}
	if s.Exact != nil && s.Exact.Dim() != n {
		return nil, s, fmt.Errorf("the exact operator has dimension %d: want %d, as the other", s.Exact.Dim(), n)
	}
	if s.Solver != nil {
		return verified{s.Solver}, s, nil
	}
	if s.Method == "" || s.Method == Auto {
		s.Method = s.auto(n)
	}
	a, ok := algorithms[s.Method]
	if !ok {
		return nil, s, fmt.Errorf("unknown method %q: want one of %s", s.Method, methodNames())
	}
	if s.Exact != nil && (s.Method == Dense || s.Method == Reduced) {
		return nil, s, fmt.Errorf("%s: it resolves eigenvalues as small as rounding in float64, which an approximate operator does not give: want %s or %s", s.Method, Lanczos, Quadrature)
	}
	s, err = a.resolve(s, n)
	return a, s, err
}

// auto returns the method that Auto stands for.
func (s Settings) auto(n int) Method {
	seeds := 0
	if s.Seeds != nil {
		seeds, _ = s.Seeds.Dims()
	}
	switch {
	case s.Exact != nil:
		return Lanczos
	case n <= s.DenseLimit:
		return Dense
	case s.Resolved && s.basisLimit(n) >= min(n, seeds+2*reducedStarts):
		return Reduced
	}
	return Lanczos
}

// Chosen returns the method by which [Solve] finds the pairs of an operator on ℝⁿ:
// what Auto stands for. It is Auto if Solve would return an error, or use Solver.
func (s Settings) Chosen(n int) Method {
	_, chosen, err := s.choose(n)
	if err != nil || s.Solver != nil {
		return Auto
	}
	return chosen.Method
}

// Validate returns the error that [Solve] would return for these settings and
// any operator on ℝⁿ, so that it is known before a training begins.
func (s Settings) Validate(n int) error {
	if _, _, err := s.choose(n); err != nil {
		return fmt.Errorf("curvature: %w", err)
	}
	return nil
}

// WantsSeeds reports whether [Solve] uses Seeds for an operator on ℝⁿ. Only
// Reduced does, and they can be costly.
func (s Settings) WantsSeeds(n int) bool {
	solver, _, err := s.choose(n)
	_, reduced := solver.(reducedSolver)
	return err == nil && reduced
}

// Memory returns about how many bytes [Solve] takes at its peak for an operator
// on ℝⁿ, besides those of the operator and of Seeds. support is the number that
// [Support] returns for it. basis is the dimension of the space that Reduced will
// project on; other methods do not use it. The numbers include what the garbage
// collector usually leaves for later: they were measured with Hessian-like
// operators and are within a quarter of the truth. Settings that Solve would refuse
// are an error, and so is a Solver, of which this is not known.
func (s Settings) Memory(n, support, basis int) (float64, error) {
	solver, s, err := s.choose(n)
	if err != nil {
		return 0, fmt.Errorf("curvature: %w", err)
	}
	a, ok := solver.(algorithm)
	if !ok {
		return 0, fmt.Errorf("curvature: the memory that solver %T takes is not known", s.Solver)
	}
	return a.memory(s, float64(n), float64(support), float64(basis)), nil
}
