package margin

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Settings are options of Measure; the zero value is the default.
type Settings struct {
	// Samples is how many are measured, drawn by the seed; all if zero.
	Samples int
	// Seed of the random directions. They make the search thorough in low
	// dimension; in high dimension the gradients find the boundary.
	Seed uint64
	// Progress, if set, is told how much of the work is done.
	Progress func(done, total int)
}

// Measure finds the nearest boundary point of every sample of split, or
// of some of them; the cost grows with their number.
//
// From each sample it goes to the nearest samples predicted otherwise, in
// random directions, by Newton steps towards every other class (DeepFool,
// Moosavi-Dezfooli 2016), and to the boundary points of the samples around it;
// bisects onto the boundary; and then repeats: foot of the sample on the boundary
// linearised at the point found, a step towards it, bisect again, keep what is
// nearer. At last it looks for points predicted otherwise inside the ball that
// is left.
func Measure(ctx context.Context, field *models.Field, split *datasets.Split, s Settings) (*Distances, error) {
	n, d := split.Len(), field.Width()
	if n == 0 || len(split.X) != n*d {
		return nil, fmt.Errorf("margin: margins of split %q with %d samples of %d values; the model takes %d", split.Name, n, len(split.X)/max(n, 1), d)
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
	m := &Distances{
		Rows: rows, Labels: split.Labels, Predicted: make([]int, n), Rivals: make([]int, n),
		Values: make([]float64, n), Points: slices.Clone(split.X), Converged: make([]bool, n),
		Tolerance: tolerance,
	}
	found := &search{
		Distances: m, field: field, x: split.X, width: d, classes: field.Classes(),
		rng: rand.New(rand.NewPCG(s.Seed, 0x6d617267696e)), progress: s.Progress,
	}
	if err := found.run(ctx); err != nil {
		return nil, fmt.Errorf("margin: %w", err)
	}
	return m, nil
}

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
