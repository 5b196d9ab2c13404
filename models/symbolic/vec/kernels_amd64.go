//go:build amd64 && !purego

package vec

import "golang.org/x/sys/cpu"

func available64() Kernels[float64] {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return portable[float64]()
	}
	return Kernels[float64]{
		Largest: withRest(dAVX2Largest, 2), CopyRows: dAVX2CopyRows, AddRows: dAVX2AddRows,
		Add: dAVX2Add, Sub: dAVX2Sub, Mul: dAVX2Mul, Scale: dAVX2Scale, Shift: dAVX2Shift, Gate: dAVX2Gate, Leaky: dAVX2Leaky,
		Quadratic: dAVX2Quadratic, Tanh: dAVX2Tanh, Sigmoid: dAVX2Sigmoid,
	}
}

func available32() Kernels[float32] {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return portable[float32]()
	}
	return Kernels[float32]{
		Largest: withRest(sAVX2Largest, 4), CopyRows: sAVX2CopyRows, AddRows: sAVX2AddRows,
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
