package symeig

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	lapackgonum "gonum.org/v1/gonum/lapack/gonum"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// fast multiplies all but the smallest matrices.
var fast gemm.Implementation

const (
	triangleBlock = 64 // rows of a triangle that a product reads at a time, so that they stay in the cache
	lazyColumns   = 32 // columns made tridiagonal before the rest of the matrix is updated
	reflectorRows = 64 // reflectors applied together
	reflectedRows = 96 // vectors that they are applied to at a time
)

// tridiagonal is the Householder tridiagonalisation of a symmetric matrix,
//
//	A = Q T Qᵀ,   Q = H₀ H₁ ⋯,   Hⱼ = I − τⱼ vⱼ vⱼᵀ,
//
// in blocks, so that half of the work is in products of matrices (Dongarra,
// Sorensen & Hammarling 1989). The other half is products of what is left of A with
// single vectors. Each reads only the lower triangle, block by block, once.
type tridiagonal struct {
	n    int
	a    []float64 // n × n: lower triangle of what is left of A; vⱼ in row j, from column j+1
	d, e []float64 // diagonal and off-diagonal of T
	tau  []float64 // n − 1

	// A − Σ (v wᵀ + w vᵀ) is what is left of A, for as many pairs as there are in
	// left, with rows v, w, v, w, …, and right, with rows w, v, w, v, …
	left, right *mat.Dense
	pairs       int
}

// tridiagonalise returns the tridiagonalisation of a, n × n, of which it reads the
// lower triangle. It overwrites a.
func tridiagonalise(n int, a []float64) *tridiagonal {
	t := &tridiagonal{
		n: n, a: a,
		d: make([]float64, n), e: make([]float64, max(n-1, 0)), tau: make([]float64, max(n-1, 0)),
		left: mat.NewDense(2*lazyColumns, n, nil), right: mat.NewDense(2*lazyColumns, n, nil),
	}
	t.completeBlocks()
	column, w := make([]float64, n), make([]float64, n)
	for j := range n {
		t.column(j, column[j:])
		t.d[j] = column[j]
		if j == n-1 {
			break
		}
		t.reflect(j, column[j+1:], w[j+1:])
		if t.pairs == lazyColumns {
			t.update(j + 1)
		}
	}
	return t
}

// completeBlocks copies the lower triangle of each block on the diagonal to its upper
// triangle, as these blocks are used as a whole.
func (t *tridiagonal) completeBlocks() {
	for i := range t.n {
		for j := i / triangleBlock * triangleBlock; j < i; j++ {
			t.a[j*t.n+i] = t.a[i*t.n+j]
		}
	}
}

// column sets dst to column j, from the diagonal on, of what is left of A.
func (t *tridiagonal) column(j int, dst []float64) {
	for i := range dst {
		dst[i] = t.a[(j+i)*t.n+j]
	}
	if rows := 2 * t.pairs; rows > 0 {
		fast.Dgemv(blas.Trans, rows, len(dst), -1, t.left.RawMatrix().Data[j:], t.n, t.right.RawMatrix().Data[j:], t.n, 1, dst, 1)
	}
}

// reflect applies Hⱼ from both sides. It makes x, the part of column j below the
// diagonal, a multiple of the first unit vector. It overwrites x and w.
func (t *tridiagonal) reflect(j int, x, w []float64) {
	var impl lapackgonum.Implementation
	t.e[j], t.tau[j] = impl.Dlarfg(len(x), x[0], x[1:], 1)
	x[0] = 1
	copy(t.a[j*t.n+j+1:(j+1)*t.n], x)

	// w = τ A v − (τ²/2) vᵀA v · v, so that H A H = A − v wᵀ − w vᵀ.
	clear(w)
	t.multiply(j+1, w, x)
	left, right := t.left.RawMatrix().Data, t.right.RawMatrix().Data
	if rows := 2 * t.pairs; rows > 0 {
		c := make([]float64, rows)
		fast.Dgemv(blas.NoTrans, rows, len(x), 1, right[j+1:], t.n, x, 1, 0, c, 1)
		fast.Dgemv(blas.Trans, rows, len(x), -1, left[j+1:], t.n, c, 1, 1, w, 1)
	}
	floats.Scale(t.tau[j], w)
	floats.AddScaled(w, -t.tau[j]/2*floats.Dot(w, x), x)

	at := 2*t.pairs*t.n + j + 1
	copy(left[at:], x)
	copy(left[at+t.n:], w)
	copy(right[at:], w)
	copy(right[at+t.n:], x)
	t.pairs++
}

// multiply adds A x to y, where A has the rows and columns from j on.
func (t *tridiagonal) multiply(j int, y, x []float64) {
	for top := j; top < t.n; {
		end := min(t.n, (top/triangleBlock+1)*triangleBlock)
		rows, left := end-top, top-j
		// A block of rows: to the left of the diagonal block, for itself and its
		// mirror image, and the diagonal block.
		block := t.a[top*t.n+j:]
		fast.Dgemv(blas.NoTrans, rows, end-j, 1, block, t.n, x, 1, 1, y[left:], 1)
		if left > 0 {
			fast.Dgemv(blas.Trans, rows, left, 1, block, t.n, x[left:], 1, 1, y, 1)
		}
		top = end
	}
}

// update subtracts the collected pairs from what is left of A, from row and column j
// on.
func (t *tridiagonal) update(j int) {
	first := j / triangleBlock
	left, right := t.left.RawMatrix().Data, t.right.RawMatrix().Data
	parallel.For((t.n+triangleBlock-1)/triangleBlock-first, func(i int) {
		top := max(j, (first+i)*triangleBlock)
		end := min(t.n, (first+i+1)*triangleBlock)
		fast.Dgemm(blas.Trans, blas.NoTrans, end-top, end-j, 2*t.pairs,
			-1, left[top:], t.n, right[j:], t.n, 1, t.a[top*t.n+j:], t.n)
	})
	t.pairs = 0
}

// rotate replaces the rows y of Y by Q y: eigenvectors of T by those of A. It
// applies the last reflectors first.
func (t *tridiagonal) rotate(y *mat.Dense) {
	count, _ := y.Dims()
	last := t.n - 2 // the last reflector
	for first := last / reflectorRows * reflectorRows; first >= 0 && last >= 0; first -= reflectorRows {
		v, factor := t.reflectors(first, min(last, first+reflectorRows-1))
		k, width := v.Dims()
		parallel.For((count+reflectedRows-1)/reflectedRows, func(i int) {
			i *= reflectedRows
			rows := min(reflectedRows, count-i)
			x := y.RawMatrix().Data[i*t.n+first+1:]
			c, scaled := make([]float64, rows*k), make([]float64, rows*k)
			fast.Dgemm(blas.NoTrans, blas.Trans, rows, k, width, 1, x, t.n, v.RawMatrix().Data, width, 0, c, k)
			fast.Dgemm(blas.NoTrans, blas.Trans, rows, k, k, 1, c, k, factor.RawMatrix().Data, k, 0, scaled, k)
			fast.Dgemm(blas.NoTrans, blas.NoTrans, rows, width, k, -1, scaled, k, v.RawMatrix().Data, width, 1, x, t.n)
		})
	}
}

// reflectors returns V and the upper triangular F for the product of the reflectors
// from, …, to,
//
//	H ⋯ H = I − Vᵀ F V
//
// (Schreiber & Van Loan 1989). The rows of V are their v, without the leading zeros
// that all have.
func (t *tridiagonal) reflectors(from, to int) (v, f *mat.Dense) {
	k, width := to-from+1, t.n-from-1
	v, f = mat.NewDense(k, width, nil), mat.NewDense(k, k, nil)
	for i := range k {
		copy(v.RawRowView(i)[i:], t.a[(from+i)*t.n+from+i+1:(from+i+1)*t.n])
	}
	gram := make([]float64, k*k)
	data := v.RawMatrix().Data
	fast.Dgemm(blas.NoTrans, blas.Trans, k, k, width, 1, data, width, data, width, 0, gram, k)
	for j := range k {
		tau := t.tau[from+j]
		f.Set(j, j, tau)
		for i := range j {
			f.Set(i, j, -tau*floats.Dot(f.RawRowView(i)[i:j], gram[j*k+i:j*k+j]))
		}
	}
	return v, f
}
