package curvature

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// eigenSym is the eigen-decomposition of a symmetric n × n matrix. Where a row of
// it is zero, such as that of a weight behind a unit that never fires, the unit
// vector is an eigenvector; only the rest is decomposed.
type eigenSym struct {
	values []float64 // ascending

	n     int
	rows  []int        // those that are not zero
	zeros []int        // those that are
	first int          // index in values of the eigenvalue of zeros[0]
	t     *tridiagonal // of the rest
	local *mat.Dense   // eigenvectors of T as rows
}

// decompose returns the decomposition of a. It reports false if an iteration did
// not converge.
func decompose(a *mat.SymDense) (e *eigenSym, ok bool) {
	e = &eigenSym{n: a.SymmetricDim()}
	scale := mat.Norm(a, math.Inf(1))
	if scale == 0 {
		scale = 1
	}
	e.split(a)
	k := len(e.rows)
	if k == 0 {
		e.values = make([]float64, e.n)
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
	e.values = append(e.values, e.t.d[:e.first]...)
	e.values = append(e.values, make([]float64, len(e.zeros))...)
	e.values = append(e.values, e.t.d[e.first:]...)
	return e, true
}

// split finds the rows that are zero.
func (e *eigenSym) split(a *mat.SymDense) {
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

// vectors returns the eigenvectors of the values of the given indices, at least
// one, as rows. They are unit vectors, orthogonal to each other.
func (e *eigenSym) vectors(indices []int) *mat.Dense {
	k := len(e.rows)
	v := mat.NewDense(len(indices), e.n, nil)
	some := v // the same without the columns of zeros
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
