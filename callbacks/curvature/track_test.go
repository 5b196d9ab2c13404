package curvature

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestMatch(t *testing.T) {
	const n = 50
	rng := rand.New(rand.NewPCG(1, 2))
	b := basis{n: n}
	b.absorb(gaussianRows(rng, 5, n), 0, 0, n)
	earlier := mat.DenseCopyOf(b.rows(0, 4))
	later := mat.NewDense(4, n, nil)
	c, s := math.Cos(0.3), math.Sin(0.3)
	for j := range n {
		later.Set(0, j, -earlier.At(1, j))                     // swapped, sign turned
		later.Set(1, j, c*earlier.At(0, j)+s*earlier.At(2, j)) // rotated among themselves
		later.Set(2, j, s*earlier.At(0, j)-c*earlier.At(2, j)) // and the sign turned
		later.Set(3, j, b.rows(4, 5).At(0, j))                 // new
	}
	m, err := Match(earlier, later)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{1, 0, 2, 3}; !slices.Equal(m.Of, want) {
		t.Errorf("matched with %d, want %d", m.Of, want)
	}
	compare(t, "overlap", m.Overlaps, []float64{1, c, c, 0}, 1e-14)
	if math.Abs(m.Subspace-0.75) > 1e-14 {
		t.Errorf("subspace overlap %g, want 3/4", m.Subspace)
	}
	for i := range 3 {
		if got := mat.Dot(later.RowView(i), earlier.RowView(m.Of[i])); got < 0 {
			t.Errorf("row %d: overlap %g, want it positive", i, got)
		}
	}

	fewer, err := Match(mat.DenseCopyOf(earlier.Slice(0, 2, 0, n)), later)
	if err != nil || !slices.Equal(fewer.Of, []int{1, 0, -1, -1}) || math.Abs(fewer.Subspace-(1+c*c+s*s)/2) > 1e-14 {
		t.Errorf("fewer before: %+v, %v", fewer, err)
	}
}

func TestMatchErrors(t *testing.T) {
	one := mat.NewDense(1, 2, []float64{1, 0})
	for name, pair := range map[string][2]*mat.Dense{
		"nil":        {nil, one},
		"empty":      {one, {}},
		"dimensions": {one, mat.NewDense(1, 3, nil)},
		"NaN":        {one, mat.NewDense(1, 2, []float64{math.NaN(), 0})},
	} {
		if _, err := Match(pair[0], pair[1]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
