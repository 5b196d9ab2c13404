package margin

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

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
