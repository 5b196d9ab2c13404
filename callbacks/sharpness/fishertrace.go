package sharpness

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Estimate is a measured number and its standard error.
type Estimate struct {
	Value float64
	Error float64
}

// FisherTrace measures the trace of the Fisher information of p = softmax f,
//
//	tr F = (1/N) Σₙ E_{y∼p(·|xₙ)} ‖∇θ log p(y|xₙ)‖²,
//
// with labels from the model and not from the data. F is the Gauss-Newton matrix of
// the cross-entropy, so tr F is the trace of the Hessian without the curvature of
// the network itself, and about that trace where all samples are learned.
type FisherTrace struct {
	objective  *models.Objective
	classes    int
	logits     []float64
	cotangents []float64 // N × C
	norms      []float64 // of one pass
	traces     []float64 // of each sample
}

// NewFisherTrace prepares the measurement of m on split.
func NewFisherTrace(m models.Model, split *datasets.Split, s models.ObjectiveSettings) (*FisherTrace, error) {
	o, err := models.NewPullback(m, split, s)
	if err != nil {
		return nil, err
	}
	n := split.Len()
	return &FisherTrace{
		objective: o, classes: m.Classes(), logits: make([]float64, n*m.Classes()),
		cotangents: make([]float64, n*m.Classes()), norms: make([]float64, n), traces: make([]float64, n),
	}, nil
}

// Measure returns the trace at the current parameters of the model. The expectation
// over labels is exact, by C − 1 gradients of each sample. The error is that of the
// drawing of the samples from so many, and zero if these are all.
func (f *FisherTrace) Measure(ctx context.Context, of int) (Estimate, error) {
	if err := f.objective.Refresh(); err != nil {
		return Estimate{}, err
	}
	if err := f.objective.Logits(ctx, f.logits); err != nil {
		return Estimate{}, err
	}
	clear(f.traces)
	order := make([]int, f.classes)
	for j := range f.classes - 1 {
		for n := range f.traces {
			row := n * f.classes
			factor(f.cotangents[row:row+f.classes], f.logits[row:row+f.classes], j, order)
		}
		if err := f.objective.SetCotangents(f.cotangents); err != nil {
			return Estimate{}, err
		}
		if err := f.objective.SquaredGradientNorms(ctx, f.norms); err != nil {
			return Estimate{}, err
		}
		floats.Add(f.traces, f.norms)
	}
	return Estimate{stat.Mean(f.traces, nil), sampling(f.traces, of)}, nil
}

// factor sets dst to column j of a matrix B with BBᵀ = diag p − ppᵀ, p the softmax of
// the logits z. With the classes in descending order of p, and the sums sⱼ = Σ_{c≥j} p_c,
// which do not cancel where p is near 1,
//
//	B_jj = √(p_j·s_{j+1}/s_j),   B_cj = −B_jj·p_c/s_{j+1} for c > j.
//
// order is room for the order of the classes.
func factor(dst, z []float64, j int, order []int) {
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(z[b], z[a]) })
	clear(dst)
	largest, own := z[order[0]], z[order[j]]
	total, rest := 0.0, 0.0 // Σ p/p₁ over all classes, and Σ p/p_j over those behind j
	for i, c := range order {
		total += math.Exp(z[c] - largest)
		if i > j {
			dst[c] = math.Exp(z[c] - own)
			rest += dst[c]
		}
	}
	if rest == 0 {
		return // what is left of p is one class, up to underflow
	}
	diagonal := math.Sqrt(math.Exp(own-largest) / total * rest / (1 + rest))
	floats.Scale(-diagonal/rest, dst)
	dst[order[j]] = diagonal
}

// sampling is the standard error of the mean of values that were drawn, without
// replacement, from so many.
func sampling(values []float64, of int) float64 {
	n := float64(len(values))
	if len(values) >= of {
		return 0
	}
	if len(values) < 2 {
		return math.Inf(1)
	}
	return stat.StdDev(values, nil) * math.Sqrt((1-n/float64(of))/n)
}
