package gemm

import "gonum.org/v1/gonum/blas"

type float interface{ float32 | float64 }

// product is C = alpha * A * B + beta * D, with element (i, p) of the m×k
// matrix A at a[i*aRow+p*aCol], and so on. A transposed matrix has its strides
// exchanged. The rows of C and D are contiguous. D is C itself or does not
// overlap it; its rows may all be one, with ldd = 0.
type product[T float] struct {
	m, n, k     int
	alpha, beta T

	a          []T
	aRow, aCol int
	b          []T
	bRow, bCol int
	c          []T
	ldc        int
	d          []T
	ldd        int

	packed bool // whether b is what Pack made; bRow and bCol are 0
}

func newProduct[T float](tA, tB blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) product[T] {
	p := product[T]{
		m: m, n: n, k: k, alpha: alpha, beta: beta,
		a: a, aRow: lda, aCol: 1, b: b, bRow: ldb, bCol: 1, c: c, ldc: ldc, d: c, ldd: ldc,
	}
	if tA != blas.NoTrans {
		p.aRow, p.aCol = 1, lda
	}
	if tB != blas.NoTrans {
		p.bRow, p.bCol = 1, ldb
	}
	return p
}

// plus returns the product with d as D. It panics if d is too short or ldd wrong.
func (p product[T]) plus(d []T, ldd int) product[T] {
	switch {
	case ldd != 0 && ldd < max(1, p.n):
		panic("gemm: bad leading dimension of D")
	case p.m > 0 && p.n > 0 && len(d) < (p.m-1)*ldd+p.n:
		panic("gemm: insufficient length of d")
	}
	p.d, p.ldd = d, ldd
	return p
}

// block returns the product for rows i to i+m and columns j to j+n of C.
func (p product[T]) block(i, m, j, n int) product[T] {
	p.m, p.n = m, n
	p.a = p.a[i*p.aRow:]
	p.b = p.b[j*p.bCol:]
	p.c = p.c[i*p.ldc+j:]
	p.d = p.d[i*p.ldd+j:]
	return p
}

// transposed returns the product Cᵀ = alpha * Bᵀ * Aᵀ, written to c.
func (p product[T]) transposed(c []T, ldc int) product[T] {
	return product[T]{
		m: p.n, n: p.m, k: p.k, alpha: p.alpha,
		a: p.b, aRow: p.bCol, aCol: p.bRow, b: p.a, bRow: p.aCol, bCol: p.aRow, c: c, ldc: ldc, d: c, ldd: ldc,
	}
}

// scale makes C beta * D.
func (p product[T]) scale() {
	for i := range p.m {
		row, d := p.c[i*p.ldc:][:p.n], p.d[i*p.ldd:][:p.n]
		switch p.beta {
		case 0:
			clear(row)
		case 1:
			copy(row, d)
		default:
			for j, v := range d {
				row[j] = p.beta * v
			}
		}
	}
}

// slab returns the part of the product for k from l to l+k, to be added to
// those before.
func (p product[T]) slab(l, k int) product[T] {
	p.k = k
	p.a = p.a[l*p.aCol:]
	p.b = p.b[l*p.bRow:]
	if l > 0 {
		p.beta, p.d, p.ldd = 1, p.c, p.ldc
	}
	return p
}
