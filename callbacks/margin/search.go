package margin

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
	tolerance = 1e-6  // relative gain in distance that ends a search
	bracket   = 1e-10 // relative width of the bracket around a boundary point

	nearestStarts  = 40      // samples predicted otherwise that are gone to
	randomStarts   = 40      // directions that are marched in, in low dimension
	kept           = 12      // rays of a sample that are refined
	shared         = 5       // rays of a sample whose ends others go to
	highDimension  = 16      // random directions are few beyond
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

// search finds the margins of samples. All rays of many samples go
// through the model together.
type search struct {
	*Distances
	field    *models.Field
	x        []float64 // N × d
	width    int
	classes  int
	scale    float64   // root mean square distance of the samples from their mean
	inside   []float64 // f_ŷ − max_{c≠ŷ} f_c at the samples
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

func (m *search) run(ctx context.Context) error {
	n := len(m.Values)
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
	block = max(1, blockValues/(kept*m.width))
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

func (m *search) report(done, total int) {
	if m.progress != nil {
		m.progress(done, total)
	}
}

// predict sets the classes of the samples, and how far they are from equality
// with another.
func (m *search) predict(ctx context.Context) error {
	n := len(m.Values)
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
		m.Values[i] = math.Inf(1)
		c := rival(z, m.Predicted[i])
		if m.inside[i] = z[m.Predicted[i]] - z[c]; m.inside[i] == 0 { // the sample is on the boundary
			m.Rivals[i], m.Values[i], m.Converged[i] = c, 0, true
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
func (m *search) begin(ctx context.Context, rays owned, from, to int, pool cloud) error {
	starts := m.towards(from, to, pool, nearestStarts)
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
func (m *search) share(ctx context.Context, rays owned) error {
	pool, err := m.boundaryPoints(ctx, rays)
	if err != nil || len(pool.classes) == 0 {
		return err
	}
	block := max(1, blockValues/max(kept*m.width, len(pool.classes)))
	for from := 0; from < len(rays); from += block {
		starts := m.towards(from, min(from+block, len(rays)), pool, kept)
		if err := m.cross(ctx, starts, coarse); err != nil {
			return err
		}
		rays.add(starts)
	}
	rays.prune(kept)
	return nil
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

func (m *search) sample(i int) []float64 { return m.x[i*m.width : (i+1)*m.width] }

// boundaryPoints are the ends of each sample's shortest brackets, on both sides.
func (m *search) boundaryPoints(ctx context.Context, rays owned) (cloud, error) {
	var pool cloud
	for _, of := range rays {
		for i := range min(shared, len(of)) {
			pool.x = m.appendPoint(pool.x, &of[i], of[i].lo)
			pool.x = m.appendPoint(pool.x, &of[i], of[i].hi)
		}
	}
	var err error
	pool.classes, err = m.field.Predict(ctx, pool.x)
	m.Evaluations += len(pool.classes)
	return pool, err
}

func (m *search) appendPoint(points []float64, r *ray, radius float64) []float64 {
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
