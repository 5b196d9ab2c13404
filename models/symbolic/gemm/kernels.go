package gemm

// A tilesFunc computes a column panel of C = alpha * A * B (+ beta * D if
// accumulate is set): m rows, and as many columns as its vectors have lanes.
// The last vector of a masked one has only last lanes. Element (i, p) of A is
// a[i*aRow+p*aCol]. k must not be zero.
type tilesFunc[T float] func(m, k int, a []T, aRow, aCol int, b []T, ldb int, c []T, ldc int, d []T, ldd int, alpha, beta T, accumulate bool, last int)

// A dotsFunc computes C = alpha * A * Bᵀ (+ beta * D if accumulate is set) for
// m rows and as many columns as it is made for.
type dotsFunc[T float] func(m, k int, a []T, lda int, b []T, ldb int, c []T, ldc int, d []T, ldd int, alpha, beta T, accumulate bool)

const (
	maxWidth = 3 // vectors across a tile
	maxDots  = 4 // columns of a dotsFunc
)

// kernels are the inner loops for one instruction set and element type.
type kernels[T float] struct {
	name  string
	lanes int // elements of a vector
	rows  int // of a full tile

	tiles, masked [maxWidth]tilesFunc[T] // by vectors across, less one
	dots          [maxDots]dotsFunc[T]   // by columns, less one

	// narrow is the largest number of columns for which dot products, which
	// fill all lanes, are faster than tiles, which fill as many lanes as
	// there are columns.
	narrow int

	// transpose4 sets dst[p*width+i] = src[i*ld+p] for p < k and i < 4.
	transpose4 func(k int, src []T, ld int, dst []T, width int)

	copyRows func(dst []T, ldd int, src []T, lds, rows, n int) // that of package vec
}

// width is the number of vectors across the next panel of cols columns.
func (ker *kernels[T]) width(cols int) int {
	vectors := (cols + ker.lanes - 1) / ker.lanes
	if vectors == maxWidth+1 { // better 2 and 2 than 3 and a slow 1
		return 2
	}
	return min(vectors, maxWidth)
}
