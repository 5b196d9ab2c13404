package margin

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// ray goes from a sample in a unit direction. At radius lo it is on the
// sample's side of the boundary, at hi on another.
type ray struct {
	owner     int
	direction []float64
	lo, hi    float64
	atLo      float64 // f_ŷ − max_{c≠ŷ} f_c there, positive
	atHi      float64 // zero or negative

	step float64 // share of the way to the next foot that is tried
	done bool
}

// owned are the rays of each sample.
type owned [][]ray

func (o owned) add(rays []ray) {
	for _, r := range rays {
		o[r.owner] = append(o[r.owner], r)
	}
}

// nearest is the radius of the nearest boundary point of sample i.
func (o owned) nearest(i int) float64 {
	nearest := math.Inf(1)
	for _, r := range o[i] {
		nearest = min(nearest, r.hi)
	}
	return nearest
}

// prune keeps the shortest rays of each sample, at most so many.
func (o owned) prune(most int) {
	for i, rays := range o {
		slices.SortStableFunc(rays, func(a, b ray) int { return cmp.Compare(a.hi, b.hi) })
		o[i] = rays[:min(most, len(rays))]
	}
}

// ray goes from sample i to a point beyond the boundary, where f_ŷ − max f_c is
// outside.
func (m *search) ray(i int, point []float64, outside float64) (ray, bool) {
	u := make([]float64, m.width)
	floats.SubTo(u, point, m.sample(i))
	length := floats.Norm(u, 2)
	if !(length > 0) || math.IsInf(length, 1) {
		return ray{}, false
	}
	floats.Scale(1/length, u)
	return ray{owner: i, direction: u, hi: length, atLo: m.inside[i], atHi: outside, step: 1}, true
}
