package curvature

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

const (
	chunkRows = 64  // vectors of a basis stored together
	tileWidth = 512 // their columns that are worked on at a time: 256 kB, to stay in the cache
)

// fast has the products of all matrices of some size.
var fast gemm.Implementation

// basis is a growing set of k orthonormal vectors qᵢ in ℝⁿ, the rows of Q. They
// are stored in chunks, so that growing copies nothing.
//
// Products with it run on all processors, each computing parts of the result
// that do not depend on how many there are.
type basis struct {
	n, k   int
	chunks []*mat.Dense // chunkRows × n each; the last one may be in part unused
}

// rows returns vectors from to to−1, which must be in one chunk.
func (b *basis) rows(from, to int) *mat.Dense {
	chunk := from / chunkRows
	return b.chunks[chunk].Slice(from-chunk*chunkRows, to-chunk*chunkRows, 0, b.n).(*mat.Dense)
}

// append adds a copy of the unit vector v, which must be orthogonal to Q.
func (b *basis) append(v []float64) {
	if b.k == len(b.chunks)*chunkRows {
		b.chunks = append(b.chunks, mat.NewDense(chunkRows, b.n, nil))
	}
	b.chunks[b.k/chunkRows].SetRow(b.k%chunkRows, v)
	b.k++
}

// used returns chunk i without its unused rows.
func (b *basis) used(i int) blas64.General {
	return rows(b.chunks[i], min(chunkRows, b.k-i*chunkRows))
}

// coefficients returns X Qᵀ, for vectors as rows of X, with zeros for the first
// from vectors of the basis, rounded down to whole chunks.
func (b *basis) coefficients(x *mat.Dense, from int) *mat.Dense {
	count, _ := x.Dims()
	if b.k == 0 {
		return &mat.Dense{}
	}
	c := mat.NewDense(count, b.k, nil)
	parallel((b.k+chunkRows-1)/chunkRows-from/chunkRows, func(i int) {
		i += from / chunkRows
		q, rows, out := b.used(i), x.RawMatrix(), c.RawMatrix()
		fast.Dgemm(blas.NoTrans, blas.Trans, count, q.Rows, b.n,
			1, rows.Data, rows.Stride, q.Data, q.Stride, 1, out.Data[i*chunkRows:], out.Stride)
	})
	return c
}

// addProduct adds factor·C Q to X. The columns of C are the coefficients of the
// first vectors of the basis; the first from of them are taken for zero, as by
// [basis.coefficients].
func (b *basis) addProduct(x *mat.Dense, factor float64, c *mat.Dense, from int) {
	count, k := c.Dims()
	parallel((b.n+tileWidth-1)/tileWidth, func(t int) {
		j := t * tileWidth
		for i := from / chunkRows; i*chunkRows < k; i++ {
			q := b.used(i)
			q.Rows = min(q.Rows, k-i*chunkRows)
			tile, in, out := columns(q, j, min(j+tileWidth, b.n)), c.RawMatrix(), x.RawMatrix()
			fast.Dgemm(blas.NoTrans, blas.NoTrans, count, tile.Cols, q.Rows,
				factor, in.Data[i*chunkRows:], in.Stride, tile.Data, tile.Stride, 1, out.Data[j:], out.Stride)
		}
	})
}

// project subtracts from the rows of x their orthogonal projections C Q on all
// but the first from vectors of the basis, and returns C.
func (b *basis) project(x *mat.Dense, from int) *mat.Dense {
	c := b.coefficients(x, from)
	if b.k > 0 {
		b.addProduct(x, -1, c, from)
	}
	return c
}

// absorb splits the rows of X into what the basis, grown by them up to limit
// vectors, spans, and what it does not:
//
//	X = C Q + E
//
// It returns C, with one column a vector of the grown basis, and leaves E in x.
// A remainder of norm at most floor is no new direction, but rounding or of no
// interest, and stays in E. X must be known to be orthogonal, up to rounding, to
// the first from vectors of the basis.
func (b *basis) absorb(x *mat.Dense, from int, floor float64, limit int) *mat.Dense {
	count, _ := x.Dims()
	old := b.project(x, from)
	panel := mat.NewDense(count, b.n, nil) // the new directions
	local := mat.NewDense(count, count, nil)
	grown := 0
	for i := range count {
		v, c := x.RawRowView(i), local.RawRowView(i)
		norm := orthogonalise(v, panel, grown, c, floor)
		if norm > floor && b.k+grown < limit {
			c[grown] = norm
			scaleTo(panel.RawRowView(grown), 1/norm, v)
			clear(v)
			grown++
		}
	}
	c := mat.NewDense(count, max(b.k+grown, 1), nil)
	for i := range count {
		if b.k > 0 {
			copy(c.RawRowView(i), old.RawRowView(i))
		}
		copy(c.RawRowView(i)[b.k:], local.RawRowView(i)[:grown])
	}
	if grown > 0 {
		b.extend(panel.Slice(0, grown, 0, b.n).(*mat.Dense))
	}
	return c
}

// extend adds the rows of panel, unit vectors that are orthogonal to the basis
// and to each other but for rounding magnified by all that was subtracted from
// them. It makes them so: twice is enough (Parlett 1998, § 6.9). What changes in
// them is of the order of the rounding in what they were made of, so that their
// coefficients stay.
func (b *basis) extend(panel *mat.Dense) {
	count, _ := panel.Dims()
	for again := true; again; {
		again = false
		b.project(panel, 0)
		for i := range count {
			v := panel.RawRowView(i)
			norm := orthogonalise(v, panel, i, make([]float64, i), 0)
			scaleTo(v, 1/norm, v)
			again = again || norm < 0.5
		}
	}
	for i := range count {
		b.append(panel.RawRowView(i))
	}
}

// add adds the direction of the only row of x, of the given norm.
func (b *basis) add(x *mat.Dense, norm float64) {
	v := x.RawRowView(0)
	scaleTo(v, 1/norm, v)
	b.extend(x)
}

// orthogonalise makes v orthogonal to the first k rows of panel, adds its
// coefficients to c, and returns the norm of what remains. It does so again
// while much is cancelled and the norm above floor.
func orthogonalise(v []float64, panel *mat.Dense, k int, c []float64, floor float64) float64 {
	norm := euclidean(v)
	if k == 0 {
		return norm
	}
	q := rows(panel, k)
	part := make([]float64, k)
	for {
		blas64.Gemv(blas.NoTrans, 1, q, vector(v), 0, vector(part))
		blas64.Gemv(blas.Trans, -1, q, vector(part), 1, vector(v))
		blas64.Axpy(1, vector(part), vector(c[:k]))
		before := norm
		norm = euclidean(v)
		if norm > 0.1*before || norm <= floor {
			return norm
		}
	}
}

func norms(x *mat.Dense) []float64 {
	count, _ := x.Dims()
	norms := make([]float64, count)
	for i := range norms {
		norms[i] = euclidean(x.RawRowView(i))
	}
	return norms
}

// euclidean returns ‖x‖₂, by scaled sums only where squares come near overflow
// or underflow, for they take ten times as long.
func euclidean(x []float64) float64 {
	if square := floats.Dot(x, x); square > 0x1p-900 && square < 0x1p900 {
		return math.Sqrt(square)
	}
	return floats.Norm(x, 2)
}

func scaleTo(dst []float64, factor float64, v []float64) {
	for i, value := range v {
		dst[i] = factor * value
	}
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }

// rows returns the first k rows of a for blas64.
func rows(a *mat.Dense, k int) blas64.General {
	g := a.RawMatrix()
	g.Rows = k
	return g
}

// columns returns columns from to to−1 of a.
func columns(a blas64.General, from, to int) blas64.General {
	a.Data, a.Cols = a.Data[from:], to-from
	return a
}

// parallel calls f for 0 ≤ i < n, on all processors.
func parallel(n int, f func(i int)) {
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
