package gemm

import "gonum.org/v1/gonum/blas"

// vectorTile elements of y in Aᵀx: that many columns of A are read row by row,
// short of the next page, before the next.
const vectorTile = 512

// Dgemv performs one of the matrix-vector operations
//
//	y = alpha * A * x + beta * y
//	y = alpha * Aᵀ * x + beta * y
//
// where A is an m×n dense matrix, x and y are vectors, and alpha and beta are
// scalars. It is a product with one column, or row, and what is said of Dgemm
// holds for it, too. Where x or y run backwards, or an argument is wrong, it is
// gonum's.
func (impl Implementation) Dgemv(tA blas.Transpose, m, n int, alpha float64, a []float64, lda int, x []float64, incX int, beta float64, y []float64, incY int) {
	lenX, lenY := n, m
	if tA != blas.NoTrans {
		lenX, lenY = m, n
	}
	known := tA == blas.NoTrans || tA == blas.Trans || tA == blas.ConjTrans
	if !known || m <= 0 || n <= 0 || lda < n || incX <= 0 || incY <= 0 || len(x) <= (lenX-1)*incX || len(y) <= (lenY-1)*incY {
		impl.Implementation.Dgemv(tA, m, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	if tA == blas.NoTrans && incX == 1 {
		impl.Dgemm(blas.NoTrans, blas.Trans, m, 1, n, alpha, a, lda, x, n, beta, y, incY)
		return
	}
	if tA == blas.NoTrans || incY != 1 {
		impl.Dgemm(tA, blas.NoTrans, lenY, 1, lenX, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	// From the end, as what a product A * x read last may still be in the cache.
	for j := (n - 1) / vectorTile * vectorTile; j >= 0; j -= vectorTile {
		impl.Dgemm(blas.Trans, blas.NoTrans, 1, min(vectorTile, n-j), m, alpha, x, incX, a[j:], lda, beta, y[j:], n)
	}
}
