package boundary

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Alignments returns the alignment of every sample with every row of vectors,
// N × k: A[n][i] = ⟨vᵢ, g(xₙ)⟩/‖g(xₙ)‖ for unit vectors vᵢ. It costs a
// second sweep for each vector, and stores no gradient.
func (r *Reinforcing) Alignments(ctx context.Context, vectors *mat.Dense) (*mat.Dense, error) {
	k, p := vectors.Dims()
	if p != r.objective.Dim() {
		return nil, fmt.Errorf("boundary: alignments with vectors of %d values: want %d, as the gradients have", p, r.objective.Dim())
	}
	if !r.normed {
		if err := r.objective.SquaredGradientNorms(ctx, r.Norms); err != nil {
			return nil, err
		}
		for n, square := range r.Norms {
			r.Norms[n] = math.Sqrt(square)
		}
		r.normed = true
	}
	slopes := mat.NewDense(k, len(r.Norms), nil)
	if err := r.objective.Slopes(ctx, slopes, vectors); err != nil {
		return nil, err
	}
	a := mat.NewDense(len(r.Norms), k, nil)
	for n, norm := range r.Norms {
		for i := range k {
			if norm > 0 {
				a.Set(n, i, slopes.At(i, n)/norm)
			}
		}
	}
	return a, nil
}

// Align holds up to alignRows gradients at once: enough for their products with the
// eigenvectors to be matrix products. If they take more than alignBytes, they are no
// more than the eigenvectors, which take as much: each product reads all of these.
const (
	alignRows  = 64
	alignBytes = 1 << 26
)

// alignedAtOnce returns how many gradients of p values are projected on k eigenvectors
// at once.
func alignedAtOnce(samples, k, p int) int {
	return min(samples, alignRows, max(k, alignBytes/(8*p)))
}

// AlignMemory returns about how many bytes Align takes besides the spectrum and what
// r holds, for so many samples, pairs and parameters.
func AlignMemory(samples, pairs, parameters int) float64 {
	const gradients = 2 // that of the sample, and a copy
	return 8 * float64(gradients+alignedAtOnce(samples, pairs, parameters)) * float64(parameters)
}

// Align returns the resolvable pairs of a spectrum with the alignments of all
// samples. It computes one gradient a sample, and holds few of them at a time.
func (r *Reinforcing) Align(ctx context.Context, s *curvature.Spectrum) (*Eigenpairs, error) {
	e, space := NewEigenpairs(s), s.Resolved
	if space.Len() == 0 {
		return e, nil
	}
	samples := len(r.Norms)
	e.Alignments = mat.NewDense(samples, space.Len(), nil)
	rows := alignedAtOnce(samples, space.Len(), s.Dim)
	panel := mat.NewDense(rows, s.Dim, nil)
	err := r.each(ctx, func(n int, direction []float64) {
		copy(panel.RawRowView(n%rows), direction)
		if filled := n%rows + 1; filled == rows || n == samples-1 {
			part := panel.Slice(0, filled, 0, s.Dim).(*mat.Dense)
			e.Alignments.Slice(n+1-filled, n+1, 0, space.Len()).(*mat.Dense).Copy(space.Project(part))
		}
	})
	return e, err
}

// Arrays returns the alignments for a .npz file: alignments (N, k), of every
// sample with the eigenvectors of aligned_values (k), in order; predicted (N);
// and factors and norms (N), whose products are the norms of the reinforcing
// gradients.
func (r *Reinforcing) Arrays(e *Eigenpairs) []weights.Array {
	n, k := len(r.Norms), len(e.Values)
	predicted := make([]float64, n)
	for i, class := range r.Predicted {
		predicted[i] = float64(class)
	}
	return []weights.Array{
		{Name: "aligned_values", Shape: []int{k}, Data: e.Values},
		{Name: "alignments", Shape: []int{n, k}, Data: e.Alignments.RawMatrix().Data},
		{Name: "predicted", Shape: []int{n}, Data: predicted},
		{Name: "factors", Shape: []int{n}, Data: r.Factors},
		{Name: "norms", Shape: []int{n}, Data: r.Norms},
	}
}
