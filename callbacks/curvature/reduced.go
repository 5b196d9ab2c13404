package curvature

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/symeig"
)

const (
	reducedPanel  = 48    // vectors that H is applied to, and that are made orthogonal, at a time
	reducedStarts = 48    // random start vectors besides the seeds, at most
	spiltVectors  = 64    // residuals that are summed up at a time
	reducedProbes = 4     // random vectors that estimate what was missed, at least
	dependent     = 1e-10 // norm up to which a remainder of a unit start vector is no new direction
)

// reduced projects H on an invariant space such that, up to rounding, H maps all
// vectors orthogonal to it to zero. It is the band Lanczos method (Ruhe 1979;
// Freund, Bai et al. 2000, § 4.6 on deflation): the basis spans the block Krylov space
// of seeds and random vectors. The image of one basis vector after the other is
// computed, and what is new in it becomes a basis vector,
//
//	H qᵢ = Qᵀ tᵢ + eᵢ,   ‖eᵢ‖₂ ≤ 1e-13·‖H‖,
//
// until all images are in the span of the basis. In exact arithmetic T = [tᵢ] is a
// band matrix. Here every image is made orthogonal to the whole basis; otherwise
// rounding would bring many copies of the large eigenvalues, and hide the small ones.
type reduced struct {
	Settings
	op  supported
	n   int // its dimension
	rng *rand.Rand

	basis        basis
	done         int         // number of first basis vectors that H has been applied to
	t            [][]float64 // tᵢ, as long as the basis was at the time
	dropped      float64     // Σ ‖eᵢ‖² over the eᵢ that are rounding
	scale        float64     // max ‖H qᵢ‖₂ ≤ ‖H‖₂
	applications int

	leftover      basis     // the eᵢ that the basis had no room for, which are not orthonormal
	leftoverOf    []int     // the i of each
	leftoverNorms []float64 // ‖eᵢ‖₂

	ritz *symeig.Decomposition // of T: Ritz values and the coefficients of Ritz vectors
}

// reducedSolver is the method [Reduced].
type reducedSolver struct{}

func (reducedSolver) resolve(s Settings, n int) (Settings, error) {
	if limit := s.basisLimit(n); limit < min(n, s.asked(n)) {
		return s, fmt.Errorf("reduced: a basis of at most %d vectors for %d pairs of n = %d: want at least as many", limit, s.asked(n), n)
	}
	if s.Seeds == nil || s.Seeds.IsEmpty() {
		return s, nil
	}
	count, columns := s.Seeds.Dims()
	if columns != n {
		return s, fmt.Errorf("reduced: %d seeds in ℝ^%d for an operator on ℝ^%d", count, columns, n)
	}
	for i := range count {
		v := s.Seeds.RawRowView(i)
		if j := indexNotFinite(v); j >= 0 {
			return s, fmt.Errorf("reduced: seed %d has %v at component %d: want a finite number", i, v[j], j)
		}
	}
	return s, nil
}

func (reducedSolver) memory(s Settings, n, support, basis float64) float64 {
	vectors := 2.0
	if limit := float64(s.basisLimit(int(n))); basis >= limit {
		basis, vectors = limit, 3.3 // what images have outside the basis is stored, too
	}
	return 8 * (vectors*basis*support + 6*basis*basis)
}

// starts returns the number of random start vectors. It is small if the basis is, as
// there must be room for their images.
func (s Settings) starts(n int) int {
	return min(reducedStarts, max(4, s.basisLimit(n)/8))
}

// basisLimit returns MaxBasis or, if it is zero, the number m of vectors in ℝⁿ that
// take 1 GB together with six matrices m × m.
func (s Settings) basisLimit(n int) int {
	if s.MaxBasis > 0 {
		return min(s.MaxBasis, n)
	}
	const numbers = 1 << 30 / 8
	x := float64(n)
	return min(int((math.Sqrt(x*x+24*numbers)-x)/12), n)
}

// Solve implements [Solver].
func (reducedSolver) Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	rng := rand.New(rand.NewPCG(s.Seed, 1))
	on, err := support(ctx, op, rng)
	if err != nil {
		return nil, fmt.Errorf("curvature: reduced, after 0 H·v: %w", err)
	}
	n := on.Dim()
	r := &reduced{
		Settings:     s,
		op:           on,
		n:            n,
		rng:          rng,
		basis:        basis{n: n},
		leftover:     basis{n: n},
		applications: 1,
	}
	spectrum, err := r.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("curvature: reduced, after %d H·v: %w", r.applications, err)
	}
	return spectrum, nil
}

// run first extends the Krylov space of the random vectors, which is fast as the band
// of T is narrow. The seeds then take hardly any work: nearly all of their images is
// in that space.
func (r *reduced) run(ctx context.Context) (*Spectrum, error) {
	r.start(gaussianRows(r.rng, r.starts(r.n), r.n))
	if err := r.grow(ctx); err != nil {
		return nil, err
	}
	if r.Seeds != nil && !r.Seeds.IsEmpty() {
		r.start(r.Seeds)
	}
	for {
		if err := r.grow(ctx); err != nil {
			return nil, err
		}
		outside, err := probe(ctx, r.op, &r.basis, r.rng, max(r.TraceSamples, reducedProbes))
		if err != nil {
			return nil, err
		}
		r.applications += outside.samples
		if outside.bound() <= r.Resolution*r.scale/10 || r.basis.k >= r.basisLimit(r.n) {
			return r.conclude(ctx, outside)
		}
		r.start(outside.vectors)
	}
}

// start adds the directions of the vectors to the basis, whatever their norms.
func (r *reduced) start(vectors *mat.Dense) {
	count, length := vectors.Dims()
	for i := 0; i < count; i += reducedPanel {
		panel := mat.NewDense(min(reducedPanel, count-i), r.n, nil)
		part := vectors.Slice(i, min(i+reducedPanel, count), 0, length).(*mat.Dense)
		if length == r.n {
			panel.Copy(part)
		} else { // seeds, which have all coordinates
			r.op.restrict(panel, part)
		}
		for j := range min(reducedPanel, count-i) {
			if v := panel.RawRowView(j); floats.Norm(v, 2) > 0 {
				floats.Scale(1/floats.Norm(v, 2), v)
			}
		}
		r.basis.absorb(panel, 0, dependent, r.basisLimit(r.n))
	}
}

// grow applies H to every vector of the basis and adds to the basis what is new in
// the images, until nothing is.
func (r *reduced) grow(ctx context.Context) error {
	for r.done < r.basis.k {
		end := min(r.basis.k, (r.done/reducedPanel+1)*reducedPanel)
		images := mat.NewDense(end-r.done, r.n, nil)
		if err := applyFinite(ctx, r.op, images, r.basis.rows(r.done, end)); err != nil {
			return err
		}
		r.applications += end - r.done
		r.scale = max(r.scale, floats.Max(norms(images)))
		c := r.basis.absorb(images, r.band(), vanishing*r.scale, r.basisLimit(r.n))
		for i, norm := range norms(images) {
			r.t = append(r.t, c.RawRowView(i))
			if norm <= vanishing*r.scale {
				r.dropped += norm * norm
				continue
			}
			r.leftover.append(images.Slice(i, i+1, 0, r.n).(*mat.Dense))
			r.leftoverOf = append(r.leftoverOf, r.done+i)
			r.leftoverNorms = append(r.leftoverNorms, norm)
		}
		r.done = end
		r.report(0)
	}
	return nil
}

func (r *reduced) report(converged int) {
	if r.Progress != nil {
		r.Progress(converged, r.Top+r.Bottom, r.applications)
	}
}

// band returns the index of the first basis vector whose image has a component along
// the next vector that H will be applied to. As H is symmetric, the next images are
// orthogonal, up to rounding, to all basis vectors before that one.
func (r *reduced) band() int {
	return sort.Search(r.done, func(i int) bool { return len(r.t[i]) > r.done })
}

func (r *reduced) conclude(ctx context.Context, outside *complement) (*Spectrum, error) {
	m := r.basis.k
	t, difference := r.projection()
	onDiagonal, norm := diagonal(t), mat.Norm(t, 2)
	var ok bool
	if r.ritz, ok = symeig.Decompose(t); !ok {
		return nil, fmt.Errorf("the decomposition of the projection on %d vectors did not converge", m)
	}

	rounding := math.Hypot(math.Sqrt(r.dropped), difference/2)
	spectrum := &Spectrum{
		Method:    Reduced,
		Dim:       r.op.Operator.Dim(),
		Resolved:  r.resolved(rounding),
		Basis:     m,
		Residual:  math.Hypot(rounding, floats.Norm(r.leftoverNorms, 2)),
		Missed:    outside.bound(),
		Asymmetry: relative(difference, norm),
	}
	bound := spectrum.Residual + spectrum.Missed
	spectrum.Resolved.Complete = bound <= r.Resolution*maxAbs(r.ritz.Values)
	if m == spectrum.Dim {
		spectrum.All = r.ritz.Values
	}
	var err error
	if spectrum.Top, err = r.pairs(ctx, r.end(r.Top, bound, 1)); err != nil {
		return nil, err
	}
	if spectrum.Bottom, err = r.pairs(ctx, r.end(r.Bottom, bound, -1)); err != nil {
		return nil, err
	}
	spectrum.Applications = r.applications
	r.report(len(spectrum.Top.Values) + len(spectrum.Bottom.Values))
	spectrum.conclude(r.Tolerance, maxAbs(r.ritz.Values))
	spectrum.unless(spectrum.Resolved.Complete, fmt.Sprintf(
		"a basis of %d vectors leaves out as much as %.3g: want at most %.3g", m, bound, r.Resolution*maxAbs(r.ritz.Values)))
	spectrum.estimate(onDiagonal, norm, spectrum.Residual, outside)
	return spectrum, nil
}

// projection returns (T + Tᵀ)/2 and ‖T − Tᵀ‖_F.
func (r *reduced) projection() (*mat.SymDense, float64) {
	m := r.basis.k
	t := mat.NewDense(m, m, nil)
	for i, row := range r.t {
		copy(t.RawRowView(i), row)
	}
	return symmetrise(t)
}

// resolved returns the Ritz pairs with |θ| > Resolution·max |θ|. Their residuals are
// H v − θ v = Σ sᵢ eᵢ. The part of the eᵢ left over is computed; rounding is a bound
// of the part of those dropped.
func (r *reduced) resolved(rounding float64) *Eigenspace {
	order := resolvable(r.ritz.Values, r.Resolution)
	space := &Eigenspace{basis: &r.basis, support: r.op}
	if len(order) == 0 {
		return space
	}
	space.coefficients = r.ritz.Vectors(order)
	for _, i := range order {
		space.Values = append(space.Values, r.ritz.Values[i])
	}
	for _, norm := range r.spill(space.coefficients) {
		space.Residuals = append(space.Residuals, math.Hypot(norm, rounding))
	}
	return space
}

// spill returns ‖Σ sᵢ eᵢ‖₂, summed over the eᵢ left over, for each row of s.
func (r *reduced) spill(s *mat.Dense) []float64 {
	count, _ := s.Dims()
	spilt := make([]float64, count)
	for i := 0; i < count && r.leftover.k > 0; i += spiltVectors {
		end := min(i+spiltVectors, count)
		part := mat.NewDense(end-i, r.leftover.k, nil)
		for j := range end - i {
			for l, of := range r.leftoverOf {
				part.Set(j, l, s.At(i+j, of))
			}
		}
		sums := mat.NewDense(end-i, r.n, nil)
		r.leftover.addProduct(sums, 1, part, 0)
		copy(spilt[i:], norms(sums))
	}
	return spilt
}

// end returns the indices of the count largest Ritz values, for side 1, or of the
// smallest, for −1. Up to bound, H is zero outside the space. If the space is not the
// whole ℝⁿ, the list therefore ends before the first value beyond zero: the zeros
// outside the space would come before it.
func (r *reduced) end(count int, bound float64, side int) []int {
	indices := ends(r.basis.k, count, side)
	for i, j := range indices {
		if float64(side)*r.ritz.Values[j] < -bound && r.basis.k < r.op.Operator.Dim() {
			return indices[:i]
		}
	}
	return indices
}

// pairs returns Ritz pairs with measured residuals, by one H·v each.
func (r *reduced) pairs(ctx context.Context, indices []int) (Pairs, error) {
	k := len(indices)
	if k == 0 {
		return Pairs{}, nil
	}
	p := Pairs{Values: make([]float64, k), Vectors: mat.NewDense(k, r.n, nil)}
	for i, j := range indices {
		p.Values[i] = r.ritz.Values[j]
	}
	r.basis.addProduct(p.Vectors, 1, r.ritz.Vectors(indices), 0)
	p.settle()
	if err := p.measure(ctx, r.op); err != nil {
		return Pairs{}, err
	}
	r.applications += k
	p.Vectors = r.op.embed(p.Vectors)
	return p, nil
}
