package curvature

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Spectrum is what [Solve] found.
//
// Guaranteed, up to rounding, is each pair by itself: an eigenvalue of H lies
// within Residuals[i] of Values[i]; and the vectors are orthonormal, so no
// eigenvector is counted twice. Dense also misses none.
//
// With Lanczos it is not guaranteed that none is missing. From a single start,
// further copies of a repeated eigenvalue appear through rounding alone, and a
// direction absent from a warm start likewise. So the solver ends with a
// probe, eight steps from a random vector orthogonal to all it has, and goes
// on if that brings a wanted pair which has not converged. The probe catches
// what stands out from the rest of the spectrum. It can overlook a further
// copy of a value in the crowd where the wanted pairs end; the values listed
// after it are then each one further in than they should be.
type Spectrum struct {
	Method      Method // never Auto; from another Solver, its name
	Dim         int
	Top, Bottom Pairs // Top descending, Bottom ascending; they overlap if Top+Bottom > n

	// Converged reports whether every residual in Top and Bottom is at most
	// Threshold, which is Tolerance times the largest |θ|, Lanczos' final probe
	// found nothing more, and Reduced's Resolved is Complete. Else Reason says in
	// one line why not.
	Converged bool
	Reason    string
	Threshold float64

	// Applications is the number of H·v spent.
	Applications int

	// All has every eigenvalue in ascending order, from Dense; else it is nil.
	All []float64

	// Resolved has the pairs with |θ| > Resolution·max |θ|: all of them from
	// Dense, and from Reduced if it converged; those in Top and Bottom from
	// Lanczos and Quadrature.
	Resolved *Eigenspace

	// Basis is the dimension m of the space that Reduced projected H on, by
	// T = Q H Qᵀ; else it is zero. Residual is then ‖H Qᵀ − QᵀT‖_F. Missed is an
	// upper bound, seen by s = 4 random vectors and wrong with a probability of at
	// most 10⁻ˢ, of ‖H v‖₂ for unit vectors v orthogonal to the space. By Weyl's
	// theorem the ordered eigenvalues of H are those of T, and zeros, within
	// Residual + Missed each. For other methods both are zero.
	Basis            int
	Residual, Missed float64

	// Density is the distribution of all eigenvalues, from Quadrature; else nil.
	Density *Density

	// Trace is Σ Hⱼⱼ, and Frobenius ‖H‖_F. From Dense, their error is that of
	// summation plus ‖H − Hᵀ‖_F, the size of the error the images themselves
	// admit to. From Reduced, it is bounded by what random vectors see of H
	// outside the space, or estimated by them if it did not converge. They are
	// estimated by Quadrature and, with TraceSamples, by Lanczos, without which
	// they are nil.
	Trace, Frobenius *Estimate

	// Asymmetry is ‖H − Hᵀ‖_F / ‖H‖_F, from Dense; the same of the projection,
	// from Reduced; else it is NaN.
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

// conclude sets what follows from the pairs themselves.
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

// unless notes that the spectrum has not converged, and why, unless ok.
func (s *Spectrum) unless(ok bool, reason string) {
	if !ok {
		s.Converged, s.Reason = false, reason
	}
}

// estimate sets Trace and Frobenius from what the projection T on a space has,
// its diagonal and ‖T‖_F, from the norm ‖PHQᵀ‖_F of what leads out of the space,
// and from what was seen outside. Where that is nothing to speak of, it is not
// added but bounds the error.
func (s *Spectrum) estimate(diagonal []float64, norm, coupling float64, outside *complement) {
	const unitRoundoff = 0x1p-53
	sum, magnitude := 0.0, 0.0
	for _, v := range diagonal {
		sum += v
		magnitude += math.Abs(v)
	}
	rounding := float64(len(diagonal)) * unitRoundoff
	trace := Estimate{Value: sum, Error: rounding * magnitude}
	square := Estimate{Value: norm*norm + coupling*coupling, Error: rounding * norm * norm}
	if outside.samples() > 0 {
		trace = trace.plus(sampled(outside.quadratic), s.Resolved.Complete)
		square = square.plus(sampled(outside.squares), s.Resolved.Complete)
	}
	root := math.Sqrt(square.Value)
	frobenius := Estimate{Value: root, Error: math.Sqrt(square.Value+square.Error) - root, Samples: square.Samples}
	s.Trace, s.Frobenius = &trace, &frobenius
}
