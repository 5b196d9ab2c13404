package curvature

// Memory returns about how many bytes [Solve] takes at its peak for an operator
// on ℝⁿ, besides those of the operator and of Seeds. Basis is the dimension of the
// space that Reduced will project on; other methods do not look at it. What the
// garbage collector usually leaves for later is included: these are measurements,
// of Hessian-like operators, within a fifth of the truth.
func (s Settings) Memory(n, basis int) (float64, error) {
	s, err := s.resolve(n)
	if err != nil {
		return 0, err
	}
	x, m := float64(n), float64(basis)
	switch s.Method {
	case Dense:
		return 8 * 6 * x * x, nil
	case Reduced:
		return 8 * (2*m*x + 6*m*m), nil
	case Quadrature:
		return 8 * x * (4*float64(s.basis(n)) + float64(s.QuadratureSteps)), nil
	}
	return 8 * 4 * float64(s.basis(n)) * x, nil
}
