package curvature

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// vanishing is the norm, relative to ‖H‖₂, up to which the part of an image that is
// orthogonal to a basis is rounding, and not a new direction.
const vanishing = 1e-13

// indexNotFinite returns the index in x of the first number that is NaN, infinite,
// or so large that norms would overflow, and −1 if there is none.
func indexNotFinite(x []float64) int {
	return slices.IndexFunc(x, func(v float64) bool { return !(math.Abs(v) < 0x1p960) })
}

// gaussianRows returns count vectors of independent standard normal numbers in ℝⁿ.
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

// norms returns the Euclidean norms of the rows of x.
func norms(x *mat.Dense) []float64 {
	count, _ := x.Dims()
	norms := make([]float64, count)
	for i := range norms {
		norms[i] = euclidean(x.RawRowView(i))
	}
	return norms
}

// euclidean returns ‖x‖₂. It scales only where squares come near overflow or
// underflow, as the scaled sum takes ten times as long.
func euclidean(x []float64) float64 {
	if square := floats.Dot(x, x); square > 0x1p-900 && square < 0x1p900 {
		return math.Sqrt(square)
	}
	return floats.Norm(x, 2)
}

// orthonormality is the tolerance for vectors from outside this package: how far
// their norms may be from 1, and their inner products from 0.
const orthonormality = 1e-6

// verifyOrthonormal returns an error unless the rows of v are orthonormal.
func verifyOrthonormal(v *mat.Dense) error {
	var gram mat.SymDense
	gram.SymOuterK(1, v)
	for i := range gram.SymmetricDim() {
		if norm := math.Sqrt(gram.At(i, i)); !(math.Abs(norm-1) <= orthonormality) {
			return fmt.Errorf("vector %d has the norm %.9g: want 1, to %.0e", i, norm, orthonormality)
		}
		for j := range i {
			if product := gram.At(i, j); !(math.Abs(product) <= orthonormality) {
				return fmt.Errorf("vectors %d and %d have the product %.3g: want orthogonal vectors, to %.0e", j, i, product, orthonormality)
			}
		}
	}
	return nil
}
