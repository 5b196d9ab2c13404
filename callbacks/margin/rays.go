package margin

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// A ray goes from a sample in a unit direction. The radii lo and hi bracket a
// boundary point: the point at lo is predicted as the sample is, the one at hi
// is not. A gap is f_ŷ − max_{c≠ŷ} f_c, with ŷ the prediction for the sample.
type ray struct {
	owner     int // index of the sample
	direction []float64
	lo, hi    float64
	gapLo     float64 // gap at lo, positive
	gapHi     float64 // gap at hi, zero or negative

	step    float64 // share of the way to the next foot that refinement tries
	done    bool    // whether the search from here has ended
	settled bool    // of a rectified network: whether no linear region that touches hi has a nearer point
}

// ray returns the ray from sample i to a point beyond the boundary, where the
// gap is as given. It reports false if there is no direction to the point.
func (m *search) ray(i int, point []float64, gap float64) (ray, bool) {
	u := make([]float64, m.width)
	floats.SubTo(u, point, m.sample(i))
	length := floats.Norm(u, 2)
	if !(length > 0) || math.IsInf(length, 1) {
		return ray{}, false
	}
	floats.Scale(1/length, u)
	return ray{owner: i, direction: u, hi: length, gapLo: m.sampleGaps[i], gapHi: gap, step: 1}, true
}

// sampleRays holds the rays of each sample.
type sampleRays [][]ray

func (s sampleRays) add(rays []ray) {
	for _, r := range rays {
		s[r.owner] = append(s[r.owner], r)
	}
}

// nearest returns the distance of the nearest boundary point of sample i, +Inf
// if there is none.
func (s sampleRays) nearest(i int) float64 {
	nearest := math.Inf(1)
	for _, r := range s[i] {
		nearest = min(nearest, r.hi)
	}
	return nearest
}

// prune keeps the limit shortest rays of each sample.
func (s sampleRays) prune(limit int) {
	for i, rays := range s {
		slices.SortStableFunc(rays, func(a, b ray) int { return cmp.Compare(a.hi, b.hi) })
		s[i] = rays[:min(limit, len(rays))]
	}
}

// between returns the radius at which the bracket is evaluated next: the zero of
// the chord through its ends, or the middle in every third round. If the same end
// has moved more than once in succession, the gap at the other end is halved
// (Illinois). repeats counts those moves, positive for hi and negative for lo.
func (r *ray) between(repeats, round int) float64 {
	lo, hi := r.gapLo, -r.gapHi
	if repeats > 1 {
		lo /= 2
	} else if repeats < -1 {
		hi /= 2
	}
	share := 0.5
	if hi > 0 && round%3 != 2 {
		share = min(max(lo/(lo+hi), 1e-9), 1-1e-9)
	}
	return r.lo + share*(r.hi-r.lo)
}

// narrow moves one end of the bracket to a radius inside it, where the gap is as
// given, and returns the new number of repeats.
func (r *ray) narrow(radius, gap float64, repeats int) int {
	if gap > 0 {
		r.lo, r.gapLo = radius, gap
		return min(repeats, 0) - 1
	}
	r.hi, r.gapHi = radius, gap
	return max(repeats, 0) + 1
}
