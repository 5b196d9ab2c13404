package margin

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// newton takes Newton steps from each of the samples from … to − 1 towards every
// other class, until the point is predicted otherwise.
func (m *search) newton(ctx context.Context, from, to int) ([]ray, error) {
	type path struct {
		owner, class int
		at           []float64
	}
	var open []path
	for i := from; i < to; i++ {
		for c := range m.classes {
			if c != m.Predicted[i] && len(open) < (i-from+1)*maxDirections && m.Values[i] > 0 {
				open = append(open, path{i, c, slices.Clone(m.sample(i))})
			}
		}
	}
	var crossings []ray
	for range newtonSteps {
		if len(open) == 0 {
			break
		}
		points := m.points[:0]
		for _, p := range open {
			points = append(points, p.at...)
		}
		m.points = points
		gradients, gaps, outside := make([]float64, len(points)), make([]float64, len(open)), make([]float64, len(open))
		m.Evaluations += 3 * len(open)
		err := m.field.Gradients(ctx, gradients, points, func(k int, z, s []float64) {
			own := m.Predicted[open[k].owner]
			gaps[k] = z[own] - z[open[k].class]
			outside[k] = z[own] - z[rival(z, own)]
			s[own], s[open[k].class] = 1, -1
		})
		if err != nil {
			return nil, err
		}
		var remaining []path
		for k, p := range open {
			if outside[k] <= 0 {
				if r, ok := m.ray(p.owner, p.at, outside[k]); ok {
					crossings = append(crossings, r)
				}
				continue
			}
			g := gradients[k*m.width : (k+1)*m.width]
			const overshoot = 1.02
			step := -overshoot * (gaps[k] + tolerance*math.Abs(m.sampleGaps[p.owner])) / floats.Dot(g, g)
			if floats.AddScaled(p.at, step, g); math.IsInf(step, 0) || math.IsNaN(step) || floats.Distance(p.at, m.sample(p.owner), 2) > marchTo*m.scale {
				continue
			}
			remaining = append(remaining, p)
		}
		open = remaining
	}
	return crossings, nil
}

// march goes from each of the samples from … to − 1 in random directions, with
// growing radii up to the nearest known boundary point, until the point is
// predicted otherwise.
func (m *search) march(ctx context.Context, rays sampleRays, from, to int) ([]ray, error) {
	var open, crossings []ray
	for i := from; i < to; i++ {
		if m.Values[i] == 0 {
			continue
		}
		for _, u := range m.directions(randomStarts) {
			open = append(open, ray{owner: i, direction: u, hi: marchFrom * m.scale, gapLo: m.sampleGaps[i], step: 1})
		}
	}
	for len(open) > 0 {
		gaps, err := m.gaps(ctx, open, nil)
		if err != nil {
			return nil, err
		}
		var remaining []ray
		for k, r := range open {
			if r.gapHi = gaps[k]; r.gapHi <= 0 {
				crossings = append(crossings, r)
				continue
			}
			r.lo, r.gapLo = r.hi, r.gapHi
			if r.hi *= marchRatio; r.lo < min(rays.nearest(r.owner), marchTo*m.scale) {
				remaining = append(remaining, r)
			}
		}
		open = remaining
	}
	return crossings, nil
}

// predictedPoints holds points with their predictions.
type predictedPoints struct {
	x       []float64
	classes []int
}

// towards returns the rays from each of the samples from … to − 1 to the nearest
// points of other classes, at most limit of them.
func (m *search) towards(from, to int, pool predictedPoints, limit int) []ray {
	n := len(pool.classes)
	products := make([]float64, (to-from)*n)
	gemm.Implementation{Parallel: true}.Dgemm(blas.NoTrans, blas.Trans, to-from, n, m.width, 1,
		m.x[from*m.width:to*m.width], m.width, pool.x, m.width, 0, products, n)
	squares := make([]float64, n)
	for p := range squares {
		x := pool.x[p*m.width : (p+1)*m.width]
		squares[p] = floats.Dot(x, x)
	}
	var rays []ray
	for i := from; i < to; i++ {
		if m.Values[i] == 0 {
			continue
		}
		distances := products[(i-from)*n : (i-from+1)*n] // becomes ‖x − p‖² − ‖x‖²
		floats.AddScaledTo(distances, squares, -2, distances)
		var others []int
		for p, class := range pool.classes {
			if class != m.Predicted[i] {
				others = append(others, p)
			}
		}
		slices.SortFunc(others, func(a, b int) int { return cmp.Or(cmp.Compare(distances[a], distances[b]), cmp.Compare(a, b)) })
		for _, p := range others[:min(limit, len(others))] {
			// The gap there is unknown except for its sign; 0 stands for it.
			if r, ok := m.ray(i, pool.x[p*m.width:(p+1)*m.width], 0); ok {
				rays = append(rays, r)
			}
		}
	}
	return rays
}
