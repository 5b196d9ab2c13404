package curvature

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// complement has samples of H on the orthogonal complement of a space. Let P be
// the projection on the complement, d its dimension, and z a random vector, uniform
// on the sphere of radius √d in it. Then
//
//	E zᵀHz = tr PHP,   E ‖Hz‖² = ‖HP‖_F².
//
// This is Hutchinson's estimator of the deflated H, as in Hutch++ (Meyer, Musco,
// Musco & Woodruff 2021). There the deflated space is that of a random sketch. Here
// it is spanned by the eigenvectors found, which leaves less variance.
type complement struct {
	vectors   *mat.Dense // z as rows; nil if the space is all of ℝⁿ
	quadratic []float64  // zᵀHz
	squares   []float64  // ‖Hz‖²
	images    []float64  // ‖Hg‖₂, with g the Gaussian vector that z is a multiple of
}

func (c *complement) samples() int { return len(c.quadratic) }

// probe applies H to count random vectors orthogonal to the basis.
func probe(ctx context.Context, op Operator, b *basis, rng *rand.Rand, count int) (*complement, error) {
	d := b.n - b.k
	c := &complement{}
	if d == 0 || count == 0 {
		return c, nil
	}
	c.vectors = gaussianRows(rng, count, b.n)
	b.project(c.vectors, 0)
	b.project(c.vectors, 0)
	images := mat.NewDense(count, b.n, nil)
	if err := applyFinite(ctx, op, images, c.vectors); err != nil {
		return nil, err
	}
	c.images = norms(images)
	for i, norm := range norms(c.vectors) {
		z, image := c.vectors.RowView(i), images.RowView(i)
		factor := float64(d) / (norm * norm)
		c.quadratic = append(c.quadratic, factor*mat.Dot(z, image))
		c.squares = append(c.squares, factor*c.images[i]*c.images[i])
	}
	return c, nil
}

// bound returns an upper bound of ‖HP‖₂ that holds with probability 1 − 10⁻ˢ for s
// samples (Halko, Martinsson & Tropp 2011, lemma 4.1, with α = 10).
func (c *complement) bound() float64 {
	largest := 0.0
	for _, norm := range c.images {
		largest = max(largest, norm)
	}
	return 10 * math.Sqrt(2/math.Pi) * largest
}
