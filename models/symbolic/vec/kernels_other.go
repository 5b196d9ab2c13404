//go:build !amd64 || purego

package vec

func available64() Kernels[float64] { return portable[float64]() }

func available32() Kernels[float32] { return portable[float32]() }

func availableMixed() mixed { return portableMixed }
