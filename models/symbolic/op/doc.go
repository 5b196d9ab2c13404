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
//	BatchedMatMul               the same for stacks of matrices
//	Add, Sub, Mul, Div          element by element, as are Scale, Shift and Power
//	Exp, Log, Sin, …            functions of each element, Expm1, Log1p, Cos and Abs among them
//	Compare                     0 or 1, without a derivative; so is Round
//	Gather, Scatter             slices, transpositions, repetitions; and sums over any axes
//	MaxOver                     maxima over any axes
//	Reshape                     another shape
//	RowDot, RowScale            one number for each row, and its adjoint
//	ReLU, LeakyReLU             linear in the gradient, no curvature of their own
//	Tanh, Sigmoid, Softplus     p(y)·g with p a polynomial in the output y
//	GELU                        z·Φ(z), with Φ and φ as operations
//	SoftmaxCrossEntropy         the loss of each sample; gradient p − y without cancellation
//	LogSoftmax, Softmax         of each row
//	SquaredError                the loss of each sample
//	Conv2D                      with its adjoints by images and by kernels
//	MaxPool2D, AvgPool2D        also GlobalAvgPool2D
//	BatchNorm, LayerNorm        FrozenBatchNorm with given statistics; AddChannel
//	Dropout                     by a mask that is an input
//
// Fuse and Chain combine two operations into one, to be run once all derivatives
// have been taken, and Pack prepares the matrix by which another multiplies.
//
// Matrices are row-major with one sample a row; images are (n, channels, height,
// width). An operation never writes to its inputs and keeps no state, so graphs
// may share tensors between goroutines.
package op
