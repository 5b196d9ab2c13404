//go:build amd64 && !purego

package vec

import "golang.org/x/sys/cpu"

var vectors = cpu.X86.HasAVX2 && cpu.X86.HasFMA

func available64() Kernels[float64] {
	if !vectors {
		return portable[float64]()
	}
	return Kernels[float64]{
		Largest: withRest(dAVX2Largest, 2), CopyRows: dAVX2CopyRows, AddRows: dAVX2AddRows,
		Affine: dAVX2Affine, Centre: dAVX2Centre, Standardize: dAVX2Standardize, Residual: dAVX2Residual, MulAdd: dAVX2MulAdd,
		Sum: dAVX2Sum, Squares: dAVX2Squares, Dot: dAVX2Dot, Correlate: dAVX2Correlate, Correlations: dAVX2Correlations,
		Add: dAVX2Add, Sub: dAVX2Sub, Mul: dAVX2Mul, Scale: dAVX2Scale, Shift: dAVX2Shift, Gate: dAVX2Gate, Leaky: dAVX2Leaky,
		Descend: dAVX2Descend, Momentum: dAVX2Momentum, Adam: dAVX2Adam,
		Quadratic: dAVX2Quadratic, Exp: dAVX2Exp, Tanh: dAVX2Tanh, Sigmoid: dAVX2Sigmoid,
		Softplus: dAVX2Softplus, NormalPDF: dAVX2NormalPDF, NormalCDF: dAVX2NormalCDF,
	}
}

func available32() Kernels[float32] {
	if !vectors {
		return portable[float32]()
	}
	return Kernels[float32]{
		Largest: withRest(sAVX2Largest, 4), CopyRows: sAVX2CopyRows, AddRows: sAVX2AddRows,
		Affine: sAVX2Affine, Centre: sAVX2Centre, Standardize: sAVX2Standardize, Residual: sAVX2Residual, MulAdd: sAVX2MulAdd,
		Sum: sAVX2Sum, Squares: sAVX2Squares, Dot: sAVX2Dot, Correlate: sAVX2Correlate, Correlations: sAVX2Correlations,
		Add: sAVX2Add, Sub: sAVX2Sub, Mul: sAVX2Mul, Scale: sAVX2Scale, Shift: sAVX2Shift, Gate: sAVX2Gate, Leaky: sAVX2Leaky,
		Descend: sAVX2Descend, Momentum: sAVX2Momentum, Adam: sAVX2Adam,
		Quadratic: sAVX2Quadratic, Exp: sAVX2Exp, Tanh: sAVX2Tanh, Sigmoid: sAVX2Sigmoid,
		Softplus: sAVX2Softplus, NormalPDF: sAVX2NormalPDF, NormalCDF: sAVX2NormalCDF,
	}
}

// withRest adds the last squares, fewer than lanes, to a kernel that leaves them.
func withRest[T Float](f func(dst, top, bottom []T, first, width T), lanes int) func(dst, top, bottom []T, first, width T) {
	return func(dst, top, bottom []T, first, width T) {
		f(dst, top, bottom, first, width)
		done := len(dst) / lanes * lanes
		largest(dst[done:], top[2*done:], bottom[2*done:], first+T(2*done), width)
	}
}

func availableMixed() mixed {
	if !vectors {
		return portableMixed
	}
	return mixed{
		narrow: avx2Narrow, widen: avx2Widen, addWidened: avx2AddWidened, squares: avx2SquaresWidened,
		fractions: avx2Fractions, narrowFractions: avx2NarrowFractions,
	}
}
