package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// productRows is the number of rows of a product that are computed together.
const productRows = 192

// For calls f for 0 ≤ i < n, in any order, on all processors, and returns when
// all calls have.
func For(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wait.Wait()
}

// AddProduct adds a·b to dst.
func AddProduct(dst, a, b *mat.Dense) {
	count, k := a.Dims()
	x, y, z := a.RawMatrix(), b.RawMatrix(), dst.RawMatrix()
	For((count+productRows-1)/productRows, func(i int) {
		i *= productRows
		gemm.Implementation{}.Dgemm(blas.NoTrans, blas.NoTrans, min(productRows, count-i), z.Cols, k,
			1, x.Data[i*x.Stride:], x.Stride, y.Data, y.Stride, 1, z.Data[i*z.Stride:], z.Stride)
	})
}
