package curvature

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// X = C Q + E for any X, however badly conditioned, and Q stays orthonormal.
func TestBasisAbsorb(t *testing.T) {
	const n = 300
	rng := rand.New(rand.NewPCG(1, 2))
	source := gaussianRows(rng, 150, n)
	b := basis{n: n}
	for _, count := range []int{64, 3, 40, 16, 30, 1} {
		mixture := gaussianRows(rng, count, 150)
		for i := range count {
			for j := range 150 {
				mixture.Set(i, j, mixture.At(i, j)*math.Pow(10, -float64(j)/12)) // singular values down to 1e-12
			}
		}
		var x, sum mat.Dense
		x.Mul(mixture, source)
		original := mat.DenseCopyOf(&x)
		c := b.absorb(&x, 0, 1e-11, 140)
		if b.k > 140 {
			t.Fatalf("%d vectors, limit 140", b.k)
		}
		sum.CloneFrom(&x)
		b.addProduct(&sum, 1, c, 0)
		sum.Sub(&sum, original)
		if norm := mat.Norm(&sum, 2); norm > 1e-13*mat.Norm(original, 2) {
			t.Errorf("after %d vectors: ‖C Q + E − X‖ = %.2g", b.k, norm)
		}
		all := mat.NewDense(b.k, n, nil)
		for i := range b.k {
			all.SetRow(i, b.rows(i, i+1).RawRowView(0))
		}
		checkOrthonormal(t, all)
	}
	if b.k != 140 {
		t.Errorf("%d vectors, want 140", b.k)
	}
}
