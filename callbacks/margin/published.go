package margin

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// The paper finds its point by gradient descent on (1 − cos²(g(x), v₁))², with
// weight decay on x.
const (
	paperSteps = 20_000
	paperRate  = 0.01
	paperDecay = 1e-3
)

// Published returns the estimate as the paper computes it: from the first
// eigenvector only, by gradient descent from one random point, whose end is taken
// for a boundary point without a check. It may rank networks in the wrong order.
// The vectors are the eigenvectors of the largest eigenvalues, k × P; the
// alignments are those of the samples of split, N × k.
func Published(ctx context.Context, m models.Model, split *datasets.Split, vectors, alignments *mat.Dense, seed uint64, s models.ObjectiveSettings) (*Eigenvector, error) {
	alignment, err := newSquaredAlignment(m, s)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 0x7061706572))
	width, err := split.Width()
	if err != nil {
		return nil, err
	}
	x := make([]float64, width)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	v := vectors.RawRowView(0)
	found := &Eigenvector{Vector: 1, Starts: 1}
	for found.Steps < paperSteps {
		if found.Alignment, err = alignment.at(ctx, v, x); err != nil {
			return nil, err
		}
		if err := alignment.differentiate(ctx, v); err != nil {
			return nil, err
		}
		found.Steps++
		moved := 0.0
		for i, slope := range alignment.gradient {
			step := paperRate * (2*(1-found.Alignment)*slope - paperDecay*x[i])
			x[i] += step
			moved = max(moved, math.Abs(step))
		}
		if moved < 1e-13 {
			break
		}
	}
	found.Point = x
	field, err := models.NewField(m, models.ObjectiveSettings{Precision: s.Precision, Workers: 1})
	if err != nil {
		return nil, err
	}
	if found.Gap, err = gapAt(ctx, field, x); err != nil {
		return nil, err
	}
	found.Sample, found.Value = nearerExtreme(split, mat.Col(nil, 0, alignments), x)
	return found, nil
}
