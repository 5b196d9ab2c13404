package models_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// blobs is a split of n random samples of the given width around class means.
func blobs(n, width, classes int, seed uint64) *datasets.Split {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := &datasets.Split{Name: "train"}
	for i := range n {
		s.Labels = append(s.Labels, i%classes)
		s.Index = append(s.Index, i)
		for j := range width {
			s.X = append(s.X, rng.NormFloat64()+float64((i%classes)*(j+1)))
		}
	}
	return s
}

func newMLP(t rapid.TB, c models.MLPConfig) *models.MLP {
	t.Helper()
	m, err := models.NewMLP(c, rand.New(rand.NewPCG(3, 4)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newObjective(t rapid.TB, m models.Model, loss models.Loss, split *datasets.Split, workers int) *models.Objective {
	t.Helper()
	o, err := models.NewObjective(m, loss, split, models.ObjectiveSettings{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// move adds h·v to the parameters and tells the objective.
func move(t testing.TB, o *models.Objective, m models.Model, v []float64, h float64) {
	t.Helper()
	for _, p := range m.Parameters() {
		d := p.Value.Float64s()
		floats.AddScaled(d, h, v[:len(d)])
		v = v[len(d):]
	}
	if err := o.Refresh(); err != nil {
		t.Fatal(err)
	}
}

func normal(n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func product(t rapid.TB, o *models.Objective, v []float64) []float64 {
	t.Helper()
	dst := mat.NewDense(1, len(v), nil)
	if err := o.HessianProducts(context.Background(), dst, mat.NewDense(1, len(v), v)); err != nil {
		t.Fatal(err)
	}
	return dst.RawRowView(0)
}

func gradient(t testing.TB, o *models.Objective) ([]float64, float64) {
	t.Helper()
	g := make([]float64, o.Dim())
	loss, err := o.Gradient(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	return g, loss
}

// The Hessian-vector product is compared with the five-point central
// difference of the gradient, the gradient with that of the loss, for every
// activation and depths 1 to 4.
func TestDerivativesOfMLPs(t *testing.T) {
	ctx := context.Background()
	split := blobs(41, 3, 3, 1)
	for _, activation := range []models.Activation{
		models.ReLU, models.LeakyReLU, models.Tanh, models.Sigmoid, models.Softplus, models.GELU,
	} {
		for depth := 1; depth <= 4; depth++ {
			for _, loss := range []models.Loss{models.CrossEntropy, models.SquaredError} {
				t.Run(fmt.Sprint(activation, depth, loss), func(t *testing.T) {
					hidden := []int{7, 6, 5}[:depth-1]
					m := newMLP(t, models.MLPConfig{Input: 3, Hidden: hidden, Classes: 3, Activation: activation})
					o := newObjective(t, m, loss, split, 1)
					v := normal(o.Dim(), 5)
					floats.Scale(1/floats.Norm(v, 2), v)
					exact := product(t, o, v)
					exact = append([]float64(nil), exact...)
					g, _ := gradient(t, o)

					// Small enough that no ReLU changes sides; the error of the
					// formula is about 1e-16/h relative to the gradient.
					const h = 1e-5
					quotient := make([]float64, o.Dim())
					slope := 0.0
					for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
						move(t, o, m, v, s.at*h)
						gs, value := gradient(t, o)
						floats.AddScaled(quotient, s.weight/(12*h), gs)
						slope += s.weight / (12 * h) * value
						move(t, o, m, v, -s.at*h)
					}
					if e := math.Abs(slope-floats.Dot(g, v)) / floats.Norm(g, 2); e > 1e-8 {
						t.Errorf("gradient: relative error %.2g", e)
					}
					floats.Sub(quotient, exact)
					if e := floats.Norm(quotient, 2) / floats.Norm(exact, 2); e > 1e-8 {
						t.Errorf("H·v: relative error %.2g", e)
					}

					u := normal(o.Dim(), 6)
					floats.Scale(1/floats.Norm(u, 2), u)
					hu := product(t, o, u)
					scale := math.Max(floats.Norm(exact, 2), floats.Norm(hu, 2)) // a lower bound of λ₁
					if d := math.Abs(floats.Dot(u, exact) - floats.Dot(v, hu)); d > 1e-12*scale {
						t.Errorf("uᵀHv − vᵀHu = %.2g, ‖H·‖ = %.2g", d, scale)
					}

					slopes := make([]float64, o.Samples())
					if err := o.Slopes(ctx, row(slopes), row(v)); err != nil {
						t.Fatal(err)
					}
					if d := math.Abs(floats.Sum(slopes)/float64(o.Samples()) - floats.Dot(g, v)); d > 1e-14 {
						t.Errorf("mean slope differs from ∇L·v by %.2g", d)
					}
				})
			}
		}
	}
}

func TestSlopesAreThoseOfSingleSamples(t *testing.T) {
	split := blobs(9, 2, 3, 2)
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3, Activation: models.Tanh})
	o := newObjective(t, m, models.CrossEntropy, split, 1)
	v := normal(o.Dim(), 7)
	slopes := make([]float64, o.Samples())
	if err := o.Slopes(context.Background(), row(slopes), row(v)); err != nil {
		t.Fatal(err)
	}
	for i := range slopes {
		one, err := split.Subset([]int{i})
		if err != nil {
			t.Fatal(err)
		}
		g, _ := gradient(t, newObjective(t, m, models.CrossEntropy, one, 1))
		if want := floats.Dot(g, v); math.Abs(slopes[i]-want) > 1e-13*math.Abs(want) {
			t.Errorf("sample %d: %g, want %g", i, slopes[i], want)
		}
	}
}

// results are everything an objective computes, in one slice.
func results(t *testing.T, m models.Model, split *datasets.Split, workers int) []float64 {
	t.Helper()
	o := newObjective(t, m, models.CrossEntropy, split, workers)
	e, err := o.Evaluate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	g, loss := gradient(t, o)
	all := append([]float64{e.Loss, e.Accuracy, loss}, g...)
	const k = 3
	dst, src := mat.NewDense(k, o.Dim(), nil), mat.NewDense(k, o.Dim(), normal(k*o.Dim(), 8))
	if err := o.HessianProducts(context.Background(), dst, src); err != nil {
		t.Fatal(err)
	}
	slopes := make([]float64, o.Samples())
	if err := o.Slopes(context.Background(), row(slopes), row(src.RawRowView(0))); err != nil {
		t.Fatal(err)
	}
	return append(append(all, dst.RawMatrix().Data...), slopes...)
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	// Neither number of samples is a multiple of the chunk.
	for _, n := range []int{1000, 9001} {
		split := blobs(n, 3, 3, 3)
		hidden := []int{8, 8}
		if n == 1000 { // wide enough for packed weights, which the workers share
			hidden = []int{40, 30}
		}
		m := newMLP(t, models.MLPConfig{Input: 3, Hidden: hidden, Classes: 3})
		want := results(t, m, split, 1)
		for _, workers := range []int{2, 5} {
			got := results(t, m, split, workers)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%d samples, %d workers: result %d is %v, with one worker %v", n, workers, i, got[i], want[i])
				}
			}
		}
	}
}

func TestChunksAddUpToTheWhole(t *testing.T) {
	split := blobs(301, 3, 3, 4)
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8}, Classes: 3})
	got, loss := gradient(t, newObjective(t, m, models.CrossEntropy, split, 2))
	want, wantLoss := make([]float64, len(got)), 0.0
	for i := range split.Len() {
		one, err := split.Subset([]int{i})
		if err != nil {
			t.Fatal(err)
		}
		g, l := gradient(t, newObjective(t, m, models.CrossEntropy, one, 1))
		floats.AddScaled(want, 1/float64(split.Len()), g)
		wantLoss += l / float64(split.Len())
	}
	if math.Abs(loss-wantLoss) > 1e-14*wantLoss {
		t.Errorf("loss %v, want %v", loss, wantLoss)
	}
	if !floats.EqualApprox(got, want, 1e-14) {
		t.Error("gradient is not the mean of the samples' gradients")
	}
}

func TestFloat32ModelIsMeasuredInFloat64(t *testing.T) {
	split := blobs(50, 3, 3, 5)
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8}, Classes: 3, Precision: tensor.Float32})
	wide := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8}, Classes: 3})
	if err := models.Import(wide.Parameters(), models.Export(m.Parameters())); err != nil {
		t.Fatal(err)
	}
	got, _ := gradient(t, newObjective(t, m, models.CrossEntropy, split, 1))
	want, _ := gradient(t, newObjective(t, wide, models.CrossEntropy, split, 1))
	if !floats.Equal(got, want) {
		t.Error("the float64 gradient of a float32 model differs from that of its float64 copy")
	}
}

func TestNotFiniteLossNamesTheSample(t *testing.T) {
	split := blobs(10, 2, 2, 6)
	split.X[7*2] = math.NaN()
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 2})
	_, err := newObjective(t, m, models.CrossEntropy, split, 1).Evaluate(context.Background())
	if !errors.Is(err, models.ErrNotFinite) {
		t.Fatalf("error %v, want ErrNotFinite", err)
	}
	if want := `models: the loss of sample 7 of split "train" is NaN: not finite`; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestObjectiveCanBeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 2})
	o := newObjective(t, m, models.CrossEntropy, blobs(1000, 2, 2, 6), 2)
	if _, err := o.Evaluate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := o.Evaluate(context.Background()); err != nil {
		t.Errorf("after a cancelled evaluation: %v", err)
	}
}

func TestDataThatDoesNotFit(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 2})
	for name, split := range map[string]*datasets.Split{
		"width":  blobs(10, 3, 2, 1),
		"labels": blobs(10, 2, 3, 1),
		"empty":  {Name: "train"},
	} {
		if _, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// row returns v as a matrix of one row.
func row(v []float64) *mat.Dense { return mat.NewDense(1, len(v), v) }
