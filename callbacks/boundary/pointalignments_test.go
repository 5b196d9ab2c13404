package boundary_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/models"
)

// linear returns a classifier in the plane with the logits ±(x₀ + x₁/2 + 1/5).
func linear(t *testing.T) *models.MLP {
	t.Helper()
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Classes: 2}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	copy(m.Parameters()[0].Value.Float64s(), []float64{1, 0.5, -1, -0.5})
	copy(m.Parameters()[1].Value.Float64s(), []float64{0.2, -0.2})
	return m
}

// Of a linear classifier of two classes, g(x) is parallel to ±(e₁ − e₀) ⊗ (x, 1).
// So the alignment with (e₀ − e₁)/√2 ⊗ u is ∓⟨u, (x, 1)⟩/‖(x, 1)‖.
func TestAlignAtLinear(t *testing.T) {
	s := math.Sqrt2 / 2
	basis := [][]float64{{1, 0, 0}, {0, 0.6, 0.8}, {0, -0.8, 0.6}}
	vectors := mat.NewDense(3, 6, nil)
	for i, u := range basis {
		vectors.SetRow(i, []float64{s * u[0], s * u[1], -s * u[0], -s * u[1], s * u[2], -s * u[2]})
	}
	x := []float64{0, 0, 3, -1, -2, 0.5, -0.2 + 1e-9, 0, 1e3, 1e3}
	p, err := boundary.AlignAt(t.Context(), linear(t), x, vectors, 2, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if rows, columns := p.Values.Dims(); rows != 5 || columns != 3 || len(p.Predicted) != 5 {
		t.Fatalf("%d × %d alignments and %d predictions of 5 points with 3 vectors", rows, columns, len(p.Predicted))
	}
	const rounding = 1e-14
	for n := range 5 {
		x0, x1 := x[2*n], x[2*n+1]
		logit, predicted, sign := x0+x1/2+0.2, 0, -1.0
		if logit < 0 {
			predicted, sign = 1, 1
		}
		energy := 0.0
		for i, u := range basis {
			want := sign * (u[0]*x0 + u[1]*x1 + u[2]) / math.Sqrt(x0*x0+x1*x1+1)
			if have := p.Values.At(n, i); math.Abs(have-want) > rounding {
				t.Errorf("point %d: A%d is %v, want %v", n, i+1, have, want)
			}
			if i < 2 {
				energy += want * want
			}
		}
		if p.Predicted[n] != predicted || math.Abs(p.Gaps[n]-2*math.Abs(logit)) > rounding*math.Max(1, math.Abs(logit)) {
			t.Errorf("point %d: class %d, gap %v; want %d, %v", n, p.Predicted[n], p.Gaps[n], predicted, 2*math.Abs(logit))
		}
		if math.Abs(p.OutlierEnergy[n]-energy) > rounding {
			t.Errorf("point %d: energy %v, want %v", n, p.OutlierEnergy[n], energy)
		}
	}
}

// At the samples, all is as of Align.
func TestAlignAtSamples(t *testing.T) {
	split, m := moons(t), scaledMLP(t, 3)
	objective, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := curvature.Solve(t.Context(), curvature.Hessian{Objective: objective}, curvature.Settings{Method: curvature.Dense, Top: 4})
	if err != nil {
		t.Fatal(err)
	}
	r, err := boundary.NewReinforcing(t.Context(), m, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.Align(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	// All eigenvectors, so that the energies are 1.
	rank := s.Resolved.Len()
	p, err := boundary.AlignAt(t.Context(), m, split.X, s.Resolved.Vectors(0, rank), rank, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if !mat.EqualApprox(p.Values, want.Alignments, 1e-12) { // rounding of P products
		t.Error("the alignments differ from those of Align")
	}
	for n, class := range r.Predicted {
		if p.Predicted[n] != class || !(p.Gaps[n] > 0) || math.Abs(p.OutlierEnergy[n]-1) > 1e-6 {
			t.Errorf("sample %d: class %d, gap %v, energy %v; want %d, a positive gap, and 1", n, p.Predicted[n], p.Gaps[n], p.OutlierEnergy[n], class)
		}
	}
}

func TestAlignAtRefuses(t *testing.T) {
	for _, test := range []struct {
		x        []float64
		vectors  *mat.Dense
		outliers int
		want     string
	}{
		{nil, mat.NewDense(1, 6, nil), 1, "alignments at 0 values: want points of 2 values, at least one"},
		{[]float64{1, 2, 3}, mat.NewDense(1, 6, nil), 1, "alignments at 3 values: want points of 2 values"},
		{[]float64{1, 2}, mat.NewDense(1, 6, nil), 2, "2 outliers among 1 eigenvectors"},
		{[]float64{1, 2}, mat.NewDense(1, 5, nil), 1, "vectors of 5 values: want 6"},
	} {
		_, err := boundary.AlignAt(t.Context(), linear(t), test.x, test.vectors, test.outliers, models.ObjectiveSettings{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}
