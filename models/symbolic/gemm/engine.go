package gemm

import (
	"runtime"
	"sync"
)

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
	w := e.workspace()
	ker := e.kernels
	switch {
	case p.n <= ker.narrow && p.aCol == 1:
		ker.byDots(p, w)
	case p.n <= ker.narrow || p.m <= ker.narrow && p.bCol != 1:
		ker.byTransposed(p, w)
	default:
		wide := p.n - ker.fewColumns(p)
		ker.byTiles(p.block(0, p.m, 0, wide), w)
		if wide < p.n {
			ker.few(p.block(0, p.m, wide, p.n-wide), w)
		}
	}
	e.workspaces.Put(w)
}

func (e *engine[T]) workspace() *workspace[T] {
	if w, ok := e.workspaces.Get().(*workspace[T]); ok {
		return w
	}
	return new(workspace[T])
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
// an element of C comes about depends on k, the kernels and whether its column is
// among the last, not on the part it lies in.
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
