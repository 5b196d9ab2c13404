//go:build amd64 && !purego

package vec

import "golang.org/x/sys/cpu"

func available64() Kernels[float64] {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return portable[float64]()
	}
	return Kernels[float64]{
		CopyRows: dAVX2CopyRows, AddRows: dAVX2AddRows,
		Add: dAVX2Add, Sub: dAVX2Sub, Mul: dAVX2Mul, Scale: dAVX2Scale, Gate: dAVX2Gate, Leaky: dAVX2Leaky,
		Quadratic: dAVX2Quadratic, Tanh: dAVX2Tanh, Sigmoid: dAVX2Sigmoid,
	}
}

func available32() Kernels[float32] {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return portable[float32]()
	}
	return Kernels[float32]{
		CopyRows: sAVX2CopyRows, AddRows: sAVX2AddRows,
		Add: sAVX2Add, Sub: sAVX2Sub, Mul: sAVX2Mul, Scale: sAVX2Scale, Gate: sAVX2Gate, Leaky: sAVX2Leaky,
		Quadratic: sAVX2Quadratic, Tanh: sAVX2Tanh, Sigmoid: sAVX2Sigmoid,
	}
}
