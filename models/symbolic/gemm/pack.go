package gemm

// workspace holds what one product packs.
type workspace[T float] struct {
	a, b, c []T // of A, of B, of Cᵀ
}

// grown returns buf with at least n elements, which it may forget.
func grown[T float](buf *[]T, n int) []T {
	const unit = 8 << 10 // so that it is rarely too small, and aligned to a page
	if len(*buf) < n {
		*buf = make([]T, (n+unit-1)/unit*unit)
	}
	return (*buf)[:n]
}

// packB copies B, one panel for each call of a tiles kernel: element (p, j) of
// a panel goes to p*width+j, where width is that of its vectors. What lies
// beyond the last column is left as it was, since masked kernels do not read
// it.
func (ker *kernels[T]) packB(p product[T], w *workspace[T]) []T {
	dst := grown(&w.b, ker.packedLen(p.n, p.k))
	ker.packTo(dst, p)
	return dst
}

// packedLen is the number of elements of k rows of n columns of B when packed.
func (ker *kernels[T]) packedLen(n, k int) int {
	return (n + ker.lanes - 1) / ker.lanes * ker.lanes * k
}

func (ker *kernels[T]) packTo(dst []T, p product[T]) {
	if p.bCol == 1 {
		for j, cols := 0, 0; j < p.n; j += cols {
			cols = ker.width(p.n-j) * ker.lanes
			ker.copyRows(dst[j*p.k:], cols, p.b[j:], p.bRow, p.k, min(cols, p.n-j))
		}
		return
	}
	for j, cols := 0, 0; j < p.n; j += cols {
		cols = ker.width(p.n-j) * ker.lanes
		ker.transpose(dst[j*p.k:], cols, min(cols, p.n-j), p.k, p.b[j*p.bCol:], p.bCol)
	}
}

// transpose sets dst[p*width+i] = src[i*ld+p] for p < k and i < lines.
func (ker *kernels[T]) transpose(dst []T, width, lines, k int, src []T, ld int) {
	i := 0
	for ; i+4 <= lines; i += 4 {
		ker.transpose4(k, src[i*ld:], ld, dst[i:], width)
	}
	for ; i < lines; i++ {
		to := dst[i:]
		for p, v := range src[i*ld:][:k] {
			to[p*width] = v
		}
	}
}

// packA returns p with the rows of A that it needs copied. A is transposed, and
// its columns lie next to each other in the copy, on few pages.
func (ker *kernels[T]) packA(p product[T], w *workspace[T]) product[T] {
	dst := grown(&w.a, p.m*p.k)
	ker.copyRows(dst, p.m, p.a, p.aCol, p.k, p.m)
	p.a, p.aCol = dst, p.m
	return p
}
