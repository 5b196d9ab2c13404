package gemm

const (
	// dotK elements of k: 4 rows of A and 4 columns of B take 32 KiB, a
	// first-level cache.
	dotK = 512

	// dotM rows of A: 96×512 float64 take 384 KiB of the second-level cache,
	// where they meet four columns of B after the other.
	dotM = 96

	// Below it, the sum over the elements of vectors costs more than is gained.
	shortestDots = 48

	// transposedLength by at most 12 elements of Cᵀ take less than 48 KiB.
	transposedLength = 512
)

// byDots computes p, of few columns and with contiguous rows of A, as dot
// products.
func (ker *kernels[T]) byDots(p product[T], w *workspace[T]) {
	kc := share(p.k, dotK, ker.lanes)
	for l := 0; l < p.k; l += kc {
		slab := p.slab(l, min(kc, p.k-l))
		b, ldb := slab.b, p.bCol
		if p.bRow != 1 {
			b, ldb = columns(slab, w), slab.k
		}
		for i := 0; i < p.m; i += dotM {
			for j := 0; j < p.n; j += maxDots {
				cols := min(maxDots, p.n-j)
				blk := slab.block(i, min(dotM, p.m-i), j, cols)
				ker.dots[cols-1](blk.m, blk.k, blk.a, p.aRow, b[j*ldb:], ldb, blk.c, p.ldc, blk.d, blk.ldd, p.alpha, blk.beta, blk.beta != 0)
			}
		}
	}
}

// fewColumns is the number of last columns of p that leave most of a vector of a tile
// empty, and are better computed as dot products, as the columns of B are contiguous.
func (ker *kernels[T]) fewColumns(p product[T]) int {
	if rest := p.n % ker.lanes; p.bRow == 1 && 2*rest <= ker.lanes && rest <= maxDots && p.k >= shortestDots {
		return rest
	}
	return 0
}

// few computes p, of the last columns of a product, as dot products if the rows of A are
// contiguous.
func (ker *kernels[T]) few(p product[T], w *workspace[T]) {
	if p.aCol == 1 {
		ker.byDots(p, w)
	} else {
		ker.byTiles(p, w)
	}
}

// columns copies B as columns, one after the other.
func columns[T float](p product[T], w *workspace[T]) []T {
	dst := grown(&w.b, p.n*p.k)
	for j := range p.n {
		col := dst[j*p.k:][:p.k]
		src := p.b[j*p.bCol:]
		for l := range col {
			col[l] = src[l*p.bRow]
		}
	}
	return dst
}

// byTransposed computes p, of few rows or columns, by way of Cᵀ = Bᵀ * Aᵀ.
func (ker *kernels[T]) byTransposed(p product[T], w *workspace[T]) {
	if p.n > p.m {
		length := share(p.n, transposedLength, 1)
		for j := 0; j < p.n; j += length {
			ker.blockByTransposed(p.block(0, p.m, j, min(length, p.n-j)), w)
		}
		return
	}
	length := share(p.m, transposedLength, 1)
	for i := 0; i < p.m; i += length {
		ker.blockByTransposed(p.block(i, min(length, p.m-i), 0, p.n), w)
	}
}

func (ker *kernels[T]) blockByTransposed(p product[T], w *workspace[T]) {
	ct := grown(&w.c, p.m*p.n)
	t := p.transposed(ct, p.m)
	if t.n <= ker.narrow && t.aCol == 1 {
		ker.byDots(t, w)
	} else {
		ker.byTiles(t, w)
	}
	for i := range p.m {
		row, d := p.c[i*p.ldc:][:p.n], p.d[i*p.ldd:][:p.n]
		for j := range row {
			if p.beta != 0 {
				row[j] = ct[j*p.m+i] + p.beta*d[j]
			} else {
				row[j] = ct[j*p.m+i]
			}
		}
	}
}
