package boundary

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
)

const (
	marginTolerance = 1e-6  // relative gain in distance that ends a search
	marginBracket   = 1e-10 // relative width of the bracket around a boundary point

	nearestStarts  = 40      // samples predicted otherwise that are gone to
	randomStarts   = 40      // directions that are marched in
	kept           = 12      // rays of a sample that are refined
	newtonSteps    = 20      // towards each class, at most
	refinements    = 300     // steps of a ray, at most
	ballPoints     = 256     // random points in the ball that is left
	ballRounds     = 3       // of those
	blockValues    = 4 << 20 // coordinates held at once
	coarse         = 1e-3    // relative bracket of points that a search starts from
	marchRatio     = 1.3     // of neighbouring radii of a march
	marchFrom      = 1e-3    // smallest radius, relative to the data's
	marchTo        = 1e3     // largest radius
	maxDirections  = 64      // of classes that Newton steps are taken towards
	crossingRounds = 60      // evaluations of a bracket, at most
)

// marginSearch finds the margins of samples. All rays of many samples go
// through the model together.
type marginSearch struct {
	*Margins
	field    *models.Field
	x        []float64 // N × d
	width    int
	classes  int
	scale    float64 // root mean square distance of the samples from their mean
	inside   []float64
	rng      *rand.Rand
	progress func(done, total int)

	points, logits []float64 // buffers of gaps
}

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

func (m *marginSearch) run(ctx context.Context) error {
	n := len(m.Distances)
	if err := m.predict(ctx); err != nil {
		return err
	}
	rays := make(owned, n)
	block := max(1, min(n, blockValues/((nearestStarts+randomStarts+min(m.classes, maxDirections))*m.width)))
	pool := cloud{m.x, m.Predicted}
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		if err := m.begin(ctx, rays, from, to, pool); err != nil {
			return err
		}
		m.report(from+(to-from)/2, n)
	}
	if err := m.share(ctx, rays); err != nil {
		return err
	}
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		if err := m.refine(ctx, rays[from:to]); err != nil {
			return err
		}
		m.report(to, n)
	}
	for range ballRounds {
		found, err := m.searchBalls(ctx, rays)
		if err != nil {
			return err
		}
		if !found {
			break
		}
	}
	return m.finish(ctx, rays)
}

func (m *marginSearch) report(done, total int) {
	if m.progress != nil {
		m.progress(done, total)
	}
}

// predict sets the classes of the samples, and how far they are from equality
// with another.
func (m *marginSearch) predict(ctx context.Context) error {
	n := len(m.Distances)
	logits := make([]float64, n*m.classes)
	if err := m.field.Logits(ctx, logits, m.x); err != nil {
		return err
	}
	m.Evaluations += n
	m.inside = make([]float64, n)
	for i := range n {
		z := logits[i*m.classes : (i+1)*m.classes]
		m.Predicted[i] = floats.MaxIdx(z)
		m.Rivals[i] = -1
		m.Distances[i] = math.Inf(1)
		c := rival(z, m.Predicted[i])
		if m.inside[i] = z[m.Predicted[i]] - z[c]; m.inside[i] == 0 { // the sample is on the boundary
			m.Rivals[i], m.Distances[i], m.Converged[i] = c, 0, true
		}
	}
	m.scale = spread(m.x, m.width)
	return nil
}

// spread is the root mean square distance of points from their mean; 1 if they
// are all equal.
func spread(x []float64, width int) float64 {
	n := len(x) / width
	mean := make([]float64, width)
	for i := range n {
		floats.AddScaled(mean, 1/float64(n), x[i*width:(i+1)*width])
	}
	sum := 0.0
	for i := range n {
		d := floats.Distance(x[i*width:(i+1)*width], mean, 2)
		sum += d * d
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum / float64(n))
}

// begin finds first boundary points of the samples from … to − 1.
func (m *marginSearch) begin(ctx context.Context, rays owned, from, to int, pool cloud) error {
	var starts []ray
	for i := from; i < to; i++ {
		if m.Distances[i] > 0 {
			starts = append(starts, m.towards(i, pool, nearestStarts)...)
		}
	}
	newton, err := m.newton(ctx, from, to)
	if err != nil {
		return err
	}
	starts = append(starts, newton...)
	if err := m.cross(ctx, starts, coarse); err != nil {
		return err
	}
	rays.add(starts)
	marches, err := m.march(ctx, rays, from, to)
	if err != nil {
		return err
	}
	if err := m.cross(ctx, marches, coarse); err != nil {
		return err
	}
	rays.add(marches)
	rays.prune(kept)
	return nil
}

// share sends the samples to the boundary points of others.
func (m *marginSearch) share(ctx context.Context, rays owned) error {
	pool, err := m.boundaryPoints(ctx, rays)
	if err != nil {
		return err
	}
	var starts []ray
	for i := range rays {
		if m.Distances[i] == 0 {
			continue
		}
		starts = append(starts, m.towards(i, pool, kept)...)
		if len(starts)*m.width > blockValues || i == len(rays)-1 {
			if err := m.cross(ctx, starts, coarse); err != nil {
				return err
			}
			rays.add(starts)
			starts = starts[:0]
		}
	}
	if err := m.cross(ctx, starts, coarse); err != nil {
		return err
	}
	rays.add(starts)
	rays.prune(kept)
	return nil
}

// newton takes Newton steps towards each other class from the samples from …
// to − 1, until they are predicted otherwise.
func (m *marginSearch) newton(ctx context.Context, from, to int) ([]ray, error) {
	type path struct {
		owner, class int
		at           []float64
	}
	var open []path
	for i := from; i < to; i++ {
		for c := range m.classes {
			if c != m.Predicted[i] && len(open) < (i-from+1)*maxDirections && m.Distances[i] > 0 {
				open = append(open, path{i, c, slices.Clone(m.sample(i))})
			}
		}
	}
	var arrived []ray
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
		var still []path
		for k, p := range open {
			if outside[k] <= 0 {
				if r, ok := m.ray(p.owner, p.at, outside[k]); ok {
					arrived = append(arrived, r)
				}
				continue
			}
			g := gradients[k*m.width : (k+1)*m.width]
			const overshoot = 1.02
			step := -overshoot * (gaps[k] + marginTolerance*math.Abs(m.inside[p.owner])) / floats.Dot(g, g)
			if floats.AddScaled(p.at, step, g); math.IsInf(step, 0) || math.IsNaN(step) || floats.Distance(p.at, m.sample(p.owner), 2) > marchTo*m.scale {
				continue
			}
			still = append(still, p)
		}
		open = still
	}
	return arrived, nil
}

// march follows random directions outwards from the samples from … to − 1, as
// far as the nearest boundary point known, to where they first are predicted
// otherwise.
func (m *marginSearch) march(ctx context.Context, rays owned, from, to int) ([]ray, error) {
	var open, arrived []ray
	for i := from; i < to; i++ {
		if m.Distances[i] == 0 {
			continue
		}
		for _, u := range directions(randomStarts, m.width, m.rng) {
			open = append(open, ray{owner: i, direction: u, hi: marchFrom * m.scale, atLo: m.inside[i], step: 1})
		}
	}
	for len(open) > 0 {
		gaps, err := m.gaps(ctx, open, func(r *ray) float64 { return r.hi })
		if err != nil {
			return nil, err
		}
		var still []ray
		for k, r := range open {
			if r.atHi = gaps[k]; r.atHi <= 0 {
				arrived = append(arrived, r)
				continue
			}
			r.lo, r.atLo = r.hi, r.atHi
			if r.hi *= marchRatio; r.lo < min(rays.nearest(r.owner), marchTo*m.scale) {
				still = append(still, r)
			}
		}
		open = still
	}
	return arrived, nil
}

// directions are random unit vectors: those of random orthonormal bases and
// their opposites, so that they cover the sphere evenly.
func directions(n, width int, rng *rand.Rand) [][]float64 {
	var all [][]float64
	basis := 0 // first vector of the present basis
	for len(all) < n {
		u := make([]float64, width)
		for i := range u {
			u[i] = rng.NormFloat64()
		}
		if len(all)-basis >= 2*width {
			basis = len(all)
		}
		for i := basis; i < len(all); i += 2 {
			floats.AddScaled(u, -floats.Dot(u, all[i]), all[i])
		}
		norm := floats.Norm(u, 2)
		if norm == 0 {
			continue
		}
		opposite := make([]float64, width)
		floats.ScaleTo(opposite, -1/norm, u)
		floats.Scale(1/norm, u)
		all = append(all, u, opposite)
	}
	return all[:n]
}

// cloud are points of known classes.
type cloud struct {
	x       []float64
	classes []int
}

// towards are rays from sample i to the nearest points of other classes, at
// most so many.
func (m *marginSearch) towards(i int, pool cloud, most int) []ray {
	type candidate struct {
		point    int
		distance float64
	}
	var others []candidate
	for p, class := range pool.classes {
		if class != m.Predicted[i] {
			others = append(others, candidate{p, floats.Distance(m.sample(i), pool.x[p*m.width:(p+1)*m.width], 2)})
		}
	}
	slices.SortFunc(others, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.point, b.point))
	})
	var rays []ray
	for _, o := range others[:min(most, len(others))] {
		// The value there is not known, only its sign.
		if r, ok := m.ray(i, pool.x[o.point*m.width:(o.point+1)*m.width], 0); ok {
			rays = append(rays, r)
		}
	}
	return rays
}

// ray goes from sample i to a point beyond the boundary, where f_ŷ − max f_c is
// outside.
func (m *marginSearch) ray(i int, point []float64, outside float64) (ray, bool) {
	u := make([]float64, m.width)
	floats.SubTo(u, point, m.sample(i))
	length := floats.Norm(u, 2)
	if !(length > 0) || math.IsInf(length, 1) {
		return ray{}, false
	}
	floats.Scale(1/length, u)
	return ray{owner: i, direction: u, hi: length, atLo: m.inside[i], atHi: outside, step: 1}, true
}

func (m *marginSearch) sample(i int) []float64 { return m.x[i*m.width : (i+1)*m.width] }

// boundaryPoints are the ends of all brackets, on both sides.
func (m *marginSearch) boundaryPoints(ctx context.Context, rays owned) (cloud, error) {
	var pool cloud
	for _, of := range rays {
		for i := range of {
			pool.x = m.appendPoint(pool.x, &of[i], of[i].lo)
			pool.x = m.appendPoint(pool.x, &of[i], of[i].hi)
		}
	}
	logits := make([]float64, len(pool.x)/m.width*m.classes)
	if err := m.field.Logits(ctx, logits, pool.x); err != nil {
		return pool, err
	}
	for i := 0; i < len(logits); i += m.classes {
		pool.classes = append(pool.classes, floats.MaxIdx(logits[i:i+m.classes]))
	}
	m.Evaluations += len(pool.classes)
	return pool, nil
}

func (m *marginSearch) appendPoint(points []float64, r *ray, radius float64) []float64 {
	at := len(points)
	points = append(points, m.sample(r.owner)...)
	floats.AddScaled(points[at:], radius, r.direction)
	return points
}

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
