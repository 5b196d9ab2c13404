package curvature

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// verifiedAtOnce is the number of vectors of Resolved whose residuals are measured
// together.
const verifiedAtOnce = 64

// verified is a solver from outside this package whose result is checked and
// completed as [Solver] says.
type verified struct{ Solver }

// Solve implements [Solver].
func (v verified) Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	spectrum, err := v.solve(ctx, op, s)
	if err != nil {
		return nil, fmt.Errorf("curvature: solver %T: %w", v.Solver, err)
	}
	return spectrum, nil
}

func (v verified) solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	s.Solver = nil
	found, err := v.Solver.Solve(ctx, op, s)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errors.New("it returned neither a spectrum nor an error")
	}
	spectrum := *found
	if err := spectrum.verify(s, op.Dim()); err != nil {
		return nil, err
	}
	if s.Exact != nil {
		op = s.Exact
	}
	if err := spectrum.measure(ctx, op); err != nil {
		return nil, fmt.Errorf("residuals of its pairs: %w", err)
	}
	spectrum.complete(s)
	return &spectrum, nil
}

// verify returns an error for the first field that cannot be right for an operator
// on ℝⁿ.
func (s *Spectrum) verify(settings Settings, n int) error {
	switch {
	case s.Method == "" || s.Method == Auto:
		return fmt.Errorf("its Method is %q: want the solver's name", string(s.Method))
	case s.Dim != n:
		return fmt.Errorf("its Dim is %d: want the operator's dimension, %d", s.Dim, n)
	case s.Applications < 0:
		return fmt.Errorf("its Applications are %d: want the number of H·v spent", s.Applications)
	case len(s.All) != 0 && len(s.All) != n:
		return fmt.Errorf("its All has %d eigenvalues: want none or all %d", len(s.All), n)
	}
	if j := indexNotFinite(s.All); j >= 0 {
		return fmt.Errorf("its All: value %d is %v: want a finite number", j, s.All[j])
	}
	if err := verifyOrder(s.All, -1); err != nil {
		return fmt.Errorf("its All: %w", err)
	}
	if err := s.Top.verifyEnd(n, settings.Top, 1); err != nil {
		return fmt.Errorf("its Top: %w", err)
	}
	if err := s.Bottom.verifyEnd(n, settings.Bottom, -1); err != nil {
		return fmt.Errorf("its Bottom: %w", err)
	}
	if v := s.Vectors(); v != nil && len(s.Top.Values)+len(s.Bottom.Values) <= n {
		if err := verifyOrthonormal(v); err != nil {
			return fmt.Errorf("its Top and then Bottom: %w", err)
		}
	}
	for name, e := range map[string]*Estimate{"Trace": s.Trace, "Frobenius": s.Frobenius} {
		if e != nil && !(e.Low <= e.Value && e.Value <= e.High) {
			return fmt.Errorf("its %s is %g, from %g to %g: want Low ≤ Value ≤ High", name, e.Value, e.Low, e.High)
		}
	}
	if e := s.Resolved; e != nil && e.Len() > 0 {
		if k, m := e.dims(); k != e.Len() || k != len(e.Residuals) || m != n {
			return fmt.Errorf("its Resolved has %d values, %d residuals and %d vectors in ℝ^%d: want what NewEigenspace returns of vectors in ℝ^%d",
				e.Len(), len(e.Residuals), k, m, n)
		}
	}
	return nil
}

// verifyEnd returns an error unless these can be pairs from one end of the spectrum
// of an operator on ℝⁿ, the upper one for side 1, the lower one for −1.
func (p Pairs) verifyEnd(n, asked int, side float64) error {
	if err := p.verify(n); err != nil {
		return err
	}
	k := len(p.Values)
	switch {
	case k > asked:
		return fmt.Errorf("%d pairs: want at most %d", k, asked)
	case p.Residuals != nil && len(p.Residuals) != k:
		return fmt.Errorf("%d values and %d residuals: want one for each value, or none", k, len(p.Residuals))
	case k == 0:
		return nil
	}
	if err := verifyOrder(p.Values, side); err != nil {
		return err
	}
	return verifyOrthonormal(p.Vectors)
}

// measure sets the residuals of all pairs, by one H·v each, and the length and
// sign of the vectors in Top and Bottom. What the solver returned stays as it is.
func (s *Spectrum) measure(ctx context.Context, op Operator) error {
	for _, p := range []*Pairs{&s.Top, &s.Bottom} {
		if len(p.Values) == 0 {
			*p = Pairs{}
			continue
		}
		p.Vectors = mat.DenseCopyOf(p.Vectors)
		p.settle()
		if err := p.measure(ctx, op); err != nil {
			return err
		}
		s.Applications += len(p.Values)
	}
	if s.Resolved == nil {
		return nil
	}
	e := *s.Resolved
	e.Residuals = nil
	for i := 0; i < e.Len(); i += verifiedAtOnce {
		end := min(i+verifiedAtOnce, e.Len())
		p := Pairs{Values: e.Values[i:end], Vectors: e.Vectors(i, end)}
		if err := p.measure(ctx, op); err != nil {
			return err
		}
		e.Residuals = append(e.Residuals, p.Residuals...)
	}
	s.Applications += e.Len()
	s.Resolved = &e
	return nil
}

// complete sets what follows from the measured pairs.
func (s *Spectrum) complete(settings Settings) {
	known := slices.Concat(s.Top.Values, s.Bottom.Values, s.All)
	count, asked := len(s.Top.Values)+len(s.Bottom.Values), settings.Top+settings.Bottom
	if s.Resolved != nil {
		known = append(known, s.Resolved.Values...)
	}
	scale := 0.0
	for _, v := range known {
		scale = max(scale, math.Abs(v))
	}
	reason := s.Reason
	s.Reason = ""
	s.conclude(settings.Tolerance, scale)
	s.unless(count == asked, fmt.Sprintf("%d of %d pairs were found", count, asked))
	s.unless(reason == "", reason)
	if s.Resolved == nil {
		s.Resolved = s.distinct().eigenspace(s.Dim, settings.Resolution*scale)
		s.Resolved.Complete = s.Converged && count >= s.Dim
	}
	if s.Asymmetry == 0 {
		s.Asymmetry = math.NaN()
	}
}

// distinct returns the pairs of Top and Bottom in descending order, each only once:
// the last pairs of Bottom may be in Top.
func (s *Spectrum) distinct() Pairs {
	all := Pairs{
		Values:    slices.Concat(s.Top.Values, s.Bottom.Values),
		Vectors:   s.Vectors(),
		Residuals: slices.Concat(s.Top.Residuals, s.Bottom.Residuals),
	}
	order := ends(len(all.Values), s.Dim, -1)
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(all.Values[j], all.Values[i]) })
	return all.ordered(order)
}
