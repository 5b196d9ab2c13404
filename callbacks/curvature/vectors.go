package curvature

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// vanishing is the norm, relative to that of H, up to which what is left of an
// image is rounding and not a new direction.
const vanishing = 1e-13

// indexNotFinite returns the index of the first NaN, infinity, or number so
// large that norms would overflow, in x, or −1.
func indexNotFinite(x []float64) int {
	return slices.IndexFunc(x, func(v float64) bool { return !(math.Abs(v) < 0x1p960) })
}

func gaussianRows(rng *rand.Rand, count, n int) *mat.Dense {
	x := mat.NewDense(count, n, nil)
	for i := range count {
		row := x.RawRowView(i)
		for j := range row {
			row[j] = rng.NormFloat64()
		}
	}
	return x
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
