package margin

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Eigenvector is the margin as eigenvectors of the Hessian tell it
// (arXiv:2306.07104): with x_b a point whose reinforcing gradient is aligned
// with an eigenvector v as no other, cos²(g(x_b), v) → max, the distance from
// x_b to the nearer of the two samples that are aligned with v most and least.
// The idea is that x_b lies on the boundary that v is about, and the two
// samples on both sides of it. The distance from a sample to the boundary, as
// [Measure] finds it, is the one to trust.
type Eigenvector struct {
	Value     float64   `json:"value"`     // ‖x_b − x_n‖
	Vector    int       `json:"vector"`    // v is that of the largest eigenvalue, 1, or of the second, 2, …
	Sample    int       `json:"sample"`    // n
	Point     []float64 `json:"point"`     // x_b
	Alignment float64   `json:"alignment"` // cos²(g, v) at its maximum
	Gap       float64   `json:"gap"`       // of the two largest logits at x_b: how far it is from the boundary
	Starts    int       `json:"starts"`    // of the maximisation, over all vectors
	Steps     int       `json:"steps"`     // of the one that was kept
	// Excess is Value over the direct margin, minus 1: by how much the two disagree; nil
	// where there is no direct margin.
	Excess *float64 `json:"excess"`
}

// Compare sets Excess.
func (e *Eigenvector) Compare(direct Summary) {
	if e != nil && direct.Min != nil && *direct.Min > 0 {
		excess := e.Value / *direct.Min - 1
		e.Excess = &excess
	}
}

// The optimisation that the paper's margin comes from: gradient descent on
// (1 − cos²(g(x), v₁))² with weight decay on x.
const (
	paperSteps = 20_000
	paperRate  = 0.01
	paperDecay = 1e-3
)

// Published is the estimate as published: the first eigenvector only, gradient descent
// from one random point, and whatever that ends at taken for a boundary point.
// It may rank networks the wrong way round. Vectors are the eigenvectors of the
// largest eigenvalues, k × P; alignments are those of the samples of split, N × k.
func Published(ctx context.Context, m models.Model, split *datasets.Split, vectors, alignments *mat.Dense, seed uint64, s models.ObjectiveSettings) (*Eigenvector, error) {
	climber, err := newClimber(m, s)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 0x7061706572))
	x := make([]float64, len(split.X)/split.Len())
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	v := vectors.RawRowView(0)
	found := &Eigenvector{Vector: 1, Starts: 1}
	for found.Steps < paperSteps {
		if found.Alignment, err = climber.alignment(ctx, v, x); err != nil {
			return nil, err
		}
		if err := climber.slope(ctx, v); err != nil {
			return nil, err
		}
		found.Steps++
		moved := 0.0
		for i, slope := range climber.ascent {
			step := paperRate * (2*(1-found.Alignment)*slope - paperDecay*x[i])
			x[i] += step
			moved = max(moved, math.Abs(step))
		}
		if moved < 1e-13 {
			break
		}
	}
	found.Point = x
	field, err := models.NewField(m, models.ObjectiveSettings{Precision: s.Precision, Workers: 1})
	if err != nil {
		return nil, err
	}
	if found.Gap, err = gapAt(ctx, field, x); err != nil {
		return nil, err
	}
	found.Sample, found.Value = nearerExtreme(split, mat.Col(nil, 0, alignments), x)
	return found, nil
}

// gapAt is the difference of the two largest logits at x.
func gapAt(ctx context.Context, field *models.Field, x []float64) (float64, error) {
	z := make([]float64, field.Classes())
	err := field.Logits(ctx, z, x)
	a := floats.MaxIdx(z)
	return z[a] - z[rival(z, a)], err
}

// nearerExtreme is the nearer to x of the samples with the largest and the
// smallest alignment, and its distance.
func nearerExtreme(split *datasets.Split, alignments, x []float64) (sample int, distance float64) {
	distance = math.Inf(1)
	for _, n := range []int{floats.MaxIdx(alignments), floats.MinIdx(alignments)} {
		if d := floats.Distance(split.X[n*len(x):(n+1)*len(x)], x, 2); d < distance {
			sample, distance = n, d
		}
	}
	return sample, distance
}

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

// climber computes cos²(g(x), v) at one point, and its slope there.
type climber struct {
	point   *models.Point
	g, u    []float64
	ascent  []float64 // ∇ₓ cos²(g(x), v)
	dot, sq float64   // g·v and g·g
}

func newClimber(m models.Model, s models.ObjectiveSettings) (*climber, error) {
	p, err := models.NewPoint(m, s)
	if err != nil {
		return nil, err
	}
	return &climber{point: p, g: make([]float64, p.Dim()), u: make([]float64, p.Dim()), ascent: make([]float64, p.Width())}, nil
}

// alignment moves to x and returns cos²(g(x), v); 0 where g vanishes.
func (c *climber) alignment(ctx context.Context, v, x []float64) (float64, error) {
	if _, err := c.point.Gradient(ctx, c.g, x); err != nil {
		return 0, fmt.Errorf("margin: alignment at a point: %w", err)
	}
	c.dot, c.sq = floats.Dot(c.g, v), floats.Dot(c.g, c.g)
	if c.sq == 0 {
		return 0, nil
	}
	return c.dot * c.dot / c.sq, nil
}

// slope sets ascent, at the point of the last alignment:
//
//	∇ₓ (g·v)²/(g·g) = (∂g/∂x)ᵀ·u,   u = 2(g·v)/(g·g)·v − 2(g·v)²/(g·g)²·g
func (c *climber) slope(ctx context.Context, v []float64) error {
	clear(c.ascent)
	if c.sq == 0 {
		return nil
	}
	floats.ScaleTo(c.u, 2*c.dot/c.sq, v)
	floats.AddScaled(c.u, -2*c.dot*c.dot/(c.sq*c.sq), c.g)
	return c.point.Pull(ctx, c.ascent, c.u)
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
