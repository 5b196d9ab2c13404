package curvature

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// lanczos is thick-restart Lanczos (Wu & Simon 2000; Stewart's Krylov–Schur for
// a symmetric H) in the form of a Rayleigh–Ritz procedure that keeps the images
// of its basis. With rows q₁ … q_k, orthonormal, in Q and their images in W = Q·H,
//
//	T = Q Wᵀ,   T s = θ s,   v = Qᵀs,   H v = Wᵀs,
//
// so that true residuals cost no H·v, and any direction may be the next one. In a
// Krylov space all residuals are parallel to the part of H·q_k orthogonal to Q, which
// is then the next direction. After a probe the space is not a Krylov space.
//
// Where W would take too much memory it is not kept but known by what the images have
// outside the span of Q, a few vectors uₗ, of which x is the last:
//
//	H qⱼ = Σᵢ Tᵢⱼ qᵢ + Σₗ Bₗⱼ uₗ,   H v − θ v = Σₗ (B s)ₗ uₗ
//
// Up to rounding this is the same. The residuals of the pairs found are in the end
// measured by one H·v each.
type lanczos struct {
	Settings
	op  Operator
	n   int
	rng *rand.Rand

	k       int           // rows of q and w in use
	q, w    *mat.Dense    // m × n: basis and images; w is nil if they are not kept
	outside []outside     // without w, the uₗ but the last
	t       *mat.SymDense // m × m
	x       []float64     // the next direction, not yet orthonormal
	rest    float64       // ‖x‖₂ after the last step
	c       []float64     // coefficients of x in the basis

	krylov bool // whether all images of the basis are in the span of the basis and x
	closed int  // in that case, the number of first vectors whose images have no part along the last one

	values []float64 // the k Ritz values, ascending
	s      mat.Dense // k × k; column i has the coefficients of Ritz vector i

	scale        float64 // max ‖wᵢ‖₂, which is ≤ ‖H‖₂ and soon close to it
	converged    int     // number of first pairs, in the order of [lanczos.wanted], that have converged
	applications int
}

// keptImages is how many bytes the basis and its images may take for these to be kept.
const keptImages = 1 << 30

// keepsImages reports whether Lanczos keeps the images of its basis. With Exact they
// would tell nothing about residuals.
func (s Settings) keepsImages(n int) bool {
	return s.Exact == nil && 16*float64(s.basisSize(n))*float64(n) <= keptImages
}

// basisSize returns the number m of vectors in the basis of Lanczos.
func (s Settings) basisSize(n int) int {
	m := min(2*s.asked(n)+20, n)
	if s.MaxApplications > 0 {
		m = min(m, s.MaxApplications)
	}
	return m
}

func newLanczos(op Operator, s Settings) *lanczos {
	n := op.Dim()
	if s.MaxApplications == 0 {
		s.MaxApplications = max(300, 40*s.asked(n))
	}
	m := s.basisSize(n)
	l := &lanczos{
		Settings: s,
		op:       op,
		n:        n,
		rng:      rand.New(rand.NewPCG(s.Seed, 0)),
		q:        mat.NewDense(m, n, nil),
		t:        mat.NewSymDense(m, nil),
		x:        make([]float64, n),
		krylov:   true,
		c:        make([]float64, m),
	}
	if s.keepsImages(n) {
		l.w = mat.NewDense(m, n, nil)
	}
	return l
}

// start sets x to the first direction: the sum of the normalised warm-start vectors,
// or a random vector.
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

// extend takes the given number of steps, or fewer if the basis is full or the budget
// spent. A step makes x a basis vector, applies H to it, and leaves in x the part of
// the image that is orthogonal to the basis.
func (l *lanczos) extend(ctx context.Context, steps int) error {
	m, _ := l.q.Dims()
	for range min(steps, m-l.k, l.MaxApplications-l.applications) {
		if !l.orthonormalise(vanishing * l.scale) {
			l.randomise() // the basis spans an invariant subspace
			l.orthonormalise(0)
		}
		l.q.SetRow(l.k, l.x)
		vector := l.q.Slice(l.k, l.k+1, 0, l.n).(*mat.Dense)
		image := mat.NewDense(1, l.n, l.x)
		if err := applyFinite(ctx, l.op, image, vector); err != nil {
			return err
		}
		if l.w != nil {
			l.w.SetRow(l.k, l.x)
		}
		for _, o := range l.outside {
			q := vector.RawRowView(0)
			floats.AddScaled(o.vector, -floats.Dot(q, o.vector), q)
		}
		l.applications++
		l.k++
		l.scale = math.Max(l.scale, euclidean(l.x))
		l.takeOut()
	}
	l.rest = euclidean(l.x)
	return nil
}

// takeOut subtracts from x, the image of the last vector of the basis, its
// projection on the basis, and adds a row to T. As H is symmetric, the image is
// orthogonal, up to rounding, to every vector whose image is in the span of the
// vectors before the last.
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

// orthonormalise makes x a unit vector orthogonal to the basis. It reports false if the
// part of x orthogonal to the basis has a norm of at most floor, and is therefore
// rounding and not a direction.
func (l *lanczos) orthonormalise(floor float64) bool {
	floor = math.Max(floor, 0x1p-1000)
	norm := euclidean(l.x)
	for norm > floor {
		floats.Scale(1/norm, l.x)
		floor /= norm
		l.project(0)
		norm = euclidean(l.x)
		if norm > 0.5 { // little was cancelled, so that rounding was not magnified
			floats.Scale(1/norm, l.x)
			return true
		}
	}
	return false
}

// project subtracts from x its orthogonal projection Qᵀc, c = Q x, on the vectors of
// the basis, without the first from.
func (l *lanczos) project(from int) {
	if l.k == from {
		return
	}
	q := l.q.RawMatrix().Data[from*l.n:]
	fast.Dgemv(blas.NoTrans, l.k-from, l.n, 1, q, l.n, l.x, 1, 0, l.c[from:], 1)
	fast.Dgemv(blas.Trans, l.k-from, l.n, -1, q, l.n, l.c[from:], 1, 1, l.x, 1)
}
