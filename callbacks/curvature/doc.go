// Package curvature measures the curvature of a training loss L(θ) at given
// parameters θ ∈ ℝᴾ: the eigenpairs of its Hessian H = ∇²L.
//
// H is far too large to be stored for most networks, but H·v costs only a few
// gradients. So H is an [Operator], known by its action on vectors alone, and
// [Solve] finds the pairs
//
//	H vᵢ = λᵢ vᵢ
//
// at the two ends of its spectrum, or all that rise above the rounding, or how
// its eigenvalues are distributed: by full decomposition where P is small, by
// thick-restart Lanczos, by projection on a space that holds all resolvable
// pairs, and by stochastic quadrature. Every pair carries its residual
// r = ‖H v − θ v‖₂: H being symmetric, some eigenvalue λ has |θ − λ| ≤ r, however
// the pair was found. Estimates carry their errors. [Spectrum] says what else is
// known, and what is not. [Match] follows eigenvectors from one measurement to
// the next.
package curvature
