package margin

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Eigenvector is an estimate of the margin from eigenvectors of the Hessian
// (arXiv:2306.07104). Let x_b be a point whose reinforcing gradient is aligned with
// an eigenvector v as well as possible, cos²(g(x_b), v) → max. The estimate is the
// distance from x_b to the nearer of two samples: those with the largest and the
// smallest alignment with v. The idea is that x_b lies on the section of the
// boundary that v distinguishes, and that the two samples lie on its two sides.
// Trust the distances that [Measure] finds rather than this estimate.
type Eigenvector struct {
	Value     float64   `json:"value"`     // ‖x_b − x_n‖
	Vector    int       `json:"vector"`    // rank of the eigenvalue of v: 1 is the largest
	Sample    int       `json:"sample"`    // n
	Point     []float64 `json:"point"`     // x_b
	Alignment float64   `json:"alignment"` // cos²(g, v) at its maximum
	Gap       float64   `json:"gap"`       // difference of the two largest logits at x_b; 0 on the boundary
	Starts    int       `json:"starts"`    // number of maximisations, over all vectors
	Steps     int       `json:"steps"`     // steps of the maximisation that was kept
	// Excess is Value divided by the margin that Measure finds, minus 1; nil if that
	// margin is 0 or there is none. Compare sets it.
	Excess *float64 `json:"excess"`
}

// Compare sets Excess from the margin that Measure has found.
func (e *Eigenvector) Compare(direct Summary) {
	if e != nil && direct.Min != nil && *direct.Min > 0 {
		excess := e.Value / *direct.Min - 1
		e.Excess = &excess
	}
}

// gapAt returns the difference of the two largest logits at x.
func gapAt(ctx context.Context, field *models.Field, x []float64) (float64, error) {
	z := make([]float64, field.Classes())
	err := field.Logits(ctx, z, x)
	a := floats.MaxIdx(z)
	return z[a] - z[rival(z, a)], err
}

// nearerExtreme returns, of the two samples with the largest and the smallest
// alignment, the one nearer to x, and its distance.
func nearerExtreme(split *datasets.Split, alignments, x []float64) (sample int, distance float64) {
	distance = math.Inf(1)
	row := make([]float64, len(x))
	for _, n := range []int{floats.MaxIdx(alignments), floats.MinIdx(alignments)} {
		datasets.CopyRow(row, split, n)
		if d := floats.Distance(row, x, 2); d < distance {
			sample, distance = n, d
		}
	}
	return sample, distance
}
