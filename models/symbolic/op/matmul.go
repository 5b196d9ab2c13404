package op

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
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
	p := product{tA: blas.NoTrans, tB: blas.NoTrans, m: m, n: n, k: k}
	if transA {
		p.tA, p.m, p.k = blas.Trans, k, m
	}
	if transB {
		p.tB, p.n, kb = blas.Trans, kb, n
	}
	if p.k != kb {
		return nil, fmt.Errorf("op: %s: inner dimensions %d and %d differ (%v and %v)", name, p.k, kb, a.Shape(), b.Shape())
	}
	return apply(primitive{
		name:    name,
		product: &p,
		plus:    &productPlus{product: p},
		out:     tensor.Shape{p.m, p.n},
		wrt:     []bool{true, true},
		f32:     p.float32,
		f64:     p.float64,
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

// SummedRows tells whether an operation sums over the rows of its operands: the
// outer products of the rows of two, leftᵀ·right, or the rows of one. Gradients of
// a dense layer are such sums over the samples (Goodfellow 2015).
func SummedRows(o G.Op) bool {
	p, ok := o.(*primitive)
	return ok && (p.form == summedRows || p.product != nil && len(p.in) == 2 && p.product.tA == blas.Trans && p.product.tB == blas.NoTrans)
}

// matMulOrTransposed returns op(a)·op(b), or its transpose op(b)ᵀ·op(a)ᵀ.
func matMulOrTransposed(a, b *G.Node, transA, transB, transposed bool) (*G.Node, error) {
	if transposed {
		return MatMul(b, a, !transB, !transA)
	}
	return MatMul(a, b, transA, transB)
}

// strides are the lengths of a stored row of a and of b.
func (p product) strides() (a, b int) {
	a, b = p.k, p.n
	if p.tA == blas.Trans {
		a = p.m
	}
	if p.tB == blas.Trans {
		b = p.k
	}
	return a, b
}

func (p product) float64(dst []float64, in [][]float64) { p.multiply64(dst, in[0], in[1]) }

func (p product) multiply64(dst, a, b []float64) {
	lda, ldb := p.strides()
	gemm.Implementation{}.Dgemm(p.tA, p.tB, p.m, p.n, p.k, 1, a, lda, b, ldb, 0, dst, p.n)
}

func (p product) float32(dst []float32, in [][]float32) { p.multiply32(dst, in[0], in[1]) }

func (p product) multiply32(dst, a, b []float32) {
	lda, ldb := p.strides()
	gemm.Implementation{}.Sgemm(p.tA, p.tB, p.m, p.n, p.k, 1, a, lda, b, ldb, 0, dst, p.n)
}
