//go:build !amd64 || purego

package vec

func available64() Kernels[float64] { return portable[float64]() }

func available32() Kernels[float32] { return portable[float32]() }

func narrow(dst []float32, src []float64) { goNarrow(dst, src) }

func addWidened(dst []float64, src []float32) { goAddWidened(dst, src) }
