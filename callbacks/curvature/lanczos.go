package curvature

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
)

const (
	ritzEvery  = 3      // steps between two Rayleigh–Ritz procedures
	probeSteps = 8      // steps of the final search for missed pairs
	maxBasis   = 12.8e9 // bytes of the basis, at most
)

// lanczosSolver is the method [Lanczos].
type lanczosSolver struct{}

func (lanczosSolver) resolve(s Settings, n int) (Settings, error) {
	wanted := s.asked(n)
	basis := 8 * float64(s.basisSize(n)) * float64(n)
	switch {
	case wanted == 0:
		return s, errors.New("lanczos: neither top nor bottom pairs asked for")
	case s.MaxApplications != 0 && s.MaxApplications < wanted:
		return s, fmt.Errorf("lanczos: at most %d applications for %d pairs: want at least as many", s.MaxApplications, wanted)
	case basis > maxBasis:
		return s, fmt.Errorf("lanczos: %d pairs of n = %d take %.3g GB: want fewer, in at most %.3g GB", wanted, n, basis/1e9, maxBasis/1e9)
	}
	return s, nil
}

func (lanczosSolver) memory(s Settings, n, _, _ float64) float64 {
	m, pairs := float64(s.basisSize(int(n))), float64(s.asked(int(n)))
	if s.keepsImages(int(n)) {
		return 8 * 4 * m * n
	}
	return 8 * (m + 2*pairs + 3) * n
}

// Solve implements [Solver].
func (lanczosSolver) Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	spectrum, found, err := lanczosPairs(ctx, op, s)
	if err != nil || s.TraceSamples == 0 {
		return spectrum, err
	}
	outside, err := probe(ctx, op, found.basis(op.Dim()), rand.New(rand.NewPCG(s.Seed, 1)), s.TraceSamples)
	if err != nil {
		return nil, fmt.Errorf("curvature: trace, after %d H·v: %w", spectrum.Applications, err)
	}
	spectrum.Applications += outside.samples
	spectrum.estimate(found.Values, floats.Norm(found.Values, 2), floats.Norm(found.Residuals, 2), outside)
	return spectrum, nil
}

// lanczosPairs returns the spectrum and the distinct pairs of top and bottom in
// descending order. If the operator is large and its support clearly smaller, which
// takes one H·v to find out, the pairs are found on the support: there is less to
// orthogonalise. This is not done with a budget, a warm start or Exact. It is done again
// without the support if an eigenvalue zero, which the support may leave out, can be
// among the pairs.
func lanczosPairs(ctx context.Context, op Operator, s Settings) (*Spectrum, Pairs, error) {
	const large, smaller = 5_000, 0.9
	n := op.Dim()
	if n < large || s.Start != nil || s.MaxApplications > 0 || s.Exact != nil {
		return lanczosOf(ctx, op, s, 0)
	}
	on, err := support(ctx, op, rand.New(rand.NewPCG(s.Seed, 3)))
	if err != nil {
		return nil, Pairs{}, fmt.Errorf("curvature: lanczos, after 0 H·v: %w", err)
	}
	if float64(on.Dim()) > smaller*float64(n) || s.asked(on.Dim()) < s.asked(n) {
		return lanczosOf(ctx, op, s, 1)
	}
	spectrum, found, err := lanczosOf(ctx, on, s, 1)
	if err != nil {
		return nil, Pairs{}, err
	}
	if !spectrum.Top.beyondZero(1) || !spectrum.Bottom.beyondZero(-1) {
		return lanczosOf(ctx, op, s, spectrum.Applications)
	}
	return spectrum, found, nil
}

// lanczosOf does the same with op as it is: the whole operator, or one on its support,
// of which it returns the vectors in all coordinates. applications is the number of H·v
// already spent.
func lanczosOf(ctx context.Context, op Operator, s Settings, applications int) (*Spectrum, Pairs, error) {
	l := newLanczos(op, s)
	l.applications = applications
	l.MaxApplications += applications
	if err := l.start(); err != nil {
		return nil, Pairs{}, fmt.Errorf("curvature: lanczos: %w", err)
	}
	complete, err := l.run(ctx)
	if err != nil {
		return nil, Pairs{}, fmt.Errorf("curvature: lanczos, after %d H·v: %w", l.applications, err)
	}
	order := l.wanted()
	slices.Sort(order)
	order = slices.Compact(order)
	slices.Reverse(order)
	found, err := l.pairs(ctx, order)
	if err != nil {
		return nil, Pairs{}, fmt.Errorf("curvature: lanczos, after %d H·v: %w", l.applications, err)
	}
	n := l.n
	if on, isPart := op.(supported); isPart {
		n, found.Vectors = on.Operator.Dim(), on.embed(found.Vectors)
	}
	spectrum := &Spectrum{
		Method:       Lanczos,
		Dim:          n,
		Top:          found.ordered(ends(len(order), l.Top, -1)),
		Bottom:       found.ordered(ends(len(order), l.Bottom, 1)),
		Applications: l.applications,
		Asymmetry:    math.NaN(),
	}
	spectrum.conclude(l.Tolerance, maxAbs(l.values))
	spectrum.unless(complete || !spectrum.Converged, "no H·v were left to look for missed pairs")
	spectrum.Resolved = found.eigenspace(n, l.Resolution*maxAbs(l.values))
	spectrum.Resolved.Complete = spectrum.Converged && len(order) == l.n
	return spectrum, found, nil
}

// run iterates until all wanted pairs have converged and the probe has found no
// others; it then reports true. It reports false if the budget or the dimensions are
// exhausted before.
func (l *lanczos) run(ctx context.Context) (found bool, err error) {
	probing := false
	for steps := min(l.Top+l.Bottom, l.n); ; {
		if err := l.extend(ctx, steps); err != nil {
			return false, err
		}
		if err := l.rayleighRitz(); err != nil {
			return false, err
		}
		done := l.checkResiduals()
		full := l.k == l.n
		switch {
		case done && (probing || full):
			return true, nil
		case full || l.applications >= l.MaxApplications:
			return false, nil
		case done && l.applications+probeSteps > l.MaxApplications:
			return false, nil
		case done:
			probing = true
			l.leave()
			l.restartUnlessRoom(probeSteps)
			l.randomise()
			l.krylov = false
			steps = probeSteps
		default:
			steps = ritzEvery
			if !l.krylov {
				l.takeWorstResidual()
				steps = 1
			}
			probing = false
			l.restartUnlessRoom(1)
		}
	}
}
