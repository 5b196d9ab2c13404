// Package curvature measures the curvature of a training loss L(θ) at given
// parameters θ ∈ ℝᴾ: the eigenpairs of its Hessian H = ∇²L.
//
// For most networks H is far too large to be stored, but H·v costs only a few
// gradients. So H is an [Operator], known only by its action on vectors, and [Solve]
// finds pairs
//
//	H vᵢ = λᵢ vᵢ
//
// by one of four methods:
//
//   - [Dense], full decomposition, where P is small (package symeig),
//   - [Lanczos], thick-restart Lanczos, for the two ends of the spectrum,
//   - [Reduced], projection on a space that contains all resolvable pairs,
//   - [Quadrature], stochastic quadrature, for the distribution of all eigenvalues.
//
// Every pair carries its residual r = ‖H v − θ v‖₂. As H is symmetric, some
// eigenvalue λ has |θ − λ| ≤ r, however the pair was found. Estimates carry their
// errors. [Spectrum] says what else is known. [Match] follows eigenvectors from one
// measurement to the next.
//
// [Hessian], [GaussNewton] and [EmpiricalFisher] are the operators of an objective,
// which may be any type with the products. An operator, a [Solver], or an [Eigenspace] can come from outside
// the package.
package curvature
