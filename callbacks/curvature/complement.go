package curvature

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// complement has what m random vectors tell about H on the orthogonal complement of a
// space. Let P be the projection on the complement, d its dimension, and z a random
// vector, uniform on the sphere of radius √d in it. Then
//
//	E zᵀHz = tr PHP,   E ‖Hz‖² = ‖HP‖_F².
//
// This is Hutchinson's estimator of the deflated H, as in Hutch++ (Meyer, Musco,
// Musco & Woodruff 2021). There the deflated space is that of a random sketch. Here
// it is spanned by the eigenvectors found, which leaves less variance.
//
// The sample variance says little about the errors where few eigenvalues dominate: the
// samples are then like χ² variables with few degrees of freedom, and their variance is
// underestimated whenever their mean is. But the variances are known functions of H. On
// the sphere, for a symmetric matrix M on the complement and M̃ = M − (tr M/d)·I,
//
//	Var zᵀMz = 2d/(d + 2)·‖M̃‖_F².
//
// So ‖M̃‖_F² is estimated by the mean of ‖M̃z‖² for M = H, and by that of (zᵢᵀM̃zⱼ)² over
// the pairs i < j for M = PH²P. This takes no more products.
type complement struct {
	vectors *mat.Dense // multiples of z as rows; nil if the space is all of ℝⁿ
	images  []float64  // norms of H times these

	samples   int
	mean      float64 // of zᵀHz
	deviation float64 // standard deviation of zᵀHz for one z
	square    float64 // mean of ‖Hz‖²

	// concentration is κ in Var ‖Hz‖² = 2κ‖HP‖_F⁴. It is 0 if all eigenvalues have the
	// same magnitude, and nearly 1 if there is only one: 1/κ is the number of eigenvalues
	// that share ‖HP‖_F².
	concentration float64
}

// probe applies H to count random vectors orthogonal to the basis.
func probe(ctx context.Context, op Operator, b *basis, rng *rand.Rand, count int) (*complement, error) {
	d := b.n - b.k
	if d == 0 || count == 0 {
		return &complement{}, nil
	}
	vectors := gaussianRows(rng, count, b.n)
	b.project(vectors, 0)
	b.project(vectors, 0)
	images := mat.NewDense(count, b.n, nil)
	if err := applyFinite(ctx, op, images, vectors); err != nil {
		return nil, err
	}
	return newComplement(d, vectors, images), nil
}

// newComplement takes at least two random vectors of any norm, isotropic in the
// complement of dimension d, and their images.
func newComplement(d int, vectors, images *mat.Dense) *complement {
	count, _ := vectors.Dims()
	c := &complement{vectors: vectors, images: norms(images), samples: count}
	unit := floats.Max(c.images) // so that squares do not overflow
	if unit == 0 {
		return c
	}
	m, dim := float64(count), float64(d)
	scale := norms(vectors)           // z over the vector
	y := mat.DenseCopyOf(images)      // Hz/unit
	squares := make([]float64, count) // ‖y‖²
	mean, square := 0.0, 0.0
	for i, norm := range scale {
		scale[i] = math.Sqrt(dim) / norm
		row := y.RawRowView(i)
		floats.Scale(1/unit, row)
		floats.Scale(scale[i], row)
		squares[i] = floats.Dot(row, row)
		square += squares[i] / m
		mean += scale[i] * floats.Dot(vectors.RawRowView(i), row) / m
	}
	sum, total := 0.0, 0.0
	for i := range count {
		for j := range i {
			product := floats.Dot(y.RawRowView(i), y.RawRowView(j)) / square
			identity := scale[i] * scale[j] * floats.Dot(vectors.RawRowView(i), vectors.RawRowView(j)) / dim
			sum += math.Pow(product-identity, 2)
			total += squares[i] / square * squares[j] / square
		}
	}
	c.concentration = min(dim/(dim+2)*sum/total, 1)
	variance := 0.0
	for i := range count {
		row := y.RawRowView(i)
		floats.AddScaled(row, -mean/dim*scale[i], vectors.RawRowView(i))
		variance += 2 * dim / (dim + 2) * floats.Dot(row, row) / m
	}
	variance /= 1 - 2/(m*(dim+2)) // as mean is an estimate, which takes its variance/d off ‖M̃z‖²
	c.mean, c.square, c.deviation = mean*unit, square*unit*unit, math.Sqrt(variance)*unit
	return c
}

// trace returns an estimate of tr PHP whose Low and High enclose it with the given
// probability. They come from Student's t-distribution. As the variance is proportional
// to the mean of ‖Hz‖², its effective degrees of freedom (Satterthwaite 1946) are m/κ.
func (c *complement) trace(level float64) Estimate {
	m := float64(c.samples)
	deviation := c.deviation / math.Sqrt(m)
	width := deviation * student(m/c.concentration, level)
	return Estimate{Value: c.mean, Error: deviation, Samples: c.samples, Low: c.mean - width, High: c.mean + width}
}

// squaredNorm returns an estimate of ‖HP‖_F² whose Low and High enclose it with the given
// probability. The distribution of the mean of ‖Hz‖² over ‖HP‖_F² is taken to be that of
//
//	1 − γ + γ·χ²/k   with γ = ∛κ and k = m/γ degrees of freedom,
//
// as if a share γ were due to a few equal eigenvalues, and the rest to so many small ones
// that it does not vary. It has the true variance, 2κ/m. So has χ²/k with k = m/κ, but with
// less skewness than typical spectra give. As κ is an estimate, quantiles are taken further
// out, by as much as those of Student's t-distribution with m/(1 − κ)² degrees of freedom
// are beyond those of a normal one. At κ = 1 no spread is left to estimate. γ and
// these degrees of freedom were chosen by the coverage of many spectra, see the tests.
func (c *complement) squaredNorm(level float64) Estimate {
	e := Estimate{Value: c.square, Samples: c.samples, Low: c.square, High: c.square}
	if c.concentration == 0 {
		return e
	}
	m := float64(c.samples)
	e.Error = c.square * math.Sqrt(2*c.concentration/m)
	share := math.Cbrt(c.concentration)
	upper := distuv.UnitNormal.CDF(student(m/math.Pow(1-c.concentration, 2), level))
	χ2 := distuv.ChiSquared{K: m / share}
	e.Low *= 1 - share + share*χ2.K/χ2.Quantile(upper)
	e.High *= 1 - share + share*χ2.K/χ2.Quantile(1-upper)
	return e
}

// student returns how many standard deviations hold a variable with the given
// probability to either side, if the square of the deviation has that many degrees of
// freedom.
func student(freedom, level float64) float64 {
	if freedom > 1e6 { // the two agree to six digits, and the quantile of the other soon fails
		return distuv.UnitNormal.Quantile((1 + level) / 2)
	}
	return distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile((1 + level) / 2)
}

// bound returns an upper bound of ‖HP‖₂ that holds with probability 1 − 10⁻ˢ for s
// samples (Halko, Martinsson & Tropp 2011, lemma 4.1, with α = 10).
func (c *complement) bound() float64 {
	largest := 0.0
	for _, norm := range c.images {
		largest = max(largest, norm)
	}
	return 10 * math.Sqrt(2/math.Pi) * largest
}
