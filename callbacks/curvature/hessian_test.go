package curvature_test

import (
	"context"
	"math"
	"os"
	"slices"
	"testing"

	"codeberg.org/sbinet/npyio"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// The paper's network on its Gaussian set, with the weights of the reference
// implementation: 10,703 parameters, 150 samples.
const gaussNormal = "testdata/gauss_normal.npz"

// objectiveOf is the loss, on the Gaussian set, of the network with the weights
// in a file.
func objectiveOf(t testing.TB, file string, workers int) *models.Objective {
	t.Helper()
	model, err := models.LoadMLP(file, models.ReLU)
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
	return o
}

func TestHessianOfTheGaussianNet(t *testing.T) {
	ctx := context.Background()
	o := objectiveOf(t, gaussNormal, 0)
	gradient := make([]float64, o.Dim())
	loss, err := o.Gradient(ctx, gradient)
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
	s, err := curvature.Solve(ctx, curvature.Hessian{Objective: o}, curvature.Settings{Tolerance: 1e-10})
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

// sampleGradients returns the loss gradients of all samples as rows.
func sampleGradients(t testing.TB, o *models.Objective) *mat.Dense {
	t.Helper()
	g := mat.NewDense(o.Samples(), o.Dim(), nil)
	if err := o.SampleGradients(context.Background(), func(n int, gradient []float64) error {
		g.SetRow(n, gradient)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return g
}

// All resolvable pairs of a network small enough for a full decomposition, with
// and without seeds.
func TestReducedOfAGaussianNet(t *testing.T) {
	o := objectiveOf(t, "testdata/gauss_small.npz", 0)
	f, err := os.Open("testdata/gauss_small_eigenvalues.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []float64
	if err := npyio.Read(f, &all); err != nil {
		t.Fatal(err)
	}
	λ1 := all[len(all)-1]
	want := slices.Clone(all)
	slices.Reverse(want)
	want = slices.DeleteFunc(want, func(v float64) bool { return math.Abs(v) <= 1e-10*λ1 })
	for name, seeds := range map[string]*mat.Dense{"seeds": sampleGradients(t, o), "none": nil} {
		s, err := curvature.Solve(context.Background(), curvature.Hessian{Objective: o}, curvature.Settings{Method: curvature.Reduced, Seeds: seeds})
		if err != nil {
			t.Fatal(err)
		}
		if !s.Converged || s.Resolved.Len() != len(want) {
			t.Fatalf("%s: converged %v, %d resolved pairs, want %d", name, s.Converged, s.Resolved.Len(), len(want))
		}
		for i, v := range s.Resolved.Values {
			if math.Abs(v-want[i]) > 1e-13*λ1 { // rounding; 1e-10 would do
				t.Errorf("%s: value %d is %v, want %v", name, i, v, want[i])
			}
		}
		if trace := floats.Sum(all); math.Abs(s.Trace.Value-trace) > s.Trace.Error+1e-13*λ1 || s.Trace.Error > 1e-12*trace {
			t.Errorf("%s: trace %+v, want %v", name, *s.Trace, trace)
		}
		if norm := floats.Norm(all, 2); math.Abs(s.Frobenius.Value-norm) > 1e-13*norm {
			t.Errorf("%s: Frobenius norm %+v, want %v", name, *s.Frobenius, norm)
		}
	}
}

// BenchmarkReduced finds all 1,158 resolvable pairs of 10,703, with the sample
// gradients as seeds, on one worker.
func BenchmarkReduced(b *testing.B) {
	b.Run("gauss", func(b *testing.B) {
		o := objectiveOf(b, gaussNormal, 1)
		h := curvature.Hessian{Objective: o}
		settings := curvature.Settings{Method: curvature.Reduced, Seeds: sampleGradients(b, o)}
		b.ReportAllocs()
		for b.Loop() {
			s, err := curvature.Solve(context.Background(), h, settings)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Basis), "basis")
			b.ReportMetric(float64(s.Resolved.Len()), "pairs")
		}
	})
}

// BenchmarkTop10 finds the ten largest eigenpairs to 1e-10·λ₁ from a random
// start, on one worker.
func BenchmarkTop10(b *testing.B) {
	b.Run("gauss", func(b *testing.B) {
		h := curvature.Hessian{Objective: objectiveOf(b, gaussNormal, 1)}
		b.ReportAllocs()
		for b.Loop() {
			s, err := curvature.Solve(context.Background(), h, curvature.Settings{Bottom: -1, Tolerance: 1e-10})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Applications), "Hv")
		}
	})
}

// BenchmarkDense computes the Hessian of 1,113 parameters and all its eigenpairs,
// on one worker.
func BenchmarkDense(b *testing.B) {
	b.Run("gauss_small", func(b *testing.B) {
		h := curvature.Hessian{Objective: objectiveOf(b, "testdata/gauss_small.npz", 1)}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := curvature.Solve(context.Background(), h, curvature.Settings{Method: curvature.Dense}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
