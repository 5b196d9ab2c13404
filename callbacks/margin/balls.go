package margin

import (
	"context"
	"math"
)

// searchBalls evaluates random points in the ball around each sample up to its
// nearest boundary point. It shortens the rays to those that are predicted
// otherwise, and reports whether there were any.
func (m *search) searchBalls(ctx context.Context, rays sampleRays) (bool, error) {
	var found, tried []ray
	for i := range rays {
		radius := rays.nearest(i) * (1 - 1e-3)
		if m.Values[i] > 0 && !math.IsInf(radius, 1) {
			for _, u := range m.directions(ballPoints) {
				share := math.Pow(m.rng.Float64(), 1/float64(m.width))
				tried = append(tried, ray{owner: i, direction: u, hi: radius * share, gapLo: m.sampleGaps[i], step: 1})
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
			if r.gapHi = gaps[k]; r.gapHi <= 0 {
				found = append(found, r)
			}
		}
		tried = tried[:0]
	}
	if len(found) == 0 {
		return false, nil
	}
	if err := m.cross(ctx, found, coarseBracket); err != nil {
		return false, err
	}
	nearer := make(sampleRays, len(rays))
	nearer.add(found)
	nearer.prune(keptRays)
	if err := m.shorten(ctx, nearer); err != nil {
		return false, err
	}
	for i := range nearer {
		rays[i] = append(rays[i], nearer[i]...)
	}
	return true, nil
}
