package boundary

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/models/weights"
)

// alignRows is how many gradients are held at once: enough for their products
// with the eigenvectors to be matrix products.
const alignRows = 64

// NewEigenpairs returns what is known of a spectrum's resolvable pairs, without
// alignments.
func NewEigenpairs(s *curvature.Spectrum) *Eigenpairs {
	e := &Eigenpairs{
		Values: s.Resolved.Values, Residuals: s.Resolved.Residuals,
		Parameters: s.Dim, Complete: s.Resolved.Complete,
	}
	for _, v := range s.Top.Values {
		if slices.Contains(e.Values, v) { // is resolvable
			e.Top++
		}
	}
	return e
}

// Measurable reports whether there is anything to measure: some curvature is
// positive, and the largest is known.
func (e *Eigenpairs) Measurable() bool {
	return len(e.Values) > 0 && slices.Max(e.Values) > 0 && (e.Complete || e.Top > 0)
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

// Align returns what is known of a spectrum's resolvable pairs, with the
// alignments of all samples. It costs a pass of one sample each, and holds few
// gradients at a time.
func (r *Reinforcing) Align(ctx context.Context, s *curvature.Spectrum) (*Eigenpairs, error) {
	e, space := NewEigenpairs(s), s.Resolved
	if space.Len() == 0 {
		return e, nil
	}
	samples := len(r.Norms)
	e.Alignments = mat.NewDense(samples, space.Len(), nil)
	panel := mat.NewDense(min(alignRows, samples), s.Dim, nil)
	err := r.each(ctx, func(n int, direction []float64) {
		copy(panel.RawRowView(n%alignRows), direction)
		if filled := n%alignRows + 1; filled == alignRows || n == samples-1 {
			part := panel.Slice(0, filled, 0, s.Dim).(*mat.Dense)
			e.Alignments.Slice(n+1-filled, n+1, 0, space.Len()).(*mat.Dense).Copy(space.Project(part))
		}
	})
	return e, err
}
