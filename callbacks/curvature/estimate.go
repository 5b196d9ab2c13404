package curvature

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a measured number and the error it may have.
type Estimate struct {
	Value float64

	// Error bounds the error if Samples is zero. Else it is one standard error,
	// the standard deviation over Samples random vectors divided by √Samples:
	// with so few it is uncertain itself, which Interval takes into account.
	Error   float64
	Samples int
}

// Interval returns the bounds between which the true value lies with
// probability level: by Student's t-distribution with Samples − 1 degrees of
// freedom or, if Samples is zero, Value ± Error at any level.
func (e Estimate) Interval(level float64) (low, high float64) {
	width := e.Error
	if e.Samples > 1 {
		width *= distuv.StudentsT{Sigma: 1, Nu: float64(e.Samples - 1)}.Quantile((1 + level) / 2)
	}
	return e.Value - width, e.Value + width
}

// sampled returns the mean of at least two values as an estimate.
func sampled(values []float64) Estimate {
	scale := max(floats.Norm(values, math.Inf(1)), math.SmallestNonzeroFloat64)
	scaled := make([]float64, len(values)) // so that squares do not overflow
	for i, v := range values {
		scaled[i] = v / scale
	}
	mean, deviation := stat.MeanStdDev(scaled, nil)
	return Estimate{Value: mean * scale, Error: deviation / math.Sqrt(float64(len(values))) * scale, Samples: len(values)}
}

// complement is what random vectors, orthogonal to a space, saw of H: with P the
// orthogonal projection on its complement, of dimension d, and z uniform on the
// sphere of radius √d in it,
//
//	E zᵀHz = tr PHP,   E ‖Hz‖² = ‖HP‖_F².
//
// This is Hutchinson's estimator on what is left of H when the space is taken
// out, as in Hutch++ (Meyer, Musco, Musco & Woodruff 2021). There the space is
// that of a random sketch. Here it is that of the eigenvectors found, which
// leaves less variance.
type complement struct {
	vectors   *mat.Dense // z as rows; nil if the space is all of ℝⁿ
	quadratic []float64  // zᵀHz
	squares   []float64  // ‖Hz‖²
	images    []float64  // ‖Hg‖₂ of the Gaussian g that z was made of
}

func (c *complement) samples() int { return len(c.quadratic) }

// probe applies H to random vectors orthogonal to the basis.
func probe(ctx context.Context, op Operator, b *basis, rng *rand.Rand, count int) (*complement, error) {
	d := b.n - b.k
	c := &complement{}
	if d == 0 || count == 0 {
		return c, nil
	}
	c.vectors = gaussianRows(rng, count, b.n)
	b.project(c.vectors, 0)
	b.project(c.vectors, 0)
	images := mat.NewDense(count, b.n, nil)
	if err := applyFinite(ctx, op, images, c.vectors); err != nil {
		return nil, err
	}
	c.images = norms(images)
	for i, norm := range norms(c.vectors) {
		z, image := c.vectors.RowView(i), images.RowView(i)
		factor := float64(d) / (norm * norm)
		c.quadratic = append(c.quadratic, factor*mat.Dot(z, image))
		c.squares = append(c.squares, factor*c.images[i]*c.images[i])
	}
	return c, nil
}

// bound is not less than ‖HP‖₂ with probability 1 − 10⁻ˢ for s samples
// (Halko, Martinsson & Tropp 2011, lemma 4.1, with α = 10).
func (c *complement) bound() float64 {
	largest := 0.0
	for _, norm := range c.images {
		largest = max(largest, norm)
	}
	return 10 * math.Sqrt(2/math.Pi) * largest
}

// estimate sets Trace and Frobenius from what the projection T on a space has,
// its diagonal and ‖T‖_F, from the norm ‖PHQᵀ‖_F of what leads out of the space,
// and from what was seen outside. Where that is nothing to speak of, it is not
// added but bounds the error.
func (s *Spectrum) estimate(diagonal []float64, norm, coupling float64, outside *complement) {
	const unitRoundoff = 0x1p-53
	sum, magnitude := 0.0, 0.0
	for _, v := range diagonal {
		sum += v
		magnitude += math.Abs(v)
	}
	rounding := float64(len(diagonal)) * unitRoundoff
	trace := Estimate{Value: sum, Error: rounding * magnitude}
	square := Estimate{Value: norm*norm + coupling*coupling, Error: rounding * norm * norm}
	if outside.samples() > 0 {
		trace = trace.plus(sampled(outside.quadratic), s.Resolved.Complete)
		square = square.plus(sampled(outside.squares), s.Resolved.Complete)
	}
	root := math.Sqrt(square.Value)
	frobenius := Estimate{Value: root, Error: math.Sqrt(square.Value+square.Error) - root, Samples: square.Samples}
	s.Trace, s.Frobenius = &trace, &frobenius
}

// plus adds a sampled term, or, where it is negligible, makes it part of the
// error bound: at three standard errors.
func (e Estimate) plus(term Estimate, negligible bool) Estimate {
	if negligible {
		e.Error += math.Abs(term.Value) + 3*term.Error
		return e
	}
	return Estimate{Value: e.Value + term.Value, Error: math.Hypot(e.Error, term.Error), Samples: term.Samples}
}

func gaussianRows(rng *rand.Rand, count, n int) *mat.Dense {
	x := mat.NewDense(count, n, nil)
	for i := range count {
		row := x.RawRowView(i)
		for j := range row {
			row[j] = rng.NormFloat64()
		}
	}
	return x
}

func diagonal(t *mat.SymDense) []float64 {
	d := make([]float64, t.SymmetricDim())
	for i := range d {
		d[i] = t.At(i, i)
	}
	return d
}
