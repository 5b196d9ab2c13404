package boundary

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/symeig"
	"github.com/hessoscope/hessoscope/models"
)

// EffectiveRank is the number of directions that the reinforcing gradients of the
// samples spread over. With ĝₙ the unit gradients of N samples,
//
//	C = (1/N) Σₙ ĝₙĝₙᵀ,   tr C = 1
//
// has the eigenvalues μ, which are those of the N × N matrix (1/N)·⟨ĝₙ, ĝₘ⟩ and
// zeros. It is 1 if all gradients are parallel, and N if they are orthogonal. It
// needs neither eigenvectors of the Hessian nor a threshold.
type EffectiveRank struct {
	// Value is 1/tr C² = 1/Σμ².
	Value float64 `json:"value"`
	// Error is its standard error, which comes from drawing samples; zero if all
	// were taken.
	Error float64 `json:"error"`
	// Entropy is exp(−Σ μ ln μ), which counts small μ for more; nil if samples
	// were drawn: it grows with their number.
	Entropy *float64 `json:"entropy"`
	Samples int      `json:"samples"` // taken, of those that have a gradient
}

// gramBytes bounds the memory for gradients in Gram.
const gramBytes = 1 << 30

// Gram returns the inner products of the unit reinforcing gradients, N × N. A
// sample without a gradient has a row of zeros. Where the gradients of the model
// are outer products, as those of dense layers are, none is computed in full.
// Else they are computed as often as [GramPasses] tells.
func (r *Reinforcing) Gram(ctx context.Context) (*mat.Dense, error) {
	gram, err := r.objective.GradientGram(ctx)
	if errors.Is(err, models.ErrNoFactors) {
		return r.gramBy(ctx, gramWidth(len(r.Norms)))
	}
	if err != nil {
		return nil, err
	}
	scales := make([]float64, len(r.Norms)) // 1/‖g‖
	for n := range scales {
		if square := gram.At(n, n); square > 0 {
			scales[n] = 1 / math.Sqrt(square)
		}
	}
	for n, scale := range scales {
		row := gram.RawRowView(n)
		floats.Mul(row, scales)
		floats.Scale(scale, row)
	}
	return gram, nil
}

// GramPasses returns how many times Gram computes the gradient of each of so many
// samples of m: more than once only if m has kernels, whose gradients are no outer
// products, and if all gradients take more than a gigabyte.
func GramPasses(m models.Model, samples int) int {
	if !hasKernels(m) {
		return 1
	}
	width := gramWidth(samples)
	return (models.Size(m) + width - 1) / width
}

// gramWidth returns how many parameters a pass of Gram takes.
func gramWidth(samples int) int { return max(1, gramBytes/(8*max(1, samples))) }

// GramMemory returns about how many bytes Gram and what is computed of its result take,
// for so many samples of m.
func GramMemory(m models.Model, samples int) float64 {
	n, p := float64(samples), float64(models.Size(m))
	const matrices = 4               // N × N
	rows := 8 * n * 4 * math.Sqrt(p) // of the factors of gradients
	if hasKernels(m) {
		rows = math.Min(8*n*p, gramBytes)
	}
	return 8*matrices*n*n + rows
}

// hasKernels reports whether m has parameters of more than two axes.
func hasKernels(m models.Model) bool {
	return slices.ContainsFunc(m.Parameters(), func(p models.Parameter) bool { return p.Value.Dims() > 2 })
}

// gramBy adds up the inner products over slices of so many parameters, each with a
// pass over all samples.
func (r *Reinforcing) gramBy(ctx context.Context, width int) (*mat.Dense, error) {
	n, p := len(r.Norms), r.objective.Dim()
	part := mat.NewDense(n, min(width, p), nil)
	gram, product := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for from := 0; from < p; from += width {
		to := min(from+width, p)
		slice := part.Slice(0, n, 0, to-from).(*mat.Dense)
		if err := r.each(ctx, func(n int, direction []float64) { copy(slice.RawRowView(n), direction[from:to]) }); err != nil {
			return nil, err
		}
		product.Mul(slice, slice.T())
		gram.Add(gram, product)
	}
	return gram, nil
}

// NewEffectiveRank returns the effective rank of gradients by the inner products
// of the unit ones, as Gram returns them, of samples that were drawn from so many.
func NewEffectiveRank(gram *mat.Dense, of int) EffectiveRank {
	var with []int // samples that have a gradient
	for n := range gram.RawMatrix().Rows {
		if gram.At(n, n) > 0 {
			with = append(with, n)
		}
	}
	n := len(with)
	r := EffectiveRank{Samples: n}
	if n == 0 {
		return r
	}
	sums := make([]float64, n) // of squares over the other samples
	for i, row := range with {
		for _, column := range with {
			if column != row {
				sums[i] += gram.At(row, column) * gram.At(row, column)
			}
		}
	}
	total := float64(max(n, of*n/gram.RawMatrix().Rows)) // that have a gradient, of all
	mean := 0.0
	if n > 1 {
		mean = floats.Sum(sums) / float64(n*(n-1))
	}
	// tr C² of all samples: 1/N for each with itself, and the mean for the others,
	// which that of the samples drawn estimates without bias.
	square := 1/total + (1-1/total)*mean
	r.Value = 1 / square
	if float64(n) < total {
		r.Error = r.Value * r.Value * (1 - 1/total) * jackknife(sums, mean) * math.Sqrt(1-float64(n)/total)
		return r
	}
	r.Entropy = new(entropyRank(gram, with))
	return r
}

// jackknife is the standard error of a mean over pairs: sums are those of every
// sample's pairs with the others.
func jackknife(sums []float64, mean float64) float64 {
	n := float64(len(sums))
	if n < 3 {
		return mean
	}
	variance := 0.0
	for _, s := range sums {
		// The mean over pairs without the sample.
		without := (n*(n-1)*mean - 2*s) / ((n - 1) * (n - 2))
		variance += (without - mean) * (without - mean)
	}
	return math.Sqrt(variance * (n - 1) / n)
}

// entropyRank is exp(−Σ μ ln μ) for the eigenvalues μ of the mean outer product.
func entropyRank(gram *mat.Dense, with []int) float64 {
	n := len(with)
	k := mat.NewSymDense(n, nil)
	for i, row := range with {
		for j := i; j < n; j++ {
			k.SetSym(i, j, gram.At(row, with[j])/float64(n))
		}
	}
	decomposed, ok := symeig.Decompose(k)
	if !ok {
		return math.NaN()
	}
	entropy := 0.0
	for _, μ := range decomposed.Values {
		if μ > 0 {
			entropy -= μ * math.Log(μ)
		}
	}
	return math.Exp(entropy)
}
