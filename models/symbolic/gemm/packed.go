package gemm

import "gonum.org/v1/gonum/blas"

// PackedLen is the number of elements of a packed op(B) (see Pack) for products of
// m×n×k, or 0 if they are better computed without.
func PackedLen[T float](tB blas.Transpose, m, n, k int) int {
	ker := engineOf[T]().kernels
	b := stored[T](tB, m, n, k, nil)
	if external != nil || min(m, n) <= ker.narrow || k == 0 || !ker.packs(b) {
		return 0
	}
	few := ker.fewColumns(b)
	size := few * k
	ker.slabs(n-few, k, func(_, cols, _, steps int) { size += ker.packedLen(cols, steps) })
	return size
}

// Pack copies op(B), k×n, whose stored rows follow each other, to dst, of PackedLen,
// in the order in which products read it. A product packs B itself; it pays to keep it
// where several have the same.
func Pack[T float](dst []T, tB blas.Transpose, n, k int, b []T) {
	ker := engineOf[T]().kernels
	p := stored(tB, 0, n, k, b)
	wide := n - ker.fewColumns(p)
	ker.slabs(wide, k, func(j, cols, l, steps int) {
		size := ker.packedLen(cols, steps)
		ker.packTo(dst[:size], product[T]{n: cols, k: steps, b: b[j*p.bCol+l*p.bRow:], bRow: p.bRow, bCol: p.bCol})
		dst = dst[size:]
	})
	copy(dst, b[wide*k:]) // the last rows of a transposed B, if any
}

// stored is a product by op(B) whose rows, as they are stored, follow each other.
func stored[T float](tB blas.Transpose, m, n, k int, b []T) product[T] {
	_, ldb := shape(tB, k, n)
	return newProduct(blas.NoTrans, tB, m, n, k, 1, nil, k, b, ldb, 0, nil, n)
}

// MultiplyPacked computes C = op(A) * op(B) + D with a packed op(B), as DgemmAdd does
// without, bit for bit; C = op(A) * op(B) if d is nil.
func MultiplyPacked[T float](tA, tB blas.Transpose, m, n, k int, a []T, lda int, packed, d []T, ldd int, c []T, ldc int) {
	check(tA, blas.NoTrans, m, n, k, len(a), lda, k*n, n, len(c), ldc)
	p := newProduct(tA, blas.NoTrans, m, n, k, 1, a, lda, packed, 0, 0, c, ldc)
	if d != nil {
		p = p.plus(d, ldd)
		p.beta = 1
	}
	e := engineOf[T]()
	w := e.workspace()
	wide := n - e.kernels.fewColumns(stored(tB, m, n, k, packed))
	tiles := p.block(0, m, 0, wide)
	tiles.packed = true
	e.kernels.byTiles(tiles, w)
	if wide < n {
		few := p.block(0, m, wide, n-wide)
		few.b, few.bRow, few.bCol = packed[len(packed)-few.n*k:], 1, k
		e.kernels.few(few, w)
	}
	e.workspaces.Put(w)
}

func engineOf[T float]() *engine[T] {
	if e, ok := any(engine64).(*engine[T]); ok {
		return e
	}
	return any(engine32).(*engine[T])
}
