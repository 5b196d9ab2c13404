package margin

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Settings are options of Measure; the zero value means the defaults.
type Settings struct {
	// Samples is how many samples are measured, drawn by the seed; all if zero.
	Samples int
	// Seed is that of the drawn samples and of the random directions. The
	// directions make the search thorough in low dimension; in high dimension the
	// gradients find the boundary.
	Seed uint64
	// Brief leaves early what the lower bounds of a small network may take long for, in
	// more than a few dimensions up to a second a sample: fewer distances are certified.
	Brief bool
	// Progress, if set, is called with the work done so far and the total, both in
	// samples.
	Progress func(done, total int)
}

// Measure finds the nearest boundary point of every sample of split, or of a part
// of them. Its cost is proportional to their number.
//
// Starting points of each sample are the nearest samples predicted otherwise,
// the ends of Newton steps towards every other class (DeepFool, Moosavi-Dezfooli
// 2016), the first crossings in random directions, and boundary points of other
// samples. The ray to each is bracketed at the boundary. Then the search repeats:
// it takes the foot of the sample on the boundary linearised at the point found,
// moves towards it, brackets the boundary again, and keeps the point if it is
// nearer. Then it evaluates random points inside the ball that the nearest boundary
// point leaves.
//
// A network of dense layers with rectifiers, an MLP or a graph from outside, is affine
// in every linear region. There exact least-distance programs, from region to region,
// take the place of the feet (package piecewise). Lower
// bounds of the distances come from linear relaxations, for the activations that
// have them.
func Measure(ctx context.Context, field *models.Field, split *datasets.Split, s Settings) (*Distances, error) {
	n, d := split.Len(), field.Width()
	if width, err := split.Width(); err != nil {
		return nil, err
	} else if n == 0 || width != d {
		return nil, fmt.Errorf("margin: split %q has %d samples of %d values; the model takes %d values", split.Name, n, width, d)
	}
	rows, err := split.DrawRows(s.Samples, s.Seed)
	if err != nil {
		return nil, err
	}
	if n = len(rows); n < split.Len() {
		if split, err = split.Subset(rows); err != nil {
			return nil, err
		}
	}
	x := split.Values()
	m := &Distances{
		Rows: rows, Labels: split.Labels, Predicted: make([]int, n), Rivals: make([]int, n),
		Values: make([]float64, n), Points: slices.Clone(x), Converged: make([]bool, n),
		Lower: make([]float64, n), Certified: make([]bool, n),
		Tolerance: tolerance,
	}
	state := &search{
		Distances: m, field: field, x: x, width: d, classes: field.Classes(),
		seed: s.Seed, brief: s.Brief, rng: rand.New(rand.NewPCG(s.Seed, 0x6d617267696e)), progress: s.Progress,
	}
	if err := state.run(ctx); err != nil {
		return nil, fmt.Errorf("margin: %w", err)
	}
	return m, nil
}

// run finds the boundary points block by block, so that their memory is bounded.
func (m *search) run(ctx context.Context) error {
	n := len(m.Values)
	if err := m.predict(ctx); err != nil {
		return err
	}
	m.examine()
	rays := make(sampleRays, n)
	block := min(n, atOnce((nearestStarts+randomStarts+min(m.classes, maxDirections))*m.width))
	pool := predictedPoints{m.x, m.Predicted}
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		if err := m.start(ctx, rays, from, to, pool); err != nil {
			return err
		}
		m.report(to/2, n)
	}
	if err := m.share(ctx, rays); err != nil {
		return err
	}
	if err := m.shorten(ctx, rays); err != nil {
		return err
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
	if err := m.finish(ctx, rays); err != nil {
		return err
	}
	return m.certify(ctx)
}

// atOnce returns how many samples are worked on at once that take so many values each:
// one at least.
func atOnce(values int) int { return max(1, blockValues/values) }

// start finds first boundary points of the samples from … to − 1.
func (m *search) start(ctx context.Context, rays sampleRays, from, to int, pool predictedPoints) error {
	starts := m.towards(from, to, pool, nearestStarts)
	newton, err := m.newton(ctx, from, to)
	if err != nil {
		return err
	}
	starts = append(starts, newton...)
	if err := m.cross(ctx, starts, coarseBracket); err != nil {
		return err
	}
	rays.add(starts)
	marches, err := m.march(ctx, rays, from, to)
	if err != nil {
		return err
	}
	if err := m.cross(ctx, marches, coarseBracket); err != nil {
		return err
	}
	rays.add(marches)
	rays.prune(keptRays)
	return nil
}

// share takes the nearest boundary points of other samples as starting points.
func (m *search) share(ctx context.Context, rays sampleRays) error {
	pool, err := m.boundaryPoints(ctx, rays)
	if err != nil || len(pool.classes) == 0 {
		return err
	}
	block := atOnce(max(keptRays*m.width, len(pool.classes)))
	for from := 0; from < len(rays); from += block {
		starts := m.towards(from, min(from+block, len(rays)), pool, keptRays)
		if err := m.cross(ctx, starts, coarseBracket); err != nil {
			return err
		}
		rays.add(starts)
	}
	if m.rectified {
		rays.prune(keptStarts)
	} else {
		rays.prune(keptRays)
	}
	return nil
}

// shorten moves the rays of each sample to nearer boundary points until none is
// nearer.
func (m *search) shorten(ctx context.Context, rays sampleRays) error {
	if m.rectified {
		if err := m.explore(ctx, rays); err != nil {
			return err
		}
	}
	n := len(rays)
	block := atOnce(keptRays * m.width)
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		if err := m.refine(ctx, rays[from:to]); err != nil {
			return err
		}
		m.report((n+to)/2, n)
	}
	return nil
}

// boundaryPoints returns the ends of the brackets of each sample's shortest rays,
// on both sides of the boundary, with their predictions.
func (m *search) boundaryPoints(ctx context.Context, rays sampleRays) (predictedPoints, error) {
	var pool predictedPoints
	for _, own := range rays {
		for i := range min(sharedRays, len(own)) {
			pool.x = m.appendPoint(pool.x, &own[i], own[i].lo)
			pool.x = m.appendPoint(pool.x, &own[i], own[i].hi)
		}
	}
	var err error
	pool.classes, err = m.field.Predict(ctx, pool.x)
	m.Evaluations += len(pool.classes)
	return pool, err
}

// finish brackets the nearest boundary point of every sample finely, and records
// it.
func (m *search) finish(ctx context.Context, rays sampleRays) error {
	rays.prune(1)
	var nearest []ray
	for i := range rays {
		if m.Values[i] > 0 {
			nearest = append(nearest, rays[i]...)
		}
	}
	if err := m.cross(ctx, nearest, finalBracket); err != nil {
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
		m.Values[i], m.Converged[i] = r.hi, r.done && !m.kinked && (r.settled || !m.rectified)
		m.Rivals[i] = rival(logits[k*m.classes:(k+1)*m.classes], m.Predicted[i])
		copy(m.Points[i*m.width:], points[k*m.width:(k+1)*m.width])
	}
	return nil
}
