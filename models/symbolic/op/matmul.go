package op

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// MatMul returns op(a)·op(b), where op transposes its matrix if its flag is
// set: (m, k)·(k, n) → (m, n). The flags go to BLAS; nothing is copied and the
// operands are left as they are.
func MatMul(a, b *G.Node, transA, transB bool) (*G.Node, error) {
	name := "MatMul" + map[bool]string{true: "ᵀ"}[transA] + "·" + map[bool]string{true: "ᵀ"}[transB]
	m, k, err := matrixShape(name, a)
	if err != nil {
		return nil, err
	}
	kb, n, err := matrixShape(name, b)
	if err != nil {
		return nil, err
	}
	g := gemm{tA: blas.NoTrans, tB: blas.NoTrans, m: m, n: n, k: k}
	if transA {
		g.tA, g.m, g.k = blas.Trans, k, m
	}
	if transB {
		g.tB, g.n, kb = blas.Trans, kb, n
	}
	if g.k != kb {
		return nil, fmt.Errorf("op: %s: inner dimensions %d and %d differ (%v and %v)", name, g.k, kb, a.Shape(), b.Shape())
	}
	return apply(primitive{
		name: name,
		out:  tensor.Shape{g.m, g.n},
		wrt:  []bool{true, true},
		f32:  g.float32,
		f64:  g.float64,
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			da, err := matMulOrTransposed(grad, in[1], false, !transB, transA)
			if err != nil {
				return nil, err
			}
			db, err := matMulOrTransposed(in[0], grad, !transA, false, transB)
			return G.Nodes{da, db}, err
		},
	}, a, b)
}

// matMulOrTransposed returns op(a)·op(b), or its transpose op(b)ᵀ·op(a)ᵀ.
func matMulOrTransposed(a, b *G.Node, transA, transB, transposed bool) (*G.Node, error) {
	if transposed {
		return MatMul(b, a, !transB, !transA)
	}
	return MatMul(a, b, transA, transB)
}

// gemm is a matrix product of a fixed size, (m, k)·(k, n) → (m, n).
type gemm struct {
	tA, tB  blas.Transpose
	m, n, k int
}

// A product is handed to BLAS in tiles so small that it stays on this
// goroutine: the parallel work here is over chunks of data, and starting
// goroutines for each product would cost more than it gains.
const tileRows, tileCols = 64, 128

// tiles calls f for every tile of the product, with the offset of its part of
// a, b and c.
func (g gemm) tiles(f func(rows, cols, a, b, c int)) {
	strideA, strideB := 1, 1 // from one row of op(a), one column of op(b), to the next
	if g.tA == blas.NoTrans {
		strideA = g.k
	}
	if g.tB == blas.Trans {
		strideB = g.k
	}
	for i := 0; i < g.m; i += tileRows {
		for j := 0; j < g.n; j += tileCols {
			f(min(tileRows, g.m-i), min(tileCols, g.n-j), i*strideA, j*strideB, i*g.n+j)
		}
	}
}

// strides are the lengths of a stored row of a and of b.
func (g gemm) strides() (a, b int) {
	a, b = g.k, g.n
	if g.tA == blas.Trans {
		a = g.m
	}
	if g.tB == blas.Trans {
		b = g.k
	}
	return a, b
}

func (g gemm) float64(dst []float64, in [][]float64) {
	lda, ldb := g.strides()
	impl := blas64.Implementation()
	g.tiles(func(rows, cols, a, b, c int) {
		impl.Dgemm(g.tA, g.tB, rows, cols, g.k, 1, in[0][a:], lda, in[1][b:], ldb, 0, dst[c:], g.n)
	})
}

func (g gemm) float32(dst []float32, in [][]float32) {
	lda, ldb := g.strides()
	impl := blas32.Implementation()
	g.tiles(func(rows, cols, a, b, c int) {
		impl.Sgemm(g.tA, g.tB, rows, cols, g.k, 1, in[0][a:], lda, in[1][b:], ldb, 0, dst[c:], g.n)
	})
}
