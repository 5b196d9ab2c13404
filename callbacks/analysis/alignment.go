package analysis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// AlignmentSettings are options of the alignments at points of input space; the
// zero value means the defaults.
type AlignmentSettings struct {
	// Vectors is the least number of top eigenvectors, which must be known. Those of
	// the outliers are always taken, and C − 1 if so many are known.
	Vectors int
	// Points are the inputs at which alignments are computed, n × d row-major; none
	// if empty.
	Points []float64
	// Seed is that of the random points, and of the search for boundary points.
	Seed uint64
	// Progress, if set, is called during the searches for the boundary with the work
	// done so far and the total.
	Progress func(done, total int)
}

// Alignment is the part of a Result about the alignments of the top eigenvectors
// with the gradients on and off the decision boundary. The paper's main claim is
// that the outliers' eigenvectors are aligned with the gradients near the boundary.
type Alignment struct {
	Vectors  int `json:"vectors"`  // k
	Outliers int `json:"outliers"` // number of these eigenvectors that span the outlier space

	// Boundary is over the nearest boundary points of samples. The value at each is
	// the mean of both sides, where the point is displaced by 1e-6 of its distance.
	Boundary AlignmentMeans `json:"boundary"`
	// Samples is over the samples of the split.
	Samples AlignmentMeans `json:"samples"`
	// Far is over random points of the samples' bounding box: the farther half, by
	// their distances to the boundary.
	Far AlignmentMeans `json:"far"`
	// FarDistance is the least distance of these points to the boundary; nil if no
	// boundary was found from any.
	FarDistance *float64 `json:"far_distance"`

	// At has the alignments at the points that were asked for; nil if there are none.
	At *boundary.PointAlignments `json:"-"`
}

// AlignmentMeans describes the alignments in a group of points.
type AlignmentMeans struct {
	Points int  `json:"points"`
	Energy Mean `json:"energy"` // of Σᵢ Aᵢ² over the outliers
	First  Mean `json:"first"`  // of |A₁|
}

// Mean is a mean over points.
type Mean struct {
	Value *float64 `json:"value"` // nil if there are no points
	Error *float64 `json:"error"` // standard error, for independent points; nil if there are fewer than two
}

func newMean(values []float64) (m Mean) {
	if len(values) > 0 {
		m.Value = new(stat.Mean(values, nil))
	}
	if n := float64(len(values)); n > 1 {
		m.Error = new(stat.StdDev(values, nil) / math.Sqrt(n))
	}
	return m
}

// newAlignmentMeans averages over groups of as many consecutive points, and then
// over the groups.
func newAlignmentMeans(p *boundary.PointAlignments, group int) AlignmentMeans {
	n := len(p.Predicted) / group
	energies, firsts := make([]float64, n), make([]float64, n)
	for i := range n * group {
		energies[i/group] += p.OutlierEnergy[i] / float64(group)
		firsts[i/group] += math.Abs(p.Values.At(i, 0)) / float64(group)
	}
	return AlignmentMeans{n, newMean(energies), newMean(firsts)}
}

// alignmentPoints is the number of samples whose boundary points are searched if
// the margin is not requested, and of random points.
const alignmentPoints = 200

// align measures the alignments on and off the boundary, and at the points asked
// for. The boundary points are those of distances, or are searched if it is nil.
func (m *Measurement) align(ctx context.Context, outliers *boundary.Outliers, distances *margin.Distances, s AlignmentSettings) (*Alignment, error) {
	vectors, err := m.topVectors(outliers, s.Vectors)
	if err != nil {
		return nil, err
	}
	gradients, err := m.Reinforcing(ctx)
	if err != nil {
		return nil, err
	}
	found := &Alignment{Vectors: vectors.RawMatrix().Rows, Outliers: outliers.Ratio.Count}
	onSamples, err := gradients.AtSamples(ctx, vectors, found.Outliers)
	if err != nil {
		return nil, err
	}
	found.Samples = newAlignmentMeans(onSamples, 1)
	a := m.analyzer
	field, err := models.NewField(a.Model, a.Settings)
	if err != nil {
		return nil, err
	}
	search := margin.Settings{Samples: alignmentPoints, Seed: s.Seed, Progress: s.Progress}
	if distances == nil {
		if distances, err = margin.Measure(ctx, field, a.Split, search); err != nil {
			return nil, err
		}
	}
	if both := sides(distances, a.Split); len(both) > 0 {
		onBoundary, err := boundary.AlignAt(ctx, a.Model, both, vectors, found.Outliers, a.Settings)
		if err != nil {
			return nil, err
		}
		found.Boundary = newAlignmentMeans(onBoundary, 2)
	}
	x, distance, err := farPoints(ctx, field, a.Split, search)
	if err != nil {
		return nil, err
	}
	if !math.IsInf(distance, 1) {
		found.FarDistance = &distance
	}
	farOff, err := boundary.AlignAt(ctx, a.Model, x, vectors, found.Outliers, a.Settings)
	if err != nil {
		return nil, err
	}
	found.Far = newAlignmentMeans(farOff, 1)
	if len(s.Points) > 0 {
		found.At, err = boundary.AlignAt(ctx, a.Model, s.Points, vectors, found.Outliers, a.Settings)
	}
	return found, err
}

// topVectors returns the eigenvectors of the largest eigenvalues, k × P: at least
// so many, and those of the outliers.
func (m *Measurement) topVectors(outliers *boundary.Outliers, least int) (*mat.Dense, error) {
	if outliers == nil {
		return nil, errors.New("no alignment with the top eigenvectors: no positive eigenvalue is known")
	}
	pairs := boundary.NewEigenpairs(m.Spectrum)
	known := pairs.Top
	if pairs.Complete {
		known = len(pairs.Values)
	}
	if least > known {
		return nil, fmt.Errorf("alignment with %d eigenvectors: those of the %d largest eigenvalues are known; want fewer vectors, or more eigenpairs", least, known)
	}
	k := max(least, outliers.Ratio.Count, min(m.analyzer.Model.Classes()-1, known))
	return m.Spectrum.Resolved.Vectors(0, k), nil
}

// displacement is the distance of a point from the boundary, relative to that of
// its sample.
const displacement = 1e-6

// sides returns for each boundary point one point on the sample's side and one
// beyond. The distances are those of samples of the split. A sample on the boundary
// has no direction, and is left out.
func sides(m *margin.Distances, split *datasets.Split) []float64 {
	width := len(m.Points) / len(m.Values)
	sample, step := make([]float64, width), make([]float64, width)
	var points []float64
	for i, row := range m.Rows {
		if m.Rivals[i] < 0 || m.Values[i] == 0 {
			continue
		}
		datasets.CopyRow(sample, split, row)
		end := m.Points[i*width : (i+1)*width]
		floats.SubTo(step, end, sample)
		for _, by := range []float64{-displacement, displacement} {
			points = append(points, end...)
			floats.AddScaled(points[len(points)-width:], by, step)
		}
	}
	return points
}

// farPoints draws points from the bounding box of the samples. It returns the half
// that is farther from the boundary, and the least distance among these, which is
// +Inf if no boundary was found from them.
func farPoints(ctx context.Context, field *models.Field, split *datasets.Split, search margin.Settings) (x []float64, distance float64, err error) {
	width := field.Width()
	sample := make([]float64, width)
	datasets.CopyRow(sample, split, 0)
	low, high := slices.Clone(sample), slices.Clone(sample)
	for row := range split.Len() {
		datasets.CopyRow(sample, split, row)
		for i, v := range sample {
			low[i], high[i] = min(low[i], v), max(high[i], v)
		}
	}
	rng := rand.New(rand.NewPCG(search.Seed, 0x616c69676e))
	drawn := make([]float64, alignmentPoints*width)
	for i := range drawn {
		drawn[i] = low[i%width] + rng.Float64()*(high[i%width]-low[i%width])
	}
	m, err := margin.Measure(ctx, field, &datasets.Split{
		Name: "random points", X: drawn, Labels: make([]int, alignmentPoints), Index: make([]int, alignmentPoints),
	}, search)
	if err != nil {
		return nil, 0, err
	}
	order := slices.Clone(m.Rows)
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(m.Values[i], m.Values[j]) })
	order = order[len(order)/2:]
	for _, i := range order {
		x = append(x, drawn[i*width:(i+1)*width]...)
	}
	return x, m.Values[order[0]], nil
}
