package margin

import (
	"context"

	"gonum.org/v1/gonum/floats"
)

// gaps returns the gap of every ray at its radius, or at hi if radii is nil. The
// gap is positive on the sample's side of the boundary.
func (m *search) gaps(ctx context.Context, rays []ray, radii []float64) ([]float64, error) {
	m.points = m.points[:0]
	for k := range rays {
		radius := rays[k].hi
		if radii != nil {
			radius = radii[k]
		}
		m.points = m.appendPoint(m.points, &rays[k], radius)
	}
	if need := len(rays) * m.classes; cap(m.logits) < need {
		m.logits = make([]float64, need)
	}
	logits := m.logits[:len(rays)*m.classes]
	if err := m.field.Logits(ctx, logits, m.points); err != nil {
		return nil, err
	}
	m.Evaluations += len(rays)
	gaps := make([]float64, len(rays))
	for k, r := range rays {
		z := logits[k*m.classes : (k+1)*m.classes]
		own := m.Predicted[r.owner]
		gaps[k] = z[own] - z[rival(z, own)]
	}
	return gaps, nil
}

// appendPoint appends the point of a ray at a radius.
func (m *search) appendPoint(points []float64, r *ray, radius float64) []float64 {
	at := len(points)
	points = append(points, m.sample(r.owner)...)
	floats.AddScaled(points[at:], radius, r.direction)
	return points
}

// cross narrows the brackets of rays to a relative width, by the method of false
// position in its Illinois variant and by bisection in every third round.
func (m *search) cross(ctx context.Context, rays []ray, width float64) error {
	repeats := make([]int, len(rays))
	for round := range bracketRounds {
		var wide []ray // rays whose brackets are too wide
		var indices []int
		var radii []float64
		for k := range rays {
			if r := &rays[k]; r.hi-r.lo > width*r.hi {
				wide, indices, radii = append(wide, *r), append(indices, k), append(radii, r.between(repeats[k], round))
			}
		}
		if len(wide) == 0 {
			return nil
		}
		gaps, err := m.gaps(ctx, wide, radii)
		if err != nil {
			return err
		}
		for j, k := range indices {
			repeats[k] = rays[k].narrow(radii[j], gaps[j], repeats[k])
		}
	}
	return nil
}

// settle narrows the brackets of rays whose hi is beyond the boundary, first
// around the radius that the linearised boundary predicts: if that is accurate,
// two evaluations are enough.
func (m *search) settle(ctx context.Context, rays []ray, predicted []float64) error {
	for _, shift := range []float64{1e-7, -1e-7} {
		var inside []ray // rays with the predicted radius inside the bracket
		var indices []int
		var radii []float64
		for k := range rays {
			if radius := predicted[k] * (1 + shift); radius > rays[k].lo && radius < rays[k].hi {
				inside, indices, radii = append(inside, rays[k]), append(indices, k), append(radii, radius)
			}
		}
		gaps, err := m.gaps(ctx, inside, radii)
		if err != nil {
			return err
		}
		for j, k := range indices {
			rays[k].narrow(radii[j], gaps[j], 0)
		}
	}
	return m.cross(ctx, rays, 1e-4)
}
