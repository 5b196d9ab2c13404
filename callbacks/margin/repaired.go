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
	ascentStarts = 12   // starting points for each vector, at most
	ascentSteps  = 60   // steps from each, at most
	firstStep    = 0.05 // length of the first step, relative to the data's spread
	lastStep     = 1e-5 // relative length of a step that ends the ascent
)

// Repaired returns the estimate without the faults of the published one: it uses
// all vectors, which should be those of the outliers, and starts for each of them
// at the best aligned of the boundary points that direct has found; it moves
// every maximum to the nearest point of the decision boundary, and keeps the
// nearest pair of a sample and a boundary point. Vectors and alignments are as for
// [Published]. Repaired returns nil if there is no boundary.
func Repaired(ctx context.Context, m models.Model, split *datasets.Split, vectors, alignments *mat.Dense, direct *Distances, s models.ObjectiveSettings) (*Eigenvector, error) {
	scale := spread(split.Values(), direct.width())
	starts, err := startingPoints(ctx, m, scale, vectors, direct, s)
	if err != nil || len(starts) == 0 {
		return nil, err
	}
	if err := ascendAll(ctx, m, vectors, starts, scale, s); err != nil {
		return nil, err
	}
	maxima := &datasets.Split{Name: "maxima of alignment"}
	for _, a := range starts {
		maxima.X, maxima.Labels = append(maxima.X, a.x...), append(maxima.Labels, 0)
	}
	field, err := models.NewField(m, s)
	if err != nil {
		return nil, err
	}
	nearest, err := Measure(ctx, field, maxima, Settings{})
	if err != nil {
		return nil, err
	}
	var best *Eigenvector
	for i, a := range starts {
		if nearest.Rivals[i] < 0 {
			continue
		}
		x := nearest.Points[i*len(a.x) : (i+1)*len(a.x)]
		n, distance := nearerExtreme(split, mat.Col(nil, a.vector, alignments), x)
		if best == nil || distance < best.Value {
			best = &Eigenvector{Value: distance, Vector: a.vector + 1, Sample: n, Point: x, Alignment: a.alignment, Starts: len(starts), Steps: a.steps}
		}
	}
	if best == nil {
		return nil, nil
	}
	best.Gap, err = gapAt(ctx, field, best.Point)
	return best, err
}

// ascent is the maximisation of cos²(g(x), v) by gradient ascent from one point.
type ascent struct {
	vector    int       // index of v
	x         []float64 // first the starting point, then the maximum
	alignment float64   // cos²(g(x), v)
	steps     int
}

// startingPoints returns, for each vector, the boundary points that are aligned
// with it most, without those near a better one. The scale is the data's spread.
func startingPoints(ctx context.Context, m models.Model, scale float64, vectors *mat.Dense, direct *Distances, s models.ObjectiveSettings) ([]ascent, error) {
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
	separation := scale / 20
	k, _ := vectors.Dims()
	var starts []ascent
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
			near := slices.ContainsFunc(starts[first:], func(a ascent) bool { return floats.Distance(a.x, x, 2) < separation })
			if !near && len(starts)-first < ascentStarts {
				starts = append(starts, ascent{vector: v, x: slices.Clone(x)})
			}
		}
	}
	return starts, nil
}

// ascendAll runs the ascents on all workers.
func ascendAll(ctx context.Context, m models.Model, vectors *mat.Dense, ascents []ascent, scale float64, s models.ObjectiveSettings) error {
	workers := s.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	queue := make(chan *ascent, len(ascents))
	for i := range ascents {
		queue <- &ascents[i]
	}
	close(queue)
	errs := make([]error, min(workers, len(ascents)))
	var wait sync.WaitGroup
	for w := range errs {
		wait.Go(func() {
			alignment, err := newSquaredAlignment(m, s)
			for a := range queue {
				if err == nil {
					err = alignment.ascend(ctx, a, vectors.RawRowView(a.vector), scale)
				}
			}
			errs[w] = err
		})
	}
	wait.Wait()
	return cmp.Or(errs...)
}

// ascend maximises cos²(g(x), v) by gradient ascent. A step without a gain is
// halved; after one with a gain the next is half as long again.
func (q *squaredAlignment) ascend(ctx context.Context, a *ascent, v []float64, scale float64) (err error) {
	if a.alignment, err = q.at(ctx, v, a.x); err != nil {
		return err
	}
	trial := make([]float64, len(a.x))
	for length := firstStep; a.steps < ascentSteps && length > lastStep; a.steps++ {
		if err := q.differentiate(ctx, v); err != nil {
			return err
		}
		norm := floats.Norm(q.gradient, 2)
		if norm == 0 {
			return nil
		}
		for ; length > lastStep; length /= 2 {
			copy(trial, a.x)
			floats.AddScaled(trial, length*scale/norm, q.gradient)
			higher, err := q.at(ctx, v, trial)
			if err != nil {
				return err
			}
			if higher > a.alignment {
				a.alignment = higher
				copy(a.x, trial)
				length *= 1.5
				break
			}
		}
	}
	return nil
}
