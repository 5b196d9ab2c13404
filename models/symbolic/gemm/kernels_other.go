//go:build !amd64 || purego

package gemm

var (
	kernels64 = []kernels[float64]{portable[float64]()}
	kernels32 = []kernels[float32]{portable[float32]()}
)
