package curvature

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// quadratureSolver is the method [Quadrature].
type quadratureSolver struct{}

func (quadratureSolver) resolve(s Settings, n int) (Settings, error) {
	if s.QuadratureVectors == 0 {
		s.QuadratureVectors = 10
	}
	if s.QuadratureSteps == 0 {
		s.QuadratureSteps = 90
	}
	bytes := 8 * float64(s.asked(n)+min(s.QuadratureSteps, n)) * float64(n)
	switch {
	case s.QuadratureVectors < 2:
		return s, fmt.Errorf("density: %d random vectors: want at least 2", s.QuadratureVectors)
	case s.QuadratureSteps < 1:
		return s, fmt.Errorf("density: %d steps: want at least 1", s.QuadratureSteps)
	case bytes > maxBasis:
		return s, fmt.Errorf("density: %d steps from vectors of n = %d take %.3g GB: want fewer, in at most %.3g GB",
			s.QuadratureSteps, n, bytes/1e9, maxBasis/1e9)
	case s.asked(n) == 0:
		return s, nil
	}
	return lanczosSolver{}.resolve(s, n)
}

func (quadratureSolver) memory(s Settings, n, _, _ float64) float64 {
	return lanczosSolver{}.memory(s, n, 0, 0) + 8*n*float64(s.QuadratureSteps+3*s.QuadratureVectors)
}

// Solve implements [Solver]. It is stochastic Lanczos quadrature (Ghorbani, Krishnan & Xiao
// 2019; Chen, Trogdon & Ubaru 2021) of H on the complement of the eigenvectors
// at the ends of its spectrum. These few have most of the trace and hardly any
// of the mass: without deflation, most of the estimates' variance comes from them.
func (quadratureSolver) Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	n := op.Dim()
	spectrum := &Spectrum{Dim: n, Converged: true, Asymmetry: math.NaN(), Resolved: &Eigenspace{basis: &basis{n: n}}}
	var deflated Pairs
	if s.asked(n) > 0 {
		var err error
		s.TraceSamples = 0
		if spectrum, deflated, err = lanczosPairs(ctx, op, s); err != nil {
			return nil, err
		}
	}
	count := len(deflated.Values)
	q := &quadrature{
		op:       op,
		vectors:  mat.NewDense(min(count+s.QuadratureSteps, n), n, nil),
		deflated: count,
		rng:      rand.New(rand.NewPCG(s.Seed, 2)),
		starts:   make([]float64, 0, s.QuadratureVectors*n),
		images:   make([]float64, 0, s.QuadratureVectors*n),
	}
	for i, value := range deflated.Values {
		q.vectors.SetRow(i, deflated.Vectors.RawRowView(i))
		q.scale = max(q.scale, math.Abs(value))
	}
	density := &Density{Dim: n, Deflated: deflated.Values}
	for range s.QuadratureVectors {
		if density.bulk() == 0 {
			break
		}
		rule, err := q.rule(ctx, s.QuadratureSteps)
		if err != nil {
			return nil, fmt.Errorf("curvature: density, after %d H·v: %w", spectrum.Applications+q.applications, err)
		}
		density.Rules = append(density.Rules, rule)
		if s.Progress != nil {
			s.Progress(s.asked(n), s.asked(n), spectrum.Applications+q.applications)
		}
	}
	density.merge()
	density.setError(q.overhang, deflated.Residuals)
	spectrum.Method = Quadrature
	spectrum.Density = density
	spectrum.Applications += q.applications
	outside := &complement{}
	if count := len(density.Rules); count > 0 {
		outside = newComplement(density.bulk(), mat.NewDense(count, n, q.starts), mat.NewDense(count, n, q.images))
	}
	spectrum.estimate(deflated.Values, floats.Norm(deflated.Values, 2), floats.Norm(deflated.Residuals, 2), outside)
	return spectrum, nil
}

// quadrature computes quadrature rules for random vectors.
type quadrature struct {
	op  Operator
	rng *rand.Rand

	vectors  *mat.Dense // as rows: the deflated eigenvectors, then a Lanczos basis
	deflated int        // number of the former

	starts, images []float64 // the first vector of each rule's basis, and H times it

	scale        float64 // ‖H‖₂, as far as it is known
	overhang     float64 // largest residual of a rule's smallest or largest node
	applications int
}

// rule returns the quadrature rule for a new random vector, by Lanczos with full
// reorthogonalisation. It takes the given number of steps, or fewer if the space is
// invariant before.
func (q *quadrature) rule(ctx context.Context, steps int) (Rule, error) {
	_, n := q.vectors.Dims()
	var α, β []float64
	x := gaussianRows(q.rng, 1, n).RawRowView(0)
	for k := q.deflated; ; {
		for norm := 0.0; norm < 0.5; { // until little is cancelled, so that no rounding is magnified
			floats.ScaleTo(x, 1/euclidean(x), x)
			norm = orthogonalise(x, q.vectors, k, make([]float64, k), 0)
		}
		floats.ScaleTo(q.vectors.RawRowView(k), 1/euclidean(x), x)
		k++
		if err := applyFinite(ctx, q.op, mat.NewDense(1, n, x), q.vectors.Slice(k-1, k, 0, n).(*mat.Dense)); err != nil {
			return Rule{}, err
		}
		q.applications++
		if k == q.deflated+1 {
			q.starts = append(q.starts, q.vectors.RawRowView(q.deflated)...)
			q.images = append(q.images, x...)
		}
		q.scale = max(q.scale, euclidean(x))
		c := make([]float64, k)
		norm := orthogonalise(x, q.vectors, k, c, vanishing*q.scale)
		α = append(α, c[k-1])
		if norm <= vanishing*q.scale || k == n {
			return q.decompose(α, β, 0)
		}
		if len(α) == steps {
			return q.decompose(α, β, norm)
		}
		β = append(β, norm)
	}
}

// decompose returns the rule of the tridiagonal matrix with diagonal α and
// off-diagonal β. next is the coefficient that would follow in β; it is zero if the
// space is invariant.
func (q *quadrature) decompose(α, β []float64, next float64) (Rule, error) {
	steps := len(α)
	t := mat.NewSymDense(steps, nil)
	for i, v := range α {
		t.SetSym(i, i, v)
		if i < len(β) {
			t.SetSym(i, i+1, β[i])
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(t, true) {
		return Rule{}, errors.New("the decomposition of the tridiagonal matrix did not converge")
	}
	var s mat.Dense
	eigen.VectorsTo(&s)
	last := s.RawRowView(steps - 1)
	q.overhang = max(q.overhang, next*math.Abs(last[0]), next*math.Abs(last[steps-1]))
	return newRule(eigen.Values(nil), s.RawRowView(0), next == 0), nil
}
