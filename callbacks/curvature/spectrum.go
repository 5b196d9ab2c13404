package curvature

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Spectrum is what [Solve] found.
//
// Up to rounding, two things are guaranteed: an eigenvalue of H lies within
// Residuals[i] of Values[i], for each pair, and the vectors are orthonormal, so that
// no eigenvector is counted twice. Dense also misses no pair.
//
// Lanczos may miss one. From a single start vector, further copies of a repeated
// eigenvalue appear only through rounding, and so does a direction that a warm start
// has no part of. So the solver ends with a probe: it takes eight steps from a random
// vector orthogonal to its basis, and goes on if a wanted pair appears that has not
// converged. The probe finds what stands out from the rest of the spectrum. It can
// miss a further copy of a value where many eigenvalues lie close together; the values
// listed after it are then one place too early.
type Spectrum struct {
	Method      Method // never Auto; from another Solver, its name
	Dim         int
	Top, Bottom Pairs // Top descending, Bottom ascending; they share pairs if Top+Bottom > n

	// Converged reports whether every residual in Top and Bottom is at most
	// Threshold, which is Tolerance times the largest |θ|. From Lanczos, its final
	// probe must also have found nothing more, and from Reduced, Resolved must be
	// Complete. If it is false, Reason says in one line why.
	Converged bool
	Reason    string
	Threshold float64

	// Applications is the number of H·v spent.
	Applications int

	// All has every eigenvalue in ascending order, where all are computed: by Dense,
	// and by Reduced if its basis spans ℝⁿ. Otherwise it is nil.
	All []float64

	// Resolved has the pairs with |θ| > Resolution·max |θ|: all of them from
	// Dense, and from Reduced if it converged; those in Top and Bottom from
	// Lanczos and Quadrature.
	Resolved *Eigenspace

	// Basis is the dimension m of the space that Reduced projects H on, T = Q H Qᵀ.
	// Residual is ‖H Qᵀ − QᵀT‖_F. Missed is an upper bound of ‖H v‖₂ for unit vectors
	// v orthogonal to the space: it comes from s ≥ 4 random vectors and is wrong with
	// a probability of at most 10⁻ˢ. By Weyl's theorem, each of the ordered eigenvalues
	// of H is within Residual + Missed of that of T, extended by zeros. From other
	// methods all three are zero.
	Basis            int
	Residual, Missed float64

	// Density is the distribution of all eigenvalues, from Quadrature; otherwise nil.
	Density *Density

	// Trace is Σ Hⱼⱼ, and Frobenius is ‖H‖_F. From Dense, their error is that of
	// summation plus ‖H − Hᵀ‖_F, which measures the error in the images. From Reduced,
	// what random vectors find of H outside the space bounds the error, or is added as
	// an estimate if Reduced did not converge. Quadrature estimates both, and so does
	// Lanczos with TraceSamples; without, they are nil.
	Trace, Frobenius *Estimate

	// Asymmetry is ‖H − Hᵀ‖_F / ‖H‖_F from Dense, and the same of the projection from
	// Reduced. Otherwise it is NaN.
	Asymmetry float64
}

// Vectors returns a copy of the vectors of Top and then Bottom, one a row: the
// [Settings.Start] of a later measurement. It returns nil if there are none.
func (s *Spectrum) Vectors() *mat.Dense {
	top, bottom := len(s.Top.Values), len(s.Bottom.Values)
	if top+bottom == 0 {
		return nil
	}
	v := mat.NewDense(top+bottom, s.Dim, nil)
	if top > 0 {
		v.Slice(0, top, 0, s.Dim).(*mat.Dense).Copy(s.Top.Vectors)
	}
	if bottom > 0 {
		v.Slice(top, top+bottom, 0, s.Dim).(*mat.Dense).Copy(s.Bottom.Vectors)
	}
	return v
}

// conclude sets Threshold, Converged and Reason by the residuals; scale is the
// largest |θ|.
func (s *Spectrum) conclude(tolerance, scale float64) {
	s.Threshold = tolerance * scale
	s.Converged = true
	pairs, open := 0, 0
	for _, p := range []Pairs{s.Top, s.Bottom} {
		for _, r := range p.Residuals {
			pairs++
			if !(r <= s.Threshold) {
				open++
			}
		}
	}
	if open > 0 {
		s.unless(false, fmt.Sprintf("%d of %d pairs have residuals above %.3g", open, pairs, s.Threshold))
	}
}

// unless notes that the spectrum has not converged, and the reason, unless ok.
func (s *Spectrum) unless(ok bool, reason string) {
	if !ok {
		s.Converged, s.Reason = false, reason
	}
}

// estimate sets Trace and Frobenius. It takes the diagonal and the norm ‖T‖_F of the
// projection T on a space, the norm ‖PHQᵀ‖_F of the coupling to its complement, and
// samples of H outside. If Resolved is complete, these are negligible: they are then
// not added but bound the error.
func (s *Spectrum) estimate(diagonal []float64, norm, coupling float64, outside *complement) {
	const unitRoundoff = 0x1p-53
	sum, magnitude := 0.0, 0.0
	for _, v := range diagonal {
		sum += v
		magnitude += math.Abs(v)
	}
	rounding := float64(len(diagonal)) * unitRoundoff
	trace := bounded(sum, rounding*magnitude)
	square := bounded(norm*norm+coupling*coupling, rounding*norm*norm)
	if outside.samples > 0 {
		trace = trace.plus(outside.trace(coverage), s.Resolved.Complete)
		square = square.plus(outside.squaredNorm(coverage), s.Resolved.Complete)
	}
	frobenius := square.root()
	s.Trace, s.Frobenius = &trace, &frobenius
}
