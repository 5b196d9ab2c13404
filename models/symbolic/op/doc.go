// Package op holds Gorgonia operations that can be differentiated any number
// of times, in float32 and in float64.
//
// Gorgonia's own operations were made for one derivative. Most give a second
// one, some give a wrong one. Those here come in sets that are closed under
// differentiation: the pullback of every operation is built from operations of
// this package, so there is no order of derivative at which it ends.
//
//	MatMul                      its own pullback, with other transpose flags
//	AddRow, ColSum, RepeatRow   bias and its adjoints
//	Add, Sub, Mul, Scale        element by element
//	RowDot, RowScale            a number a row and its adjoint
//	ReLU, LeakyReLU             linear in the gradient, no curvature of their own
//	Tanh, Sigmoid, Softplus     p(y)·g with p a polynomial in the output y
//	GELU                        z·Φ(z), with Φ and φ as operations
//	SoftmaxCrossEntropy         a loss a sample; gradient p − y without cancellation
//	SquaredError                a loss a sample
//
// Fuse and Chain make one operation of two, for running once all derivatives
// are taken.
//
// Matrices are row-major with one sample a row. An operation never writes to
// its inputs and keeps no state, so graphs may share tensors between
// goroutines.
package op
