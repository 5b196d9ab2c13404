package curvature

// Memory returns about how many bytes [Solve] takes at its peak for an operator
// on ℝⁿ, besides those of the operator and of Seeds. Support is what [Support]
// returns of it; basis is the dimension of the space that Reduced will project on,
// which other methods do not look at. What the
// garbage collector usually leaves for later is included: these are measurements,
// of Hessian-like operators, within a fifth of the truth.
func (s Settings) Memory(n, support, basis int) (float64, error) {
	s, err := s.resolve(n)
	if err != nil {
		return 0, err
	}
	x, k, m := float64(n), float64(support), float64(basis)
	switch s.Method {
	case Dense:
		return 8 * (3*x*x + 4*k*k), nil
	case Reduced:
		return 8 * (2*m*k + 6*m*m), nil
	case Quadrature:
		return 8 * x * (4*float64(s.basis(n)) + float64(s.QuadratureSteps)), nil
	}
	return 8 * 4 * float64(s.basis(n)) * x, nil
}
