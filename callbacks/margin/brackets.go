package margin

import (
	"context"

	"gonum.org/v1/gonum/floats"
)

// gaps are f_ŷ − max_{c≠ŷ} f_c, ŷ the class of the ray's sample, at a radius of
// every ray, hi if radii is nil: positive on its side of the boundary.
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

// cross narrows the brackets of rays to a relative width, by false position
// (Illinois), and by halves where that is slow.
func (m *search) cross(ctx context.Context, rays []ray, width float64) error {
	same := make([]int, len(rays)) // how often the same end has moved, negative for lo
	for round := range crossingRounds {
		var open []int // whose brackets are too wide
		var some []ray
		var trial []float64
		for k := range rays {
			if r := &rays[k]; r.hi-r.lo > width*r.hi {
				open, some, trial = append(open, k), append(some, *r), append(trial, between(r, same[k], round))
			}
		}
		if len(open) == 0 {
			return nil
		}
		gaps, err := m.gaps(ctx, some, trial)
		if err != nil {
			return err
		}
		for j, k := range open {
			same[k] = rays[k].narrow(trial[j], gaps[j], same[k])
		}
	}
	return nil
}

// between is where a bracket is evaluated next: where the chord through its
// ends crosses zero, an end that has stayed for long counting for half; the
// middle in every third round.
func between(r *ray, same, round int) float64 {
	lo, hi := r.atLo, -r.atHi
	if same > 1 {
		lo /= 2
	} else if same < -1 {
		hi /= 2
	}
	share := 0.5
	if hi > 0 && round%3 != 2 {
		share = min(max(lo/(lo+hi), 1e-9), 1-1e-9)
	}
	return r.lo + share*(r.hi-r.lo)
}

// narrow moves an end of the bracket to a radius between them.
func (r *ray) narrow(radius, gap float64, same int) int {
	if gap > 0 {
		r.lo, r.atLo = radius, gap
		return min(same, 0) - 1
	}
	r.hi, r.atHi = radius, gap
	return max(same, 0) + 1
}

// settle narrows the brackets of rays that are outside at hi, around the radius
// that the linearised boundary predicts. Where that was right, two evaluations
// are enough.
func (m *search) settle(ctx context.Context, rays []ray, predicted []float64) error {
	for _, shift := range []float64{1e-7, -1e-7} {
		var some []ray
		var of []int
		var at []float64
		for k := range rays {
			if radius := predicted[k] * (1 + shift); radius > rays[k].lo && radius < rays[k].hi {
				some, of, at = append(some, rays[k]), append(of, k), append(at, radius)
			}
		}
		gaps, err := m.gaps(ctx, some, at)
		if err != nil {
			return err
		}
		for j, k := range of {
			rays[k].narrow(at[j], gaps[j], 0)
		}
	}
	return m.cross(ctx, rays, 1e-4)
}

func (m *search) appendPoint(points []float64, r *ray, radius float64) []float64 {
	at := len(points)
	points = append(points, m.sample(r.owner)...)
	floats.AddScaled(points[at:], radius, r.direction)
	return points
}
