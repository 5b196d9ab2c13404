// Package boundary measures the decision boundary of a classifier in the
// space of its parameters θ ∈ ℝᴾ, through the Hessian's eigenvectors vᵢ
// (arXiv:2306.07104).
//
// The reinforcing gradient of an input x is that of the loss with the
// prediction as the label,
//
//	g(x) = ∇θ cross-entropy(f(x), ŷ(x)),   ŷ(x) = argmax f(x).
//
// It jumps where the prediction changes, and an eigenvector that
// distinguishes the two sides of a section of the boundary is aligned with it
// there: the alignment is Aᵢ(x) = ⟨vᵢ, g(x)⟩/‖g(x)‖ ∈ [−1, 1].
//
//	model, samples ── Reinforcing ──▶ ĝ(xₙ) ─┐
//	                                         ├──▶ Eigenpairs{λᵢ, Aᵢ(xₙ)} ──▶ Outliers, ClassPairs, Complexity
//	Hessian ── curvature.Solve ──▶ λᵢ, vᵢ ───┘
//
// [Outliers] are the few eigenvalues far above the bulk, each of them about
// the boundary between two classes. [Complexity] is the share of all
// eigenvectors that are about the boundary at all, that is, aligned with the
// gradient of some training sample more than chance allows. Where not all
// eigenpairs are known it is an interval, never a guess.
package boundary
