package curvature

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Tracking says which eigenvector of a measurement continues which of an earlier one.
type Tracking struct {
	// Of[i] is the row of the earlier vectors that row i continues, or −1 if there are
	// too few. No two rows continue the same.
	Of []int

	// Overlaps are |⟨vᵢ, earlier vector⟩|, zero where Of is −1. Near 1/√2, two
	// eigenvalues are crossing. Far below, the vector is a new one.
	Overlaps []float64

	// Subspace is ‖V_earlier V_laterᵀ‖²_F/k, where k is the smaller number of rows. It
	// is 1 if one span contains the other, and about k/n for random ones. Rotations
	// of the vectors within their span, as in a cluster of eigenvalues, do not change
	// it.
	Subspace float64
}

// Match assigns to the rows of later the rows of earlier that they continue, by
// largest overlap first. Both have orthonormal eigenvectors as rows. Match changes the
// sign of a row of later if the overlap is negative.
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
