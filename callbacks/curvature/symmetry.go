package curvature

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// symmetrise returns (A + Aᵀ)/2 and ‖A − Aᵀ‖_F.
func symmetrise(a *mat.Dense) (*mat.SymDense, float64) {
	n, _ := a.Dims()
	h := mat.NewSymDense(n, nil)
	difference := make([]float64, n) // row i of A − Aᵀ, left of the diagonal
	norms := make([]float64, n)
	for i := range n {
		row := a.RawRowView(i)
		for j := range i {
			h.SetSym(i, j, row[j]/2+a.At(j, i)/2)
			difference[j] = row[j] - a.At(j, i)
		}
		h.SetSym(i, i, row[i])
		norms[i] = floats.Norm(difference[:i], 2)
	}
	return h, math.Sqrt2 * floats.Norm(norms, 2)
}

// relative returns difference/norm, and zero where both are zero.
func relative(difference, norm float64) float64 {
	if norm == 0 {
		return 0
	}
	return difference / norm
}

// diagonal returns the diagonal of t.
func diagonal(t *mat.SymDense) []float64 {
	d := make([]float64, t.SymmetricDim())
	for i := range d {
		d[i] = t.At(i, i)
	}
	return d
}
