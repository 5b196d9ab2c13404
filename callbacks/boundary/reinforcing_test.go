package boundary_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
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
