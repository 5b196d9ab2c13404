package margin

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
)

// refine moves the rays of samples to nearer boundary points until they get no
// nearer. The longer it takes, the fewer rays of a sample take part.
func (m *search) refine(ctx context.Context, rays owned) error {
	for step := range refinements {
		switch step {
		case 5:
			rays.prune(8)
		case 10:
			rays.prune(5)
		case 30:
			rays.prune(3)
		}
		var open []*ray
		for i := range rays {
			for k := range rays[i] {
				if !rays[i][k].done {
					open = append(open, &rays[i][k])
				}
			}
		}
		if len(open) == 0 {
			break
		}
		if err := m.improve(ctx, open); err != nil {
			return err
		}
	}
	return nil
}

// improve takes one step with each of the rays.
func (m *search) improve(ctx context.Context, rays []*ray) error {
	feet, err := m.feet(ctx, rays)
	if err != nil {
		return err
	}
	var next []ray // what is tried, at just under the radius that is known
	var of []*ray
	var guess []float64
	for k, r := range rays {
		foot := feet[k*m.width : (k+1)*m.width]
		if norm := floats.Norm(foot, 2); !(norm < r.hi*(1-tolerance)) {
			r.done = true // the nearest point of the linearised boundary is no nearer
			continue
		}
		offset := make([]float64, m.width)
		floats.ScaleTo(offset, r.hi*(1-r.step), r.direction)
		floats.AddScaled(offset, r.step, foot)
		length := floats.Norm(offset, 2)
		if !(length > 0) {
			r.done = true
			continue
		}
		floats.Scale(1/length, offset)
		next = append(next, ray{owner: r.owner, direction: offset, hi: r.hi * (1 - tolerance/2), atLo: m.inside[r.owner]})
		of, guess = append(of, r), append(guess, length)
	}
	gaps, err := m.gaps(ctx, next, nil)
	if err != nil {
		return err
	}
	var nearer []ray
	var winners []*ray
	var lengths []float64
	for k, r := range of {
		if next[k].atHi = gaps[k]; gaps[k] > 0 {
			if r.step /= 2; r.step < tolerance {
				r.done = true
			}
			continue
		}
		next[k].step = min(1, 1.5*r.step)
		nearer, winners, lengths = append(nearer, next[k]), append(winners, r), append(lengths, guess[k])
	}
	if err := m.settle(ctx, nearer, lengths); err != nil {
		return err
	}
	for k, r := range winners {
		*r = nearer[k]
	}
	return nil
}

// feet are, for each ray, the foot of its sample on the boundary linearised at
// the ray's end, relative to the sample: t·g with g = ∇(f_ŷ − f_c). Where that
// gradient vanishes it is infinite.
func (m *search) feet(ctx context.Context, rays []*ray) ([]float64, error) {
	m.points = m.points[:0]
	for _, r := range rays {
		m.points = m.appendPoint(m.points, r, r.hi)
	}
	m.Evaluations += 3 * len(rays)
	gaps, feet := make([]float64, len(rays)), make([]float64, len(m.points))
	err := m.field.Gradients(ctx, feet, m.points, func(k int, z, s []float64) {
		own := m.Predicted[rays[k].owner]
		c := rival(z, own)
		gaps[k], s[own], s[c] = z[own]-z[c], 1, -1
	})
	for k, r := range rays {
		g := feet[k*m.width : (k+1)*m.width]
		t := (r.hi*floats.Dot(r.direction, g) - gaps[k]) / floats.Dot(g, g)
		if math.IsNaN(t) || math.IsInf(t, 0) {
			g[0] = math.Inf(1)
			continue
		}
		floats.Scale(t, g)
	}
	return feet, err
}
