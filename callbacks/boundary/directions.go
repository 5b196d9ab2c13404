package boundary

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Interval bounds a number: Low ≤ number ≤ High.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Within reports whether the ends differ by no more than the factor 1 + width.
func (i Interval) Within(width float64) bool { return i.High <= (1+width)*i.Low }

// Middle is the geometric mean of the ends.
func (i Interval) Middle() float64 { return math.Sqrt(i.Low * i.High) }

// Directions says how many eigenvectors of the Hessian share the energy of the
// reinforcing gradients, by bounds that hold whatever the eigenvectors are that
// are not known.
type Directions struct {
	// All is 1/Σaᵢ² over all P eigenvectors.
	All Interval `json:"all"`
	// Participation is (Σaᵢ)²/Σaᵢ² over the resolvable ones alone: All times the
	// square of the share of the energy that is resolvable.
	Participation Interval `json:"participation"`
}

// Directions bounds the number of directions by the known pairs, and by the inner
// products of the unit gradients, N × N, as [Reinforcing.Gram] returns them.
//
// Let V be the q largest eigenvectors, q of the known ones, and B the sum of their
// aᵢ². What the others add is at least 0, and, since the squared diagonal of a
// matrix in any basis is at most its squared Frobenius norm, at most
//
//	F = ‖(I − VVᵀ) C (I − VVᵀ)‖²_F,   C = (1/N) Σ ĝₙĝₙᵀ,
//
// which the inner products tell. So 1/(B + F) ≤ All ≤ 1/B. Errors of the known
// vectors, by their residuals and distances, widen both bounds, and the best q is
// taken. Of the energy A of V and the rest, 1 − A, an unknown part t is resolvable:
// Participation lies between the least (A + t)²/(B + min(t², F)) and 1/B.
func (e *Eigenpairs) Directions(gram *mat.Dense) (*Directions, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	if e.Alignments == nil {
		return nil, errNoAlignments
	}
	n, k := e.Alignments.Dims()
	if rows, columns := gram.Dims(); rows != n || columns != n {
		return nil, fmt.Errorf("boundary: inner products of %d × %d gradients for alignments of %d samples", rows, columns, n)
	}
	trace := mat.Trace(gram)
	if !(trace > 0) {
		return nil, errors.New("boundary: no sample has a gradient")
	}
	o := e.order()
	clusters := o.clusters(nearby)
	projections := make([][]float64, len(clusters))
	for i, c := range clusters {
		projections[i] = o.projection(e.Alignments, c.first, c.last)
	}
	b := &directionBounds{
		ordered: o, alignments: e.Alignments, samples: trace, // samples without a gradient have no share
		clusters: clusters, projections: projections, errors: o.projectionErrors(clusters, projections),
	}
	b.project(gram)
	d := b.bound(k)
	return &d, nil
}

// directionBounds adds one cluster after the other to what is known.
type directionBounds struct {
	*ordered
	alignments  *mat.Dense
	samples     float64
	clusters    []cluster
	projections [][]float64
	errors      []float64

	inner           *mat.Dense // AᵀA/N, with the alignments A, N × k
	images          []float64  // of each column a of A, aᵀCa/N
	rest            float64    // ‖(I − VVᵀ)C(I − VVᵀ)‖²_F
	energy, squares Interval   // of the clusters added so far: Σaᵢ and Σaᵢ²
	residual        float64    // the norm of their residuals
}

// slack is for rounding in sums over samples and eigenvectors, and restSlack in what
// remains of a squared norm of at most 1 when those of all of them are subtracted.
const (
	slack     = 1e-9
	restSlack = 1e-13
)

// project computes what the norm of the rest follows from, for any number of vectors.
func (b *directionBounds) project(gram *mat.Dense) {
	norm := mat.Norm(gram, 2) / b.samples
	b.rest = norm * norm
	_, k := b.alignments.Dims()
	var products mat.Dense
	products.Mul(gram, b.alignments)
	b.images = make([]float64, k)
	for n := range products.RawMatrix().Rows {
		floats.Add(b.images, floats.MulTo(make([]float64, k), b.alignments.RawRowView(n), products.RawRowView(n)))
	}
	floats.Scale(1/(b.samples*b.samples), b.images)
	b.inner = mat.NewDense(k, k, nil)
	b.inner.Mul(b.alignments.T(), b.alignments)
	b.inner.Scale(1/b.samples, b.inner)
}

func (b *directionBounds) bound(k int) Directions {
	// P numbers with the sum 1 have squares of the sum 1/P at least.
	d := Directions{All: Interval{1 / b.rest * (1 - slack), float64(b.parameters)}}
	d.Participation = Interval{0, d.All.High}
	for i := range b.clusters {
		if b.errors[i] >= 1 { // as of the last cluster above the unknown ones, which may be next to it
			break
		}
		b.add(i)
		if b.squares.Low <= 0 {
			continue
		}
		rest := b.restBound(i)
		d.All = d.All.intersect(Interval{1 / (b.squares.High + rest), 1 / b.squares.Low})
		d.Participation = d.Participation.intersect(Interval{b.leastParticipation(rest), 1 / b.squares.Low})
	}
	return d
}

func (i Interval) intersect(j Interval) Interval {
	return Interval{math.Max(i.Low, j.Low*(1-slack)), math.Min(i.High, j.High*(1+slack))}
}

// add adds cluster i to the known vectors.
func (b *directionBounds) add(i int) {
	c := b.clusters[i]
	size := float64(c.size())
	root := math.Sqrt(floats.Dot(b.projections[i], b.projections[i]) / b.samples) // √Σaᵢ over the cluster
	low, high := math.Max(0, root-b.errors[i]), math.Min(1, root+b.errors[i])
	low, high = low*low, high*high
	b.energy.Low += low
	b.energy.High += high
	// H determines the cluster's space and not its basis: the squares are those of
	// equal shares at least, and of one vector with all at most.
	b.squares.Low += low * low / size
	b.squares.High += high * high
	b.residual = math.Hypot(b.residual, floats.Norm(b.residuals[c.first:c.last], 2))
	// With R = C − Σ bbᵀ/N over the columns b so far,
	// ‖R − aaᵀ/N‖² = ‖R‖² − 2 aᵀRa/N + (aᵀa/N)².
	for i := c.first; i < c.last; i++ {
		a := b.columns[i]
		image := b.images[a]
		for _, earlier := range b.columns[:i] {
			image -= b.inner.At(a, earlier) * b.inner.At(a, earlier)
		}
		b.rest += b.inner.At(a, a)*b.inner.At(a, a) - 2*image
	}
}

// restBound returns an upper bound of what the eigenvectors behind cluster i add
// to the sum of squares.
func (b *directionBounds) restBound(i int) float64 {
	frobenius := math.Sqrt(math.Max(b.rest, 0) + restSlack)
	distance := b.unknownDistance(b.clusters[i])
	if i+1 < len(b.clusters) {
		distance = math.Min(distance, b.distance(b.clusters[i], b.clusters[i+1]))
	}
	sine := 1.0 // of the angle between the known vectors' space and the true one
	if distance > b.residual {
		sine = b.residual / distance
	}
	// With X the gradients outside the known space and E what the angle turns into
	// or out of it, ‖(X + E)ᵀ(X + E)‖ ≤ ‖XᵀX‖ + 2‖X‖₂‖E‖ + ‖E‖².
	bound := math.Min(1, frobenius+2*math.Sqrt(frobenius)*sine+sine*sine)
	return bound * bound
}

// leastParticipation is the least (A + t)²/(B + min(t², F)) for 0 ≤ t ≤ 1 − A. As a
// function of t it rises to a maximum at B/A and falls, as long as t² < F, and
// rises behind that: it is least at an end of either part.
func (b *directionBounds) leastParticipation(rest float64) float64 {
	a, squares := b.energy.Low, b.squares.High
	t := math.Min(math.Sqrt(rest), math.Max(0, 1-a))
	return math.Min(a*a/squares, (a+t)*(a+t)/(squares+t*t))
}
