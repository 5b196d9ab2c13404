//go:build openblas

package gemm

// OpenBLAS by cgo, which finds it through CGO_LDFLAGS=-lopenblas.

import "gonum.org/v1/netlib/blas/netlib"

func init() { external = netlib.Implementation{} }
