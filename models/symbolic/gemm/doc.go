// Package gemm is a BLAS for gonum, in Go and Go assembly, with fast matrix
// products.
//
//	blas64.Use(gemm.Implementation{})
//	blas32.Use(gemm.Implementation{})
//
// makes all of gonum, and what builds on it, use it. Everything but Dgemm,
// Sgemm and Dgemv is gonum's own.
//
// A product takes one of three ways. Most are computed by tiles: 8×24 elements
// of C (float64, AVX-512) stay in registers while k passes, vectors of B are
// multiplied by single elements of A, and both are read where they lie unless
// B is transposed or too large for the caches; then it is packed, panel by
// panel. With few columns, tiles would leave lanes empty, so C is computed as
// dot products, with vectors along k, and so are the last columns where they
// leave most of a tile's vector empty. If the strides of the operands suit
// neither, Cᵀ = Bᵀ·Aᵀ is computed and transposed.
//
// DgemmAdd and SgemmAdd add another matrix, or one row to all rows, as they
// write C: what a bias or the sum of two products needs.
//
// Where several products have the same B, as the weights of a layer for
// one chunk of data after the other, Pack copies it once in the order in which they
// read it, and MultiplyPacked computes them.
//
// The kernels are written by internal/asm with avo, for AVX2 with FMA and for
// AVX-512; the best that the machine has are chosen when the program starts.
// Elsewhere, and with the build tag purego, they are plain Go. An element of C
// depends on the shape of the product and on the kernels, never on goroutines.
//
// With the build tag openblas, which takes cgo, products are those of OpenBLAS
// instead:
//
//	CGO_LDFLAGS=-lopenblas go build -tags openblas ./cmd/hessoscope
//
// Why not something else: gonum's own product has SSE2 kernels for vectors but
// none for tiles, and skips zeros, which hides NaN. simd/archsimd of Go 1.26
// is an experiment outside the Go 1 promise, which users of a module would
// have to switch on by GOEXPERIMENT, and leaves 24 accumulators to the
// compiler's register allocator. Of modules with assembly, GoMLX keeps its
// products internal and simdblas, the one that replaces gonum's BLAS, began in
// 2026; gonum.org/v1/netlib needs cgo, and OpenBLAS is slower at the sizes that
// occur here.
package gemm

//go:generate go run ./internal/asm -isa avx2 -out kernels_avx2_amd64.s -stubs kernels_avx2_amd64.go -pkg gemm
//go:generate go run ./internal/asm -isa avx512 -out kernels_avx512_amd64.s -stubs kernels_avx512_amd64.go -pkg gemm
