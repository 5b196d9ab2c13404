// Package check tests the derivatives of a model's loss on its data before
// they are relied on: that every operation can be differentiated twice, that
// gradient and Hessian-vector products agree with difference quotients, that
// the Hessian is symmetric, that results repeat bit for bit on any number of
// workers, that batches of unequal size are weighed correctly, and how near
// the data are to the kinks of rectifiers.
//
// A difference quotient of five points along a random unit vector v,
//
//	[f(θ−2hv) − 8·f(θ−hv) + 8·f(θ+hv) − f(θ+2hv)] / 12h = ∂f/∂v + O(h⁴),
//
// is taken for several h, and the best of them counts: truncation limits large
// steps, rounding small ones. All is computed in float64.
package check
