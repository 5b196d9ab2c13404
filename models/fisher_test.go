package models_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

func fisherProduct(t *testing.T, o *models.Objective, v []float64) []float64 {
	t.Helper()
	dst := mat.NewDense(1, o.Dim(), nil)
	if err := o.EmpiricalFisherProducts(t.Context(), dst, mat.NewDense(1, o.Dim(), v)); err != nil {
		t.Fatal(err)
	}
	return dst.RawRowView(0)
}

// F·v is (1/N) Σ gₙ(gₙ·v) with the gradient of one sample after the other, over
// chunks of which the last is ragged, and over padded batches.
func TestFisherProductsAgainstSampleGradients(t *testing.T) {
	mlp := func(a models.Activation, hidden ...int) models.Model {
		return newMLP(t, models.MLPConfig{Input: 2, Hidden: hidden, Classes: 3, Activation: a})
	}
	for name, test := range map[string]struct {
		model models.Model
		loss  models.Loss
		only  []string
	}{
		"relu":                 {mlp(models.ReLU, 7, 5), models.CrossEntropy, nil},
		"gelu, squared":        {mlp(models.GELU, 6), models.SquaredError, nil},
		"linear":               {mlp(models.ReLU), models.CrossEntropy, nil},
		"one layer":            {mlp(models.Tanh, 7, 5), models.CrossEntropy, []string{"fc2"}},
		"somebody's own graph": {fromNodes(t, 32), models.CrossEntropy, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := models.NewObjective(test.model, test.loss, blobs(301, 2, 3, 1), models.ObjectiveSettings{Only: test.only})
			if err != nil {
				t.Fatal(err)
			}
			v := normal(o.Dim(), 2)
			want := make([]float64, o.Dim())
			if err := o.SampleGradients(t.Context(), func(_ int, g []float64) error {
				floats.AddScaled(want, floats.Dot(g, v)/float64(o.Samples()), g)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			got := fisherProduct(t, o, v)
			if e := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(e < 1e-14) {
				t.Errorf("relative error %.2g", e)
			}
		})
	}
}

func TestFisherProductsDoNotDependOnWorkers(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8, 8}, Classes: 3})
	for _, n := range []int{1000, 9001} { // 8 chunks, kept; 71, loaded in turn
		split := blobs(n, 3, 3, 3)
		v := normal(models.Size(m), 4)
		want := slices.Clone(fisherProduct(t, newObjective(t, m, models.CrossEntropy, split, 1), v))
		for _, workers := range []int{2, 5} {
			if !slices.Equal(fisherProduct(t, newObjective(t, m, models.CrossEntropy, split, workers), v), want) {
				t.Errorf("%d samples: %d workers give other products than one", n, workers)
			}
		}
	}
}

// The Fisher matrix has the non-zero eigenvalues of (1/N) K, with K the N × N inner
// products of the samples' gradients.
func TestFisherHasTheSpectrumOfTheGram(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{6}, Classes: 3, Activation: models.Tanh})
	const n = 25 // fewer than the 39 parameters
	o := newObjective(t, m, models.CrossEntropy, blobs(n, 2, 3, 5), 1)
	p := o.Dim()
	unit, f := mat.NewDense(p, p, nil), mat.NewDense(p, p, nil)
	for j := range p {
		unit.Set(j, j, 1)
	}
	if err := o.EmpiricalFisherProducts(t.Context(), f, unit); err != nil {
		t.Fatal(err)
	}
	gram, err := o.GradientGram(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gram.Scale(1./n, gram)
	ofF, ofGram := eigenvalues(t, f), eigenvalues(t, gram)
	for i, want := range ofGram {
		// Rounding, relative to the largest; the trace is that of the norms.
		if math.Abs(ofF[i]-want) > 1e-14*ofGram[0] {
			t.Errorf("eigenvalue %d is %g, of the inner products %g", i, ofF[i], want)
		}
	}
	for i, v := range ofF[n:] {
		if math.Abs(v) > 1e-14*ofF[0] {
			t.Errorf("eigenvalue %d is %g, want 0: there are %d samples", n+i, v, n)
		}
	}
}

// eigenvalues returns those of the symmetric matrix a in descending order.
func eigenvalues(t *testing.T, a *mat.Dense) []float64 {
	t.Helper()
	n, _ := a.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			if d := math.Abs(a.At(i, j) - a.At(j, i)); d > 1e-14*mat.Max(a) {
				t.Fatalf("entries (%d, %d) and (%d, %d) differ by %g", i, j, j, i, d)
			}
			s.SetSym(i, j, a.At(i, j))
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(s, false) {
		t.Fatal("no decomposition")
	}
	values := eigen.Values(nil)
	slices.Reverse(values)
	return values
}

// A float32 network is measured in float64, and a product that is not finite is an
// error.
func TestFisherOfFloat32AndOfNaN(t *testing.T) {
	split := blobs(50, 3, 3, 5)
	narrow := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8}, Classes: 3, Precision: tensor.Float32})
	wide := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8}, Classes: 3})
	if err := models.Import(wide.Parameters(), models.Export(narrow.Parameters())); err != nil {
		t.Fatal(err)
	}
	o := newObjective(t, narrow, models.CrossEntropy, split, 1)
	v := normal(o.Dim(), 6)
	if !slices.Equal(fisherProduct(t, o, v), fisherProduct(t, newObjective(t, wide, models.CrossEntropy, split, 1), v)) {
		t.Error("the product of a float32 network differs from that of its float64 copy")
	}
	v[0] = math.Inf(1)
	if err := o.EmpiricalFisherProducts(t.Context(), mat.NewDense(1, o.Dim(), nil), mat.NewDense(1, o.Dim(), v)); !errors.Is(err, models.ErrNotFinite) {
		t.Errorf("error %v, want ErrNotFinite", err)
	}
}
