package curvature

import (
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

const (
	chunkVectors = 16  // vectors of a basis stored together: two cache lines a component
	tileRows     = 512 // components of a chunk worked on at a time: 64 kB, which stay in the cache
)

// fast multiplies all but the smallest matrices.
var fast gemm.Implementation

// basis is a growing set of k orthonormal vectors qᵢ in ℝⁿ, the rows of Q. They
// are stored in chunks, so that growing copies nothing, and as columns within a
// chunk, so that a product with a few vectors reads the memory once, in order: its
// time is that of reading.
//
// Products run on all processors. Their parts do not depend on the number of
// processors, so neither do the results.
type basis struct {
	n, k   int
	chunks []chunk
}

// chunk has room for width vectors of a basis, the first of them number start.
type chunk struct {
	start, width int
	data         []float64 // n × width
}

// newBasis returns a basis of the orthonormal rows of x, without room for more.
func newBasis(x *mat.Dense) *basis {
	count, n := x.Dims()
	b := &basis{n: n}
	for i := 0; i < count; i += chunkVectors {
		b.addChunk(i, min(chunkVectors, count-i))
	}
	b.append(x)
	return b
}

func (b *basis) addChunk(start, width int) {
	b.chunks = append(b.chunks, chunk{start, width, make([]float64, b.n*width)})
}

// used returns the number of vectors in a chunk.
func (b *basis) used(c chunk) int { return max(0, min(c.width, b.k-c.start)) }

// append adds a copy of the rows of x, which must be orthonormal and orthogonal to
// Q.
func (b *basis) append(x *mat.Dense) {
	raw := x.RawMatrix()
	for i := 0; i < raw.Rows; {
		at := slices.IndexFunc(b.chunks, func(c chunk) bool { return b.k < c.start+c.width })
		if at < 0 {
			at = len(b.chunks)
			b.addChunk(b.k, chunkVectors)
		}
		c := b.chunks[at]
		used := b.used(c)
		count := min(raw.Rows-i, c.width-used)
		transpose(c.data[used:], c.width, raw.Data[i*raw.Stride:], raw.Stride, count, b.n)
		b.k += count
		i += count
	}
}

// rows returns a copy of the vectors from, …, to−1.
func (b *basis) rows(from, to int) *mat.Dense {
	v := mat.NewDense(to-from, b.n, nil)
	for _, c := range b.chunks {
		first, end := max(from, c.start), min(to, c.start+c.width)
		if first < end {
			transpose(v.RawMatrix().Data[(first-from)*b.n:], b.n, c.data[first-c.start:], c.width, b.n, end-first)
		}
	}
	return v
}

// coefficients returns X Qᵀ for the vectors in the rows of X. Coefficients of the
// first from vectors of the basis are not computed but left zero.
func (b *basis) coefficients(x *mat.Dense, from int) *mat.Dense {
	if b.k == 0 {
		return &mat.Dense{}
	}
	raw := x.RawMatrix()
	count := raw.Rows
	c := mat.NewDense(count, b.k, nil)
	parallel.For(len(b.chunks), func(i int) {
		q := b.chunks[i]
		first := max(0, from-q.start)
		used := b.used(q) - first
		if used <= 0 {
			return
		}
		part := make([]float64, used*count)
		fast.Dgemm(blas.Trans, blas.Trans, used, count, b.n, 1, q.data[first:], q.width, raw.Data, raw.Stride, 0, part, count)
		transpose(c.RawMatrix().Data[q.start+first:], b.k, part, count, used, count)
	})
	return c
}

// addProduct adds factor·C Q to X. C may have fewer columns than the basis has
// vectors; its first from columns are taken for zero.
func (b *basis) addProduct(x *mat.Dense, factor float64, c *mat.Dense, from int) {
	in, out := c.RawMatrix(), x.RawMatrix()
	count, k := in.Rows, in.Cols
	columns := make([]float64, k*count)
	transpose(columns, count, in.Data, in.Stride, count, k)
	parallel.For((b.n+tileRows-1)/tileRows, func(t int) {
		j := t * tileRows
		height := min(tileRows, b.n-j)
		sum := make([]float64, height*count)
		for _, q := range b.chunks {
			first := max(0, from-q.start)
			if used := min(b.used(q), k-q.start) - first; used > 0 {
				fast.Dgemm(blas.NoTrans, blas.NoTrans, height, count, used,
					factor, q.data[j*q.width+first:], q.width, columns[(q.start+first)*count:], count, 1, sum, count)
			}
		}
		for i := range count {
			row := out.Data[i*out.Stride+j:][:height]
			for l := range row {
				row[l] += sum[l*count+i]
			}
		}
	})
}

// transpose sets dst to the transpose of src, rows × columns. Both are row-major,
// with strides.
func transpose(dst []float64, dstStride int, src []float64, srcStride, rows, columns int) {
	const block = 64
	for j := 0; j < columns; j += block {
		for i := range rows {
			for l, value := range src[i*srcStride+j:][:min(block, columns-j)] {
				dst[(j+l)*dstStride+i] = value
			}
		}
	}
}

// project subtracts from the rows of x their orthogonal projections C Q on the
// vectors of the basis, without the first from, and returns C.
func (b *basis) project(x *mat.Dense, from int) *mat.Dense {
	c := b.coefficients(x, from)
	if b.k > 0 {
		b.addProduct(x, -1, c, from)
	}
	return c
}

// absorb extends the basis, up to limit vectors, by the new directions in the rows
// of X, and splits X into a part in its span and a remainder:
//
//	X = C Q + E
//
// It returns C, with one column for each vector of the extended basis, and leaves E
// in x. What remains of a row with a norm of at most floor is taken for rounding: it
// is no new direction and stays in E. X must be orthogonal, up to rounding, to the
// first from vectors of the basis.
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
			floats.ScaleTo(panel.RawRowView(grown), 1/norm, v)
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

// extend adds the rows of panel, which are unit vectors. They are orthogonal to the
// basis and to each other only up to rounding that was magnified by cancellation,
// so they are orthogonalised again: twice is enough (Parlett 1998, § 6.9). This
// changes them by no more than the rounding in the vectors that they come from, so
// that the coefficients of those stay valid.
func (b *basis) extend(panel *mat.Dense) {
	count, _ := panel.Dims()
	for again := true; again; {
		again = false
		b.project(panel, 0)
		for i := range count {
			v := panel.RawRowView(i)
			norm := orthogonalise(v, panel, i, make([]float64, i), 0)
			floats.ScaleTo(v, 1/norm, v)
			again = again || norm < 0.5
		}
	}
	b.append(panel)
}

// orthogonalise makes v orthogonal to the first k rows of panel, adds its
// coefficients to c, and returns the norm of what remains. It repeats this as long
// as much is cancelled and the norm is above floor.
func orthogonalise(v []float64, panel *mat.Dense, k int, c []float64, floor float64) float64 {
	norm := euclidean(v)
	if k == 0 {
		return norm
	}
	q, n := panel.RawMatrix(), len(v)
	part := make([]float64, k)
	for {
		fast.Dgemv(blas.NoTrans, k, n, 1, q.Data, q.Stride, v, 1, 0, part, 1)
		fast.Dgemv(blas.Trans, k, n, -1, q.Data, q.Stride, part, 1, 1, v, 1)
		floats.Add(c[:k], part)
		before := norm
		norm = euclidean(v)
		if norm > 0.1*before || norm <= floor {
			return norm
		}
	}
}
