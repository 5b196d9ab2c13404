package symeig

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Decomposition is the eigen-decomposition of a symmetric n × n matrix.
type Decomposition struct {
	// Values has all n eigenvalues, ascending.
	Values []float64

	n     int
	rows  []int        // indices of the rows that are not zero
	zeros []int        // indices of the others: eᵢ is an eigenvector of the eigenvalue 0
	first int          // index in Values of the eigenvalue of zeros[0]
	t     *tridiagonal // of the matrix without the zero rows and columns
	local *mat.Dense   // eigenvectors of T as rows
}

// Decompose returns the decomposition of a, of n ≥ 1 rows and finite numbers,
// which it does not change. It reports false if an iteration did not converge.
func Decompose(a *mat.SymDense) (e *Decomposition, ok bool) {
	e = &Decomposition{n: a.SymmetricDim()}
	scale := mat.Norm(a, math.Inf(1))
	if scale == 0 {
		scale = 1
	}
	e.split(a)
	k := len(e.rows)
	if k == 0 {
		e.Values = make([]float64, e.n)
		return e, true
	}
	lower := make([]float64, k*k)
	for i, row := range e.rows {
		to := lower[i*k:]
		for j, column := range e.rows[:i+1] {
			to[j] = a.At(row, column) / scale
		}
	}
	e.t = tridiagonalise(k, lower)
	if e.local, ok = conquer(e.t.d, e.t.e); !ok {
		return nil, false
	}
	floats.Scale(scale, e.t.d)
	e.first = sort.SearchFloat64s(e.t.d, 0)
	e.Values = append(e.Values, e.t.d[:e.first]...)
	e.Values = append(e.Values, make([]float64, len(e.zeros))...)
	e.Values = append(e.Values, e.t.d[e.first:]...)
	return e, true
}

// split finds the rows that are zero.
func (e *Decomposition) split(a *mat.SymDense) {
	nonzero := make([]bool, e.n)
	raw := a.RawSymmetric()
	for i := range e.n {
		for j, value := range raw.Data[i*raw.Stride+i : i*raw.Stride+e.n] {
			if value != 0 {
				nonzero[i], nonzero[i+j] = true, true
			}
		}
	}
	for i, any := range nonzero {
		if any {
			e.rows = append(e.rows, i)
		} else {
			e.zeros = append(e.zeros, i)
		}
	}
}

// Vectors returns the eigenvectors of the values of the given indices, at least
// one, as rows. They are unit vectors, orthogonal to each other.
func (e *Decomposition) Vectors(indices []int) *mat.Dense {
	k := len(e.rows)
	v := mat.NewDense(len(indices), e.n, nil)
	some := v // the same without the columns of zero rows
	if k < e.n {
		some = mat.NewDense(len(indices), max(k, 1), nil)
	}
	for i, index := range indices {
		switch {
		case index < e.first:
			some.SetRow(i, e.local.RawRowView(index))
		case index < e.first+len(e.zeros):
			v.Set(i, e.zeros[index-e.first], 1)
		default:
			some.SetRow(i, e.local.RawRowView(index-len(e.zeros)))
		}
	}
	if k == 0 {
		return v
	}
	e.t.rotate(some)
	if k < e.n {
		for i := range indices {
			to := v.RawRowView(i)
			for j, value := range some.RawRowView(i) {
				if value != 0 {
					to[e.rows[j]] = value
				}
			}
		}
	}
	return v
}
