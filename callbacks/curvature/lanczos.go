package curvature

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	ritzEvery  = 3     // steps between two Rayleigh–Ritz procedures
	probeSteps = 8     // steps of the final search for missed pairs
	vanishing  = 1e-13 // norm, relative to H, of a new direction that is rounding only
	panelWidth = 1024  // columns of the basis a restart transforms at a time

	maxBasis = 12.8e9 // bytes of the basis and its images
)

// lanczos is thick-restart Lanczos (Wu & Simon 2000; Stewart's Krylov–Schur for
// a symmetric H) in the form of a Rayleigh–Ritz procedure that keeps the images
// of its basis. With rows q₁ … q_k, orthonormal, in Q and their images in W = Q·H,
//
//	T = Q Wᵀ,   T s = θ s,   v = Qᵀs,   H v = Wᵀs,
//
// so that true residuals cost no H·v, and any direction may be the next. In a
// Krylov space all residuals are parallel to the part of H·q_k orthogonal to
// Q, the classical next direction. After a probe they are not.
type lanczos struct {
	Settings
	op  Operator
	n   int
	rng *rand.Rand

	k    int           // rows of q and w in use
	q, w *mat.Dense    // m × n: basis and images
	t    *mat.SymDense // m × m
	x    []float64     // the next direction, not yet orthonormal
	rest float64       // ‖x‖₂ as the last step left it
	c    []float64     // coefficients of x in the basis

	krylov bool // whether all images of the basis are in its span and x's
	closed int  // then: first vectors of the basis whose images are in the span of all but the last

	values []float64 // the k Ritz values, ascending
	s      mat.Dense // k × k; column i has the coefficients of Ritz vector i

	scale        float64 // max ‖wᵢ‖₂, which is ≤ ‖H‖₂ and soon close to it
	converged    int     // first pairs, in the order of [lanczos.wanted], found converged
	applications int
}

func solveLanczos(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	spectrum, found, err := lanczosPairs(ctx, op, s)
	if err != nil || s.TraceSamples == 0 {
		return spectrum, err
	}
	outside, err := probe(ctx, op, found.basis(op.Dim()), rand.New(rand.NewPCG(s.Seed, 1)), s.TraceSamples)
	if err != nil {
		return nil, fmt.Errorf("curvature: trace, after %d H·v: %w", spectrum.Applications, err)
	}
	spectrum.Applications += outside.samples()
	spectrum.estimate(found.Values, floats.Norm(found.Values, 2), floats.Norm(found.Residuals, 2), outside)
	return spectrum, nil
}

// lanczosPairs returns, with the spectrum, all pairs of top and bottom,
// descending, each but once. Those of a large operator are found on its support,
// for one H·v, where that is clearly smaller: less to orthogonalise. Where a zero
// that the support leaves out is among them, op is taken as it is, and so it is
// with a budget, or with vectors to start from.
func lanczosPairs(ctx context.Context, op Operator, s Settings) (*Spectrum, Pairs, error) {
	const large, smaller = 5_000, 0.9
	n := op.Dim()
	if n < large || s.Start != nil || s.MaxApplications > 0 {
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
	spectrum.Dim = n
	resolved := spectrum.Resolved
	spectrum.Resolved = Pairs{Values: resolved.Values, Residuals: resolved.Residuals, Vectors: on.embed(resolved.Vectors(0, resolved.Len()))}.eigenspace(n, -1)
	spectrum.Resolved.Complete = resolved.Complete
	for _, p := range []*Pairs{&spectrum.Top, &spectrum.Bottom, &found} {
		p.Vectors = on.embed(p.Vectors)
	}
	return spectrum, found, nil
}

// beyondZero tells whether all values are on one side of zero for certain.
func (p Pairs) beyondZero(side float64) bool {
	for i, v := range p.Values {
		if side*v <= p.Residuals[i] {
			return false
		}
	}
	return true
}

// lanczosOf is lanczosPairs for op as it is, after some applications.
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
	found := l.pairs(order)
	spectrum := &Spectrum{
		Method:       Lanczos,
		Dim:          l.n,
		Top:          found.ordered(ends(len(order), l.Top, -1)),
		Bottom:       found.ordered(ends(len(order), l.Bottom, 1)),
		Applications: l.applications,
		Asymmetry:    math.NaN(),
	}
	spectrum.conclude(l.Tolerance, maxAbs(l.values))
	spectrum.unless(complete || !spectrum.Converged, "no H·v were left to look for missed pairs")
	spectrum.Resolved = found.eigenspace(l.n, l.Resolution*maxAbs(l.values))
	spectrum.Resolved.Complete = spectrum.Converged && len(order) == l.n
	return spectrum, found, nil
}

func (s Settings) checkLanczos(n int) error {
	wanted := s.asked(n)
	basis := 16 * float64(s.basis(n)) * float64(n)
	switch {
	case wanted == 0:
		return errors.New("lanczos: neither top nor bottom pairs asked for")
	case s.MaxApplications != 0 && s.MaxApplications < wanted:
		return fmt.Errorf("lanczos: at most %d applications for %d pairs: want at least as many", s.MaxApplications, wanted)
	case basis > maxBasis:
		return fmt.Errorf("lanczos: %d pairs of n = %d take %.3g GB: want fewer, in at most %.3g GB", wanted, n, basis/1e9, maxBasis/1e9)
	}
	return nil
}

// asked is the number of pairs to find, and basis that of vectors to do it with.
func (s Settings) asked(n int) int { return min(s.Top+s.Bottom, n) }
func (s Settings) basis(n int) int { return min(2*s.asked(n)+20, n) }

func newLanczos(op Operator, s Settings) *lanczos {
	n := op.Dim()
	if s.MaxApplications == 0 {
		s.MaxApplications = max(300, 40*s.asked(n))
	}
	m := s.basis(n)
	return &lanczos{
		Settings: s,
		op:       op,
		n:        n,
		rng:      rand.New(rand.NewPCG(s.Seed, 0)),
		q:        mat.NewDense(m, n, nil),
		w:        mat.NewDense(m, n, nil),
		t:        mat.NewSymDense(m, nil),
		x:        make([]float64, n),
		krylov:   true,
		c:        make([]float64, m),
	}
}

// start makes the first direction: the sum of the normalised warm-start
// vectors, or a random one.
func (l *lanczos) start() error {
	if l.Start == nil || l.Start.IsEmpty() {
		l.randomise()
		return nil
	}
	rows, columns := l.Start.Dims()
	if columns != l.n {
		return fmt.Errorf("warm start of %d vectors in ℝ^%d for an operator on ℝ^%d", rows, columns, l.n)
	}
	for i := range rows {
		v := l.Start.RawRowView(i)
		if j := indexNotFinite(v); j >= 0 {
			return fmt.Errorf("warm-start vector %d has %v at component %d: want a finite number", i, v[j], j)
		}
		if norm := floats.Norm(v, 2); norm > 0 {
			floats.AddScaled(l.x, 1/norm, v)
		}
	}
	return nil
}

func (l *lanczos) randomise() {
	for i := range l.x {
		l.x[i] = l.rng.NormFloat64()
	}
}

// run iterates until all wanted pairs have converged and the probe has found no
// others, which it reports, or until nothing more can be done.
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

// extend takes the given number of steps, or fewer if basis or budget are
// exhausted: it makes x a basis vector, applies H to it, and leaves in x the
// image's part orthogonal to the basis.
func (l *lanczos) extend(ctx context.Context, steps int) error {
	m, _ := l.q.Dims()
	for range min(steps, m-l.k, l.MaxApplications-l.applications) {
		if !l.orthonormalise(vanishing * l.scale) {
			l.randomise() // the basis spans an invariant subspace
			l.orthonormalise(0)
		}
		l.q.SetRow(l.k, l.x)
		vector := l.q.Slice(l.k, l.k+1, 0, l.n).(*mat.Dense)
		image := l.w.Slice(l.k, l.k+1, 0, l.n).(*mat.Dense)
		if err := applyFinite(ctx, l.op, image, vector); err != nil {
			return err
		}
		l.applications++
		l.k++
		copy(l.x, image.RawRowView(0))
		l.scale = math.Max(l.scale, euclidean(l.x))
		l.takeOut()
	}
	l.rest = euclidean(l.x)
	return nil
}

// takeOut subtracts from x, the image of the last vector of the basis, its
// projection on the basis, and adds a row to T. H being symmetric, the image is
// orthogonal, up to rounding, to all vectors whose images were in the span of
// those before.
func (l *lanczos) takeOut() {
	from := 0
	if l.krylov {
		from = l.closed
		l.closed = l.k - 1
	}
	clear(l.c[:from])
	l.project(from)
	for i, c := range l.c[:l.k] {
		l.t.SetSym(i, l.k-1, c)
	}
}

// orthonormalise makes x a unit vector orthogonal to the basis. It reports
// false if that leaves no more than floor of its norm: rounding, not direction.
func (l *lanczos) orthonormalise(floor float64) bool {
	floor = math.Max(floor, 0x1p-1000)
	norm := euclidean(l.x)
	for norm > floor {
		floats.Scale(1/norm, l.x)
		floor /= norm
		l.project(0)
		norm = euclidean(l.x)
		if norm > 0.5 { // little was cancelled, so no rounding was magnified
			floats.Scale(1/norm, l.x)
			return true
		}
	}
	return false
}

// project subtracts from x its orthogonal projection Qᵀc, c = Q x, on all but the
// first from vectors of the basis.
func (l *lanczos) project(from int) {
	if l.k == from {
		return
	}
	q := l.q.RawMatrix().Data[from*l.n:]
	fast.Dgemv(blas.NoTrans, l.k-from, l.n, 1, q, l.n, l.x, 1, 0, l.c[from:], 1)
	fast.Dgemv(blas.Trans, l.k-from, l.n, -1, q, l.n, l.c[from:], 1, 1, l.x, 1)
}
