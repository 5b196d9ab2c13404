package curvature_test

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// gaussHessian is the Hessian of the paper's network on its Gaussian set:
// 10,703 parameters, 150 samples, weights of the reference implementation.
func gaussHessian(t testing.TB, workers int) curvature.Hessian {
	t.Helper()
	model, err := models.LoadMLP("testdata/gauss_normal.npz", models.ReLU)
	if err != nil {
		t.Fatal(err)
	}
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train, err := data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	o, err := models.NewObjective(model, models.CrossEntropy, train, models.ObjectiveSettings{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return curvature.Hessian{Objective: o}
}

func TestHessianOfTheGaussianNet(t *testing.T) {
	ctx := context.Background()
	h := gaussHessian(t, 0)
	gradient := make([]float64, h.Dim())
	loss, err := h.Gradient(ctx, gradient)
	if err != nil {
		t.Fatal(err)
	}
	// Expected values: full decomposition by the reference implementation.
	for what, c := range map[string]struct{ got, want float64 }{
		"loss":          {loss, 0.0005964963901478878},
		"gradient norm": {floats.Norm(gradient, 2), 0.002381623163294252},
	} {
		if math.Abs(c.got-c.want) > 1e-10*c.want {
			t.Errorf("%s = %v, want %v", what, c.got, c.want)
		}
	}
	s, err := curvature.Solve(ctx, h, curvature.Settings{Tolerance: 1e-10})
	if err != nil {
		t.Fatal(err)
	}
	if s.Method != curvature.Lanczos || !s.Converged || s.Applications > 150 {
		t.Errorf("%v, converged %v, %d H·v; want lanczos, converged, at most 150", s.Method, s.Converged, s.Applications)
	}
	check := func(end string, got, want []float64) {
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-10*s.Top.Values[0] {
				t.Errorf("%s[%d] = %v, want %v", end, i, got[i], want[i])
			}
		}
	}
	check("top", s.Top.Values, []float64{
		0.11315055515067572,
		0.023396651706594895,
		0.008887742405321277,
		0.0058843541996500045,
		0.004881729310823612,
		0.0022345682794180145,
		0.0019867956825629918,
		0.0016861823650960548,
		0.0012492570465577227,
		0.0011739352777501968,
	})
	check("bottom", s.Bottom.Values, []float64{
		-0.0016869720840486195,
		-0.0011986242670131357,
		-0.0011575032906511748,
		-0.0011534517671041701,
		-0.0010537925059403816,
	})
}

// BenchmarkTop10 finds the ten largest eigenpairs to 1e-10·λ₁ from a random
// start, on one worker.
func BenchmarkTop10(b *testing.B) {
	b.Run("gauss", func(b *testing.B) {
		h := gaussHessian(b, 1)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := curvature.Solve(context.Background(), h, curvature.Settings{Bottom: -1, Tolerance: 1e-10}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
