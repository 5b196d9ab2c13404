package curvature

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Tracking says which eigenvector of a measurement is which of an earlier one.
type Tracking struct {
	// Of[i] is the row of the earlier vectors that row i continues, or −1 where
	// there are fewer. No two rows continue the same.
	Of []int

	// Overlaps are the cosines |⟨vᵢ, old vector⟩|, zero where Of is −1. Near 1/√2
	// two eigenvalues are crossing; far below, nothing was continued.
	Overlaps []float64

	// Subspace is ‖V_old V_newᵀ‖²_F/k, k the smaller number of rows: 1 if one
	// span holds the other, k/n for random ones. It does not care how vectors
	// rotate among themselves, as they do in a cluster of eigenvalues.
	Subspace float64
}

// Match pairs the rows of later, orthonormal eigenvectors, with those of
// earlier, largest overlap first, and turns the sign of later's rows where it
// differs from that of the row continued.
func Match(earlier, later *mat.Dense) (*Tracking, error) {
	if earlier == nil || later == nil || earlier.IsEmpty() || later.IsEmpty() {
		return nil, fmt.Errorf("curvature: nothing to match: want at least one vector on either side")
	}
	before, n := earlier.Dims()
	now, columns := later.Dims()
	if n != columns {
		return nil, fmt.Errorf("curvature: vectors in ℝ^%d matched with vectors in ℝ^%d", columns, n)
	}
	var overlap mat.Dense
	overlap.Mul(later, earlier.T())
	norm := mat.Norm(&overlap, 2)
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return nil, fmt.Errorf("curvature: vectors to match have numbers that are not finite")
	}
	t := &Tracking{
		Of:       make([]int, now),
		Overlaps: make([]float64, now),
		Subspace: norm * norm / float64(min(before, now)),
	}
	for i := range t.Of {
		t.Of[i] = -1
	}
	taken := make([]bool, before)
	for _, e := range descendingEntries(&overlap) {
		if t.Of[e.row] >= 0 || taken[e.column] {
			continue
		}
		taken[e.column] = true
		t.Of[e.row], t.Overlaps[e.row] = e.column, math.Abs(e.value)
		if e.value < 0 {
			floats.Scale(-1, later.RawRowView(e.row))
		}
	}
	return t, nil
}

type entry struct {
	row, column int
	value       float64
}

// descendingEntries returns all entries of a, largest magnitude first.
func descendingEntries(a *mat.Dense) []entry {
	rows, columns := a.Dims()
	entries := make([]entry, 0, rows*columns)
	for i := range rows {
		for j := range columns {
			entries = append(entries, entry{i, j, a.At(i, j)})
		}
	}
	slices.SortStableFunc(entries, func(x, y entry) int { return cmp.Compare(math.Abs(y.value), math.Abs(x.value)) })
	return entries
}
