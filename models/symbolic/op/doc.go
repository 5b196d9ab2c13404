// Package op holds Gorgonia operations that can be differentiated any number
// of times, in float32 and in float64.
//
// Gorgonia's own operations were made for one derivative; the second derivative
// of some is wrong. The operations here are closed under differentiation: the
// pullback of every one is built from operations of this package, so that all
// orders of derivatives exist.
//
//	MatMul                      its own pullback, with other transpose flags
//	AddRow, ColSum, RepeatRow   bias and its adjoints
//	Add, Sub, Mul, Scale        element by element
//	RowDot, RowScale            one number for each row, and its adjoint
//	ReLU, LeakyReLU             linear in the gradient, no curvature of their own
//	Tanh, Sigmoid, Softplus     p(y)·g with p a polynomial in the output y
//	GELU                        z·Φ(z), with Φ and φ as operations
//	SoftmaxCrossEntropy         the loss of each sample; gradient p − y without cancellation
//	SquaredError                the loss of each sample
//
// Fuse and Chain combine two operations into one, to be run once all derivatives
// have been taken.
//
// Matrices are row-major with one sample a row. An operation never writes to
// its inputs and keeps no state, so graphs may share tensors between
// goroutines.
package op
