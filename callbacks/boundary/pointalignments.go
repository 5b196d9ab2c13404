package boundary

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// PointAlignments holds the alignments of eigenvectors with the reinforcing
// gradients at n points of input space. The sign of an eigenvector is arbitrary,
// and g points the other way on the other side of a boundary: only the sizes of
// alignments can be compared between points.
type PointAlignments struct {
	Predicted []int // ŷ of each point
	// Gaps are f_ŷ − max_{c≠ŷ} f_c: how far each point is from the boundary on the
	// scale of the logits.
	Gaps []float64
	// Values has Aᵢ(x) = ⟨vᵢ, g(x)⟩/‖g(x)‖, n × k. The row of a point without a
	// gradient is zero.
	Values *mat.Dense
	// OutlierEnergy is Σᵢ Aᵢ(x)² over the outliers, from 0 to 1: the share of ‖g(x)‖²
	// in the space of their eigenvectors. It does not depend on which basis of this
	// space the vectors are.
	OutlierEnergy []float64
}

// AlignAt returns the alignments at the points x, n × d row-major, with the rows
// of vectors, k × P, which are orthonormal; the first ones are those of the
// outliers. The points need no labels. It costs one gradient for each point and a
// sweep for each vector, and stores no gradient.
func AlignAt(ctx context.Context, m models.Model, x []float64, vectors *mat.Dense, outliers int, s models.ObjectiveSettings) (*PointAlignments, error) {
	width := tensor.Shape(m.InputShape()).TotalSize()
	n := len(x) / width
	if n == 0 || len(x) != n*width {
		return nil, fmt.Errorf("boundary: alignments at %d values: want points of %d values, at least one", len(x), width)
	}
	if k, _ := vectors.Dims(); outliers < 0 || outliers > k {
		return nil, fmt.Errorf("boundary: %d outliers among %d eigenvectors", outliers, k)
	}
	r, err := NewReinforcing(ctx, m, &datasets.Split{Name: "points", X: x, Labels: make([]int, n)}, s)
	if err != nil {
		return nil, err
	}
	return r.AtSamples(ctx, vectors, outliers)
}

// AtSamples returns the same as AlignAt, at the samples.
func (r *Reinforcing) AtSamples(ctx context.Context, vectors *mat.Dense, outliers int) (*PointAlignments, error) {
	values, err := r.Alignments(ctx, vectors)
	if err != nil {
		return nil, err
	}
	n := len(r.Predicted)
	p := &PointAlignments{Predicted: r.Predicted, Values: values, Gaps: make([]float64, n), OutlierEnergy: make([]float64, n)}
	for i, predicted := range r.Predicted {
		z := r.logits[i*r.classes : (i+1)*r.classes]
		p.Gaps[i] = z[predicted] - math.Max(maxOf(z[:predicted]), maxOf(z[predicted+1:]))
		known := values.RawRowView(i)[:outliers]
		p.OutlierEnergy[i] = floats.Dot(known, known)
	}
	return p, nil
}

// maxOf returns the largest value, or −∞ if there is none.
func maxOf(values []float64) float64 {
	if len(values) == 0 {
		return math.Inf(-1)
	}
	return floats.Max(values)
}
