package boundary_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
)

func moons(t *testing.T) *datasets.Split {
	t.Helper()
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train, err := data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	return train
}

func scaledMLP(t *testing.T, factor float64) *models.MLP {
	t.Helper()
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{9, 8}, Classes: 3}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	last := m.Parameters()[4].Value.Float64s()
	floats.Scale(factor, last)
	return m
}

// The naive gradients are those of the cross-entropy with the predictions as
// labels.
func TestReinforcingGradientsEqualNaiveOnes(t *testing.T) {
	ctx := context.Background()
	split, m := moons(t), scaledMLP(t, 1)
	r, err := boundary.NewReinforcing(ctx, m, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	directions, err := r.Directions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	predicted := *split
	predicted.Labels = r.Predicted
	naive, err := models.NewObjective(m, models.CrossEntropy, &predicted, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	unit := mat.DenseCopyOf(directions)
	if err := naive.SampleGradients(ctx, func(n int, g []float64) error {
		floats.ScaleTo(unit.RawRowView(n), 1/floats.Norm(g, 2), g)
		norm := floats.Norm(g, 2)
		if want := r.Factors[n] * r.Norms[n]; math.Abs(norm-want) > 1e-13*want {
			t.Errorf("sample %d: norm %v, naive %v", n, want, norm)
		}
		if cos := floats.Dot(g, directions.RawRowView(n)) / norm; math.Abs(cos-1) > 1e-13 {
			t.Errorf("sample %d: cosine with the naive gradient %v", n, cos)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	gram, err := r.Gram(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var cosines mat.Dense
	cosines.Mul(unit, unit.T())
	if !mat.EqualApprox(gram, &cosines, 1e-13) { // rounding
		t.Error("the Gram matrix differs from the cosines of naive gradients")
	}
	p := models.Size(m)
	for _, width := range []int{1 << 20, p, p - 1, 50} {
		if gram, err = boundary.GramBy(r, ctx, width); err != nil || !mat.EqualApprox(gram, &cosines, 1e-13) {
			t.Errorf("by slices of %d of %d parameters: another Gram matrix, error %v", width, p, err)
		}
	}
}

// Gradients of kernels are computed again where all of them take more than 1 GiB.
func TestGramPasses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dense, err := models.NewMLP(models.MLPConfig{Input: 200, Hidden: []int{300}, Classes: 3}, rng)
	if err != nil {
		t.Fatal(err)
	}
	lenet, err := network.New(network.LeNet5(10), network.Settings{}, rng)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		m             models.Model
		samples, want int
	}{{dense, 1000, 1}, {dense, 1_000_000, 1}, {lenet, 1000, 1}, {lenet, 4000, 2}, {lenet, 22_000, 11}} {
		if got := boundary.GramPasses(test.m, test.samples); got != test.want {
			t.Errorf("%d samples of %d parameters: %d passes, want %d", test.samples, models.Size(test.m), got, test.want)
		}
	}
}

// Panels of fewer gradients than there are samples, and than are projected at once in
// a small network, give the same alignments as second sweeps.
func TestAlignOfALargeNetwork(t *testing.T) {
	ctx := t.Context()
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{500, 500}, Classes: 3}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	split, err := moons(t).Draw(50, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := boundary.NewReinforcing(ctx, m, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := curvature.Solve(ctx, curvature.Hessian{Objective: o}, curvature.Settings{Method: curvature.Lanczos, Top: 2, Bottom: -1, Tolerance: 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := r.Align(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.Alignments(ctx, s.Top.Vectors)
	if err != nil {
		t.Fatal(err)
	}
	if !mat.EqualApprox(pairs.Alignments, want, 1e-12) { // rounding
		t.Errorf("alignments differ from those by second sweeps")
	}
}

// Logits a thousand times as large make p round to 1 and the naive gradients
// vanish; the directions are those of the limit, and still of length 1.
func TestReinforcingGradientsOfConfidentSamples(t *testing.T) {
	ctx := context.Background()
	split, m := moons(t), scaledMLP(t, 1e5)
	r, err := boundary.NewReinforcing(ctx, m, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	directions, err := r.Directions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	vanished := 0
	for n, factor := range r.Factors {
		if factor < 1e-17 {
			vanished++
		}
		if norm := floats.Norm(directions.RawRowView(n), 2); math.Abs(norm-1) > 1e-14 {
			t.Errorf("sample %d: direction of length %v", n, norm)
		}
	}
	if vanished < split.Len()/2 {
		t.Fatalf("only %d of %d naive gradients vanish; the test wants a more confident net", vanished, split.Len())
	}
	vectors := mat.NewDense(2, directions.RawMatrix().Cols, nil)
	for i := range 2 {
		copy(vectors.RawRowView(i), directions.RawRowView(3*i))
	}
	a, err := r.Alignments(ctx, vectors)
	if err != nil {
		t.Fatal(err)
	}
	var want mat.Dense
	want.Mul(directions, vectors.T())
	if !mat.EqualApprox(a, &want, 1e-12) {
		t.Error("alignments by second sweeps differ from inner products of the directions")
	}
	gram, err := r.Gram(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for n := range split.Len() {
		if math.Abs(gram.At(n, n)-1) > 1e-13 {
			t.Errorf("Gram matrix: entry %d, %d is %v, want 1", n, n, gram.At(n, n))
		}
	}
}
