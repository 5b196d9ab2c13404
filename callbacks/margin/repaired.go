package margin

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

const (
	climbs     = 12   // starts for each vector
	climbSteps = 60   // of each, at most
	climbFirst = 0.05 // length of the first step, relative to the data's spread
	climbLast  = 1e-5 // length of a step that is too short to go on
)

// Repaired is the estimate with its faults mended: every one of the
// vectors, the outliers' eigenvectors; many starts for each, boundary points
// that direct has found, the best aligned ones first; every maximum moved to
// the nearest point of the decision boundary; and the nearest pair kept. Vectors and
// alignments are as for Published. It is nil if there is no boundary.
func Repaired(ctx context.Context, m models.Model, split *datasets.Split, vectors, alignments *mat.Dense, direct *Distances, s models.ObjectiveSettings) (*Eigenvector, error) {
	starts, err := climbStarts(ctx, m, split, vectors, direct, s)
	if err != nil || len(starts) == 0 {
		return nil, err
	}
	if err := climbAll(ctx, m, vectors, starts, spread(split.X, direct.width()), s); err != nil {
		return nil, err
	}
	tops := &datasets.Split{Name: "maxima of alignment"}
	for _, c := range starts {
		tops.X, tops.Labels = append(tops.X, c.x...), append(tops.Labels, 0)
	}
	field, err := models.NewField(m, s)
	if err != nil {
		return nil, err
	}
	nearest, err := Measure(ctx, field, tops, Settings{})
	if err != nil {
		return nil, err
	}
	var best *Eigenvector
	for i, c := range starts {
		if nearest.Rivals[i] < 0 {
			continue
		}
		x := nearest.Points[i*len(c.x) : (i+1)*len(c.x)]
		n, distance := nearerExtreme(split, mat.Col(nil, c.vector, alignments), x)
		if best == nil || distance < best.Value {
			best = &Eigenvector{Value: distance, Vector: c.vector + 1, Sample: n, Point: x, Alignment: c.alignment, Starts: len(starts), Steps: c.steps}
		}
	}
	if best == nil {
		return nil, nil
	}
	best.Gap, err = gapAt(ctx, field, best.Point)
	return best, err
}

// climb is a maximisation of cos²(g(x), v).
type climb struct {
	vector    int
	x         []float64
	alignment float64
	steps     int
}

// climbStarts are, for each vector, the boundary points that are aligned with
// it most, none near another.
func climbStarts(ctx context.Context, m models.Model, split *datasets.Split, vectors *mat.Dense, direct *Distances, s models.ObjectiveSettings) ([]climb, error) {
	points := &datasets.Split{Name: "boundary points"}
	d := direct.width()
	for n, rival := range direct.Rivals {
		if rival >= 0 {
			points.X, points.Labels = append(points.X, direct.Points[n*d:(n+1)*d]...), append(points.Labels, 0)
		}
	}
	if points.Len() == 0 {
		return nil, nil
	}
	gradients, err := boundary.NewReinforcing(ctx, m, points, s)
	if err != nil {
		return nil, err
	}
	aligned, err := gradients.Alignments(ctx, vectors)
	if err != nil {
		return nil, err
	}
	apart := spread(split.X, d) / 20
	k, _ := vectors.Dims()
	var starts []climb
	for v := range k {
		order := make([]int, points.Len())
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Compare(math.Abs(aligned.At(b, v)), math.Abs(aligned.At(a, v)))
		})
		first := len(starts)
		for _, p := range order {
			x := points.X[p*d : (p+1)*d]
			near := slices.ContainsFunc(starts[first:], func(c climb) bool { return floats.Distance(c.x, x, 2) < apart })
			if !near && len(starts)-first < climbs {
				starts = append(starts, climb{vector: v, x: slices.Clone(x)})
			}
		}
	}
	return starts, nil
}

// climbAll runs the maximisations on all workers.
func climbAll(ctx context.Context, m models.Model, vectors *mat.Dense, climbs []climb, scale float64, s models.ObjectiveSettings) error {
	workers := s.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	queue := make(chan *climb, len(climbs))
	for i := range climbs {
		queue <- &climbs[i]
	}
	close(queue)
	errs := make([]error, min(workers, len(climbs)))
	var wait sync.WaitGroup
	for w := range errs {
		wait.Go(func() {
			climber, err := newClimber(m, s)
			for c := range queue {
				if err == nil {
					err = climber.climb(ctx, c, vectors.RawRowView(c.vector), scale)
				}
			}
			errs[w] = err
		})
	}
	wait.Wait()
	return cmp.Or(errs...)
}

// climb goes uphill: a step that is no gain is halved.
func (c *climber) climb(ctx context.Context, s *climb, v []float64, scale float64) (err error) {
	if s.alignment, err = c.alignment(ctx, v, s.x); err != nil {
		return err
	}
	trial := make([]float64, len(s.x))
	for length := climbFirst; s.steps < climbSteps && length > climbLast; s.steps++ {
		if err := c.slope(ctx, v); err != nil {
			return err
		}
		norm := floats.Norm(c.ascent, 2)
		if norm == 0 {
			return nil
		}
		for ; length > climbLast; length /= 2 {
			copy(trial, s.x)
			floats.AddScaled(trial, length*scale/norm, c.ascent)
			higher, err := c.alignment(ctx, v, trial)
			if err != nil {
				return err
			}
			if higher > s.alignment {
				s.alignment = higher
				copy(s.x, trial)
				length *= 1.5
				break
			}
		}
	}
	return nil
}
