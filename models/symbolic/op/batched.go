package op

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/blas"
	G "gorgonia.org/gorgonia"
)

// BatchedMatMul multiplies the matrices of the last two axes of a and b one by
// one, as MatMul does: (…, m, k)·(…, k, n) → (…, m, n). The axes before are the
// same.
func BatchedMatMul(a, b *G.Node, transA, transB bool) (*G.Node, error) {
	name := "BatchedMatMul" + map[bool]string{true: "ᵀ"}[transA] + "·" + map[bool]string{true: "ᵀ"}[transB]
	as, bs := a.Shape(), b.Shape()
	if as.Dims() < 3 || as.Dims() != bs.Dims() || !slices.Equal(as[:as.Dims()-2], bs[:bs.Dims()-2]) {
		return nil, fmt.Errorf("op: %s: shapes %v and %v; want (…, m, k) and (…, k, n)", name, as, bs)
	}
	batch, rows := as[:as.Dims()-2], as[as.Dims()-2:]
	p := product{tA: blas.NoTrans, tB: blas.NoTrans, m: rows[0], k: rows[1]}
	if transA {
		p.tA, p.m, p.k = blas.Trans, rows[1], rows[0]
	}
	kb, n := bs[bs.Dims()-2], bs[bs.Dims()-1]
	if transB {
		p.tB, kb, n = blas.Trans, n, kb
	}
	if p.n = n; p.k != kb {
		return nil, fmt.Errorf("op: %s: inner dimensions %d and %d differ (%v and %v)", name, p.k, kb, as, bs)
	}
	return apply(primitive{
		name: name,
		out:  append(batch.Clone(), p.m, p.n),
		wrt:  []bool{true, true},
		f32:  batched(p, p.multiply32),
		f64:  batched(p, p.multiply64),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			da, err := batchedOrTransposed(grad, in[1], false, !transB, transA)
			if err != nil {
				return nil, err
			}
			db, err := batchedOrTransposed(in[0], grad, !transA, false, transB)
			return G.Nodes{da, db}, err
		},
	}, a, b)
}

func batchedOrTransposed(a, b *G.Node, transA, transB, transposed bool) (*G.Node, error) {
	if transposed {
		return BatchedMatMul(b, a, !transB, !transA)
	}
	return BatchedMatMul(a, b, transA, transB)
}

func batched[T Float](p product, multiply func(dst, a, b []T)) kernel[T] {
	return func(dst []T, in [][]T) {
		for a, b := in[0], in[1]; len(dst) > 0; a, b, dst = a[p.m*p.k:], b[p.k*p.n:], dst[p.m*p.n:] {
			multiply(dst[:p.m*p.n], a, b)
		}
	}
}
