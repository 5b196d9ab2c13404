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
		Affine: dAVX2Affine, Centre: dAVX2Centre, Residual: dAVX2Residual, MulAdd: dAVX2MulAdd,
		Sum: dAVX2Sum, Squares: dAVX2Squares, Dot: dAVX2Dot, Correlate: dAVX2Correlate, Correlations: dAVX2Correlations,
		Add: dAVX2Add, Sub: dAVX2Sub, Mul: dAVX2Mul, Scale: dAVX2Scale, Shift: dAVX2Shift, Gate: dAVX2Gate, Leaky: dAVX2Leaky,
		Quadratic: dAVX2Quadratic, Tanh: dAVX2Tanh, Sigmoid: dAVX2Sigmoid,
	}
}

func available32() Kernels[float32] {
	if !vectors {
		return portable[float32]()
	}
	return Kernels[float32]{
		Largest: withRest(sAVX2Largest, 4), CopyRows: sAVX2CopyRows, AddRows: sAVX2AddRows,
		Affine: sAVX2Affine, Centre: sAVX2Centre, Residual: sAVX2Residual, MulAdd: sAVX2MulAdd,
		Sum: sAVX2Sum, Squares: sAVX2Squares, Dot: sAVX2Dot, Correlate: sAVX2Correlate, Correlations: sAVX2Correlations,
		Add: sAVX2Add, Sub: sAVX2Sub, Mul: sAVX2Mul, Scale: sAVX2Scale, Shift: sAVX2Shift, Gate: sAVX2Gate, Leaky: sAVX2Leaky,
		Quadratic: sAVX2Quadratic, Tanh: sAVX2Tanh, Sigmoid: sAVX2Sigmoid,
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

func narrow(dst []float32, src []float64) {
	if vectors {
		avx2Narrow(dst, src)
		return
	}
	goNarrow(dst, src)
}

func addWidened(dst []float64, src []float32) {
	if vectors {
		avx2AddWidened(dst, src)
		return
	}
	goAddWidened(dst, src)
}
