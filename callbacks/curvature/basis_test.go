package curvature

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestBasisAbsorb(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 1113
	b := basis{n: n}
	for _, count := range []int{64, 3, 64, 64, 30} {
		x := gaussianRows(rng, count, n)
		var original mat.Dense
		original.CloneFrom(x)
		c := b.absorb(x, 0, 1e-10, 180)
		var q mat.Dense
		q.CloneFrom(x)
		b.addProduct(&q, 1, c, 0)
		q.Sub(&q, &original)
		t.Log(b.k, mat.Norm(&q, 2))
		all := mat.NewDense(b.k, n, nil)
		for i := range b.k {
			all.SetRow(i, b.rows(i, i+1).RawRowView(0))
		}
		checkOrthonormal(t, all)
	}
}
