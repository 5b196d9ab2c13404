package margin

import (
	"context"
	"math"

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

// searchBalls looks for points predicted otherwise in the ball around each
// sample that no boundary point was found in, and refines what it finds. It
// reports whether there were any.
func (m *search) searchBalls(ctx context.Context, rays owned) (bool, error) {
	var found, tried []ray
	for i := range rays {
		radius := rays.nearest(i) * (1 - 1e-3)
		if m.Values[i] > 0 && !math.IsInf(radius, 1) {
			for _, u := range m.directions(ballPoints) {
				share := math.Pow(m.rng.Float64(), 1/float64(m.width))
				tried = append(tried, ray{owner: i, direction: u, hi: radius * share, atLo: m.inside[i], step: 1})
			}
		}
		if len(tried)*m.width < blockValues && i < len(rays)-1 {
			continue
		}
		gaps, err := m.gaps(ctx, tried, nil)
		if err != nil {
			return false, err
		}
		for k, r := range tried {
			if r.atHi = gaps[k]; r.atHi <= 0 {
				found = append(found, r)
			}
		}
		tried = tried[:0]
	}
	if len(found) == 0 {
		return false, nil
	}
	if err := m.cross(ctx, found, coarse); err != nil {
		return false, err
	}
	nearer := make(owned, len(rays))
	nearer.add(found)
	nearer.prune(kept)
	if err := m.refine(ctx, nearer); err != nil {
		return false, err
	}
	for i := range nearer {
		rays[i] = append(rays[i], nearer[i]...)
	}
	return true, nil
}

// finish records the nearest boundary point of every sample, narrowed to the
// tolerance.
func (m *search) finish(ctx context.Context, rays owned) error {
	rays.prune(1)
	var nearest []ray
	for i := range rays {
		if m.Values[i] > 0 {
			nearest = append(nearest, rays[i]...)
		}
	}
	if err := m.cross(ctx, nearest, bracket); err != nil {
		return err
	}
	points := make([]float64, 0, len(nearest)*m.width)
	for k := range nearest {
		points = m.appendPoint(points, &nearest[k], nearest[k].hi)
	}
	logits := make([]float64, len(nearest)*m.classes)
	if err := m.field.Logits(ctx, logits, points); err != nil {
		return err
	}
	for k, r := range nearest {
		i := r.owner
		m.Values[i], m.Converged[i] = r.hi, r.done
		m.Rivals[i] = rival(logits[k*m.classes:(k+1)*m.classes], m.Predicted[i])
		copy(m.Points[i*m.width:], points[k*m.width:(k+1)*m.width])
	}
	return nil
}
