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
// there. The alignment is Aᵢ(x) = ⟨vᵢ, g(x)⟩/‖g(x)‖ ∈ [−1, 1].
//
//	model, samples ── Reinforcing ──▶ ĝ(xₙ) ─┐
//	                                         ├──▶ Eigenpairs{λᵢ, Aᵢ(xₙ)} ──▶ Outliers, ClassPairs, Complexity
//	Hessian ── curvature.Solve ──▶ λᵢ, vᵢ ───┘
//
// [Outliers] counts the few eigenvalues far above the bulk. Each of them belongs
// to the boundary between two classes, which [ClassPair] names. [Complexity] is
// the share of all eigenvectors that describe the boundary: those aligned with
// the gradient of some training sample by more than chance explains. If some
// eigenpairs are unknown or approximate, it is an interval that G is certain to
// lie in. [Energy] needs no threshold: it is the number of directions that share
// the gradients' energy. [AlignAt] takes the alignments to any inputs: to the
// boundary itself, where no samples are.
package boundary
