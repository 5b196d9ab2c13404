package boundary

import (
	"context"
	"math"
	"runtime"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Reinforcing computes the reinforcing gradients of the samples of a split,
//
//	g(x) = ∇θ cross-entropy(f(x), ŷ(x)),   ŷ(x) = argmax f(x), the first maximum,
//
// the gradients of the loss with the prediction as the label. For a confident
// sample g underflows in float64. Its direction, which is all that alignments
// need, does not: with q the softmax over the classes other than ŷ,
//
//	g(x) = (1 − p_ŷ)·Jᵀ(q − e_ŷ).
//
// The direction and the factor 1 − p_ŷ are computed separately.
type Reinforcing struct {
	// Predicted is ŷ of each sample.
	Predicted []int
	// Factors are 1 − p_ŷ = 1/(1 + exp(z_ŷ − log Σ_{c≠ŷ} exp z_c)).
	Factors []float64
	// Norms are ‖Jᵀ(q − e_ŷ)‖₂; multiplied by Factors they are ‖g‖₂. Every method
	// that goes through the gradients sets them.
	Norms []float64

	classes   int
	objective *models.Objective
	logits    []float64
	normed    bool // whether Norms belong to the current parameters
}

// NewReinforcing prepares the reinforcing gradients of m on split, and computes
// Predicted and Factors. The settings are those of the objective whose curvature
// the gradients are compared with.
func NewReinforcing(ctx context.Context, m models.Model, split *datasets.Split, s models.ObjectiveSettings) (*Reinforcing, error) {
	s.Memory = 1 // slopes along all vectors are computed by one call, so that keeping passes would pay for nothing
	o, err := models.NewPullback(m, split, s)
	if err != nil {
		return nil, err
	}
	n := split.Len()
	r := &Reinforcing{
		Predicted: make([]int, n), Factors: make([]float64, n), Norms: make([]float64, n),
		classes: m.Classes(), objective: o, logits: make([]float64, n*m.Classes()),
	}
	return r, r.Refresh(ctx)
}

// ReinforcingMemory returns about how many bytes the gradients of so many samples by so
// many parameters take, when they have been computed, besides the samples.
func ReinforcingMemory(samples, parameters int) float64 {
	const vectors = 2.2 // a worker; measured on a network of 3 million parameters
	return vectors * 8 * float64(min(runtime.GOMAXPROCS(0), samples)) * float64(parameters)
}

// Refresh takes over the current parameters of the model.
func (r *Reinforcing) Refresh(ctx context.Context) error {
	if err := r.objective.Refresh(); err != nil {
		return err
	}
	if err := r.objective.Logits(ctx, r.logits); err != nil {
		return err
	}
	cotangents := make([]float64, len(r.logits))
	for n := range r.Predicted {
		row := n * r.classes
		r.Predicted[n], r.Factors[n] = reinforce(cotangents[row:row+r.classes], r.logits[row:row+r.classes])
	}
	r.normed = false
	return r.objective.SetCotangents(cotangents)
}

// each sets Norms, and calls visit with the unit gradient of every sample, in
// order. The direction is valid during the call only; it is zero for a sample
// without a gradient.
func (r *Reinforcing) each(ctx context.Context, visit func(n int, direction []float64)) error {
	err := r.objective.SampleGradients(ctx, func(n int, g []float64) error {
		r.Norms[n] = floats.Norm(g, 2)
		if r.Norms[n] > 0 {
			floats.Scale(1/r.Norms[n], g)
		}
		visit(n, g)
		return nil
	})
	r.normed = err == nil
	return err
}

// reinforce sets dst to q − e_ŷ for logits z, and returns ŷ and 1 − p_ŷ.
func reinforce(dst, z []float64) (predicted int, factor float64) {
	predicted = floats.MaxIdx(z)
	copy(dst, z)
	dst[predicted] = math.Inf(-1)
	others := floats.LogSumExp(dst)
	for c := range dst {
		dst[c] = math.Exp(dst[c] - others)
	}
	dst[predicted] = -1
	return predicted, 1 / (1 + math.Exp(z[predicted]-others))
}

// Directions returns the unit reinforcing gradients ĝ as rows, N × P: all of
// them at once, in 8·N·P bytes. The row of a sample without a gradient
// (‖Jᵀ(q − e_ŷ)‖ = 0) is zero.
func (r *Reinforcing) Directions(ctx context.Context) (*mat.Dense, error) {
	g := mat.NewDense(len(r.Norms), r.objective.Dim(), nil)
	err := r.each(ctx, func(n int, direction []float64) { copy(g.RawRowView(n), direction) })
	return g, err
}

const seedBytes = 1 << 29 // bounds the memory of Seeds

// Seeds returns unit reinforcing gradients as rows: those of all samples, or of
// evenly spaced ones if all would take more than half a gigabyte. They are good
// starting vectors of a block Krylov space: it soon contains every resolvable
// eigenvector that gradients are aligned with.
func (r *Reinforcing) Seeds(ctx context.Context) (*mat.Dense, error) {
	n, p := len(r.Norms), r.objective.Dim()
	stride := seedStride(n, p)
	seeds := mat.NewDense((n+stride-1)/stride, p, nil)
	err := r.each(ctx, func(n int, direction []float64) {
		if n%stride == 0 {
			copy(seeds.RawRowView(n/stride), direction)
		}
	})
	return seeds, err
}

// SeedMemory returns how many bytes the Seeds of so many samples take.
func SeedMemory(samples, parameters int) float64 {
	return 8 * float64(samples) * float64(parameters) / float64(seedStride(samples, parameters))
}

// seedStride says that every so-manyth sample is a seed.
func seedStride(samples, parameters int) int {
	return max(1, (8*samples*parameters+seedBytes-1)/seedBytes)
}
