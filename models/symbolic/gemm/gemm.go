package gemm

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Implementation is gonum's own BLAS with faster matrix products. It
// implements blas.Float64, blas.Float32, blas.Complex64 and blas.Complex128;
// the zero value is ready for use, by any number of goroutines.
type Implementation struct {
	gonum.Implementation

	// Parallel lets large products use GOMAXPROCS goroutines. It is for
	// programs whose parallelism ends above BLAS, not for products that run
	// on all cores already. The result is the same, bit for bit.
	Parallel bool
}

// external, if set, computes all products: with the build tag openblas.
var external interface {
	blas.Float64
	blas.Float32
}

var (
	_ blas.Float64 = Implementation{}
	_ blas.Float32 = Implementation{}
)

// Dgemm performs one of the matrix-matrix operations
//
//	C = alpha * A * B + beta * C
//	C = alpha * Aᵀ * B + beta * C
//	C = alpha * A * Bᵀ + beta * C
//	C = alpha * Aᵀ * Bᵀ + beta * C
//
// where op(A) is an m×k, op(B) a k×n and C an m×n dense matrix, and alpha and
// beta are scalars. tA and tB specify whether A or B are transposed.
//
// If beta is zero, C is written and not read. If alpha is zero, neither A nor
// B is read. Otherwise NaN and Inf propagate as in IEEE 754: unlike gonum,
// Dgemm does not skip zeros. C must not overlap A or B.
func (impl Implementation) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	check(tA, tB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if external != nil {
		external.Dgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	engine64.multiply(newProduct(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc), impl.Parallel)
}

// Sgemm performs one of the matrix-matrix operations
//
//	C = alpha * A * B + beta * C
//	C = alpha * Aᵀ * B + beta * C
//	C = alpha * A * Bᵀ + beta * C
//	C = alpha * Aᵀ * Bᵀ + beta * C
//
// where op(A) is an m×k, op(B) a k×n and C an m×n dense matrix, and alpha and
// beta are scalars. What is said of Dgemm holds for it, too.
func (impl Implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	check(tA, tB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if external != nil {
		external.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	engine32.multiply(newProduct(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc), impl.Parallel)
}

// DgemmAdd computes C = op(A) * op(B) + D, which need not be in C before: D is
// read as C is written. If ldd is zero, the one row of D is added to every row
// of C. D must not overlap C unless it is C.
func (impl Implementation) DgemmAdd(tA, tB blas.Transpose, m, n, k int, a []float64, lda int, b []float64, ldb int, d []float64, ldd int, c []float64, ldc int) {
	check(tA, tB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	p := newProduct(tA, tB, m, n, k, 1, a, lda, b, ldb, 1, c, ldc).plus(d, ldd)
	if external != nil {
		p.scale() // C = D
		external.Dgemm(tA, tB, m, n, k, 1, a, lda, b, ldb, 1, c, ldc)
		return
	}
	engine64.multiply(p, impl.Parallel)
}

// SgemmAdd computes C = op(A) * op(B) + D. What is said of DgemmAdd holds for
// it, too.
func (impl Implementation) SgemmAdd(tA, tB blas.Transpose, m, n, k int, a []float32, lda int, b []float32, ldb int, d []float32, ldd int, c []float32, ldc int) {
	check(tA, tB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	p := newProduct(tA, tB, m, n, k, 1, a, lda, b, ldb, 1, c, ldc).plus(d, ldd)
	if external != nil {
		p.scale() // C = D
		external.Sgemm(tA, tB, m, n, k, 1, a, lda, b, ldb, 1, c, ldc)
		return
	}
	engine32.multiply(p, impl.Parallel)
}

// check panics as gonum does if an argument is wrong.
func check(tA, tB blas.Transpose, m, n, k, lenA, lda, lenB, ldb, lenC, ldc int) {
	rowsA, colsA := shape(tA, m, k)
	rowsB, colsB := shape(tB, k, n)
	switch {
	case m < 0:
		panic("blas: m < 0")
	case n < 0:
		panic("blas: n < 0")
	case k < 0:
		panic("blas: k < 0")
	case lda < max(1, colsA):
		panic("blas: bad leading dimension of A")
	case ldb < max(1, colsB):
		panic("blas: bad leading dimension of B")
	case ldc < max(1, n):
		panic("blas: bad leading dimension of C")
	case m == 0 || n == 0:
		return
	case lenA < (rowsA-1)*lda+colsA:
		panic("blas: insufficient length of a")
	case lenB < (rowsB-1)*ldb+colsB:
		panic("blas: insufficient length of b")
	case lenC < (m-1)*ldc+n:
		panic("blas: insufficient length of c")
	}
}

// shape returns the stored shape of a matrix M where op(M) is rows×cols.
func shape(t blas.Transpose, rows, cols int) (int, int) {
	switch t {
	case blas.NoTrans:
		return rows, cols
	case blas.Trans, blas.ConjTrans:
		return cols, rows
	default:
		panic("blas: illegal transpose")
	}
}
