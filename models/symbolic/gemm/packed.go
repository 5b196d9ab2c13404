package gemm

import "gonum.org/v1/gonum/blas"

// PackedLen is the number of elements of a packed B (see Pack) for products of
// m×n×k, or 0 if they are better computed without.
func PackedLen[T float](m, n, k int) int {
	ker := engineOf[T]().kernels
	if external != nil || min(m, n) <= ker.narrow || k == 0 {
		return 0
	}
	rest := ker.rest(n, k)
	size := rest * k
	ker.slabs(n-rest, k, func(_, cols, _, steps int) { size += ker.packedLen(cols, steps) })
	return size
}

// Pack copies a transposed B, n×k with rows of k elements, to dst, of PackedLen, in
// the order in which products read it. A product packs B itself; it pays to keep it
// where several have the same.
func Pack[T float](dst []T, n, k int, b []T) {
	ker := engineOf[T]().kernels
	wide := n - ker.rest(n, k)
	ker.slabs(wide, k, func(j, cols, l, steps int) {
		size := ker.packedLen(cols, steps)
		ker.packTo(dst[:size], product[T]{n: cols, k: steps, b: b[j*k+l:], bRow: 1, bCol: k})
		dst = dst[size:]
	})
	copy(dst, b[wide*k:n*k])
}

// MultiplyPacked computes C = op(A) * Bᵀ + D with a packed B, as DgemmAdd does
// without, bit for bit; C = op(A) * Bᵀ if d is nil.
func MultiplyPacked[T float](tA blas.Transpose, m, n, k int, a []T, lda int, packed, d []T, ldd int, c []T, ldc int) {
	check(tA, blas.NoTrans, m, n, k, len(a), lda, k*n, n, len(c), ldc)
	p := newProduct(tA, blas.NoTrans, m, n, k, 1, a, lda, packed, 0, 0, c, ldc)
	if d != nil {
		p = p.plus(d, ldd)
		p.beta = 1
	}
	e := engineOf[T]()
	w := e.workspace()
	wide := n - e.kernels.rest(n, k)
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
