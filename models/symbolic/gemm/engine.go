package gemm

import (
	"runtime"
	"sync"
)

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
}

// engine computes products of one element type.
type engine[T float] struct {
	kernels    *kernels[T]
	workspaces sync.Pool
}

var (
	engine64 = &engine[float64]{kernels: &kernels64[0]}
	engine32 = &engine[float32]{kernels: &kernels32[0]}
)

// multiply computes p, whose arguments have been checked.
func (e *engine[T]) multiply(p product[T], parallel bool) {
	switch {
	case p.m == 0 || p.n == 0:
	case p.alpha == 0 || p.k == 0:
		p.scale()
	case parallel && p.m*p.n*p.k >= parallelFrom:
		e.inParallel(p, runtime.GOMAXPROCS(0))
	default:
		e.serial(p)
	}
}

// serial computes p on this goroutine.
func (e *engine[T]) serial(p product[T]) {
	w, _ := e.workspaces.Get().(*workspace[T])
	if w == nil {
		w = new(workspace[T])
	}
	ker := e.kernels
	switch {
	case p.n <= ker.narrow && p.aCol == 1:
		ker.byDots(p, w)
	case p.n <= ker.narrow || p.m <= ker.narrow && p.bCol != 1:
		ker.byTransposed(p, w)
	default:
		ker.byTiles(p, w)
	}
	e.workspaces.Put(w)
}

const (
	// parallelFrom multiplications take some 50 µs, far more than to start
	// and join goroutines.
	parallelFrom = 1 << 20

	// parallelUnit is a multiple of all tiles' widths and rows, and more than
	// any kernels call narrow: a part is computed as the whole would be.
	parallelUnit = 48
)

// inParallel computes p in at most procs parts, cut along its longer side. How
// an element of C comes about depends on k and the kernels only, not on the
// part it lies in.
func (e *engine[T]) inParallel(p product[T], procs int) {
	length := max(p.m, p.n)
	parts := max(1, min(procs, length/parallelUnit))
	cut := func(i int) int {
		if i == parts {
			return length
		}
		return i * length / parts / parallelUnit * parallelUnit
	}
	var others sync.WaitGroup
	for i := range parts {
		part := p
		if p.n >= p.m { // every part packs its own columns of B
			part = p.block(0, p.m, cut(i), cut(i+1)-cut(i))
		} else {
			part = p.block(cut(i), cut(i+1)-cut(i), 0, p.n)
		}
		if i < parts-1 {
			others.Go(func() { e.serial(part) })
		} else {
			e.serial(part)
		}
	}
	others.Wait()
}
