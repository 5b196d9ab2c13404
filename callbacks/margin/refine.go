package margin

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
)

// refine moves the rays of samples to nearer boundary points until no step is
// nearer. As it goes on, it drops the longer rays of each sample.
func (m *search) refine(ctx context.Context, rays sampleRays) error {
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

// improve takes one step with each ray. If the step leads beyond the boundary at
// a smaller radius, the ray is replaced; if not, its next step is halved.
func (m *search) improve(ctx context.Context, rays []*ray) error {
	feet, err := m.feet(ctx, rays)
	if err != nil {
		return err
	}
	var tried []ray // rays to the points that are tried, at just under the known radius
	var origins []*ray
	var predicted []float64 // radius of the linearised boundary
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
		tried = append(tried, ray{owner: r.owner, direction: offset, hi: r.hi * (1 - tolerance/2), gapLo: m.sampleGaps[r.owner]})
		origins, predicted = append(origins, r), append(predicted, length)
	}
	gaps, err := m.gaps(ctx, tried, nil)
	if err != nil {
		return err
	}
	var nearer []ray
	var replaced []*ray
	var radii []float64
	for k, r := range origins {
		if tried[k].gapHi = gaps[k]; gaps[k] > 0 {
			if r.step /= 2; r.step < tolerance {
				r.done = true
			}
			continue
		}
		tried[k].step = min(1, 1.5*r.step)
		nearer, replaced, radii = append(nearer, tried[k]), append(replaced, r), append(radii, predicted[k])
	}
	if err := m.settle(ctx, nearer, radii); err != nil {
		return err
	}
	for k, r := range replaced {
		*r = nearer[k]
	}
	return nil
}

// feet returns, for each ray, the foot of its sample on the boundary linearised
// at hi, relative to the sample: t·g with g = ∇ₓ(f_ŷ − f_c). It is infinite where
// that gradient vanishes.
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
