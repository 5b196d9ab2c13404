package models_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models"
)

func TestGaussNewtonOfLinearModelIsTheHessian(t *testing.T) {
	// Without hidden layers f is linear in the parameters, and G = H.
	for _, loss := range []models.Loss{models.CrossEntropy, models.SquaredError} {
		m := newMLP(t, models.MLPConfig{Input: 3, Classes: 4})
		o := newObjective(t, m, loss, blobs(300, 3, 4, 1), 2)
		v := mat.NewDense(2, o.Dim(), normal(2*o.Dim(), 2))
		h, g := mat.NewDense(2, o.Dim(), nil), mat.NewDense(2, o.Dim(), nil)
		if err := o.HessianProducts(context.Background(), h, v); err != nil {
			t.Fatal(err)
		}
		if err := o.GaussNewtonProducts(context.Background(), g, v); err != nil {
			t.Fatal(err)
		}
		if !mat.EqualApprox(g, h, 1e-13) {
			t.Errorf("%s: G·v differs from H·v", loss)
		}
	}
}

// G·v = (1/N) Σₙ Jₙᵀ(diag pₙ − pₙpₙᵀ)Jₙ·v with the Jacobians from difference
// quotients of the logits.
func TestGaussNewtonAgainstJacobians(t *testing.T) {
	const n, classes, step = 11, 3, 1e-5
	ctx := context.Background()
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{6, 5}, Classes: classes, Activation: models.Tanh})
	o := newObjective(t, m, models.CrossEntropy, blobs(n, 2, classes, 3), 1)
	logits := func() []float64 {
		z := make([]float64, n*classes)
		if err := o.Logits(ctx, z); err != nil {
			t.Fatal(err)
		}
		return z
	}
	z := logits()
	jacobian := mat.NewDense(n*classes, o.Dim(), nil)
	for j := range o.Dim() {
		e := make([]float64, o.Dim())
		e[j] = 1
		move(t, o, m, e, step)
		up := logits()
		move(t, o, m, e, -2*step)
		down := logits()
		move(t, o, m, e, step)
		for i := range up {
			jacobian.Set(i, j, (up[i]-down[i])/(2*step))
		}
	}
	v := normal(o.Dim(), 4)
	var jv mat.VecDense
	jv.MulVec(jacobian, mat.NewVecDense(len(v), v))
	curved := mat.NewVecDense(n*classes, nil)
	for i := range n {
		row := z[i*classes : (i+1)*classes]
		p := make([]float64, classes)
		for c := range p {
			p[c] = math.Exp(row[c] - floats.LogSumExp(row))
		}
		mean := 0.0
		for c := range p {
			mean += p[c] * jv.AtVec(i*classes+c)
		}
		for c := range p {
			curved.SetVec(i*classes+c, p[c]*(jv.AtVec(i*classes+c)-mean)/n)
		}
	}
	var want mat.VecDense
	want.MulVec(jacobian.T(), curved)
	got := mat.NewDense(1, o.Dim(), nil)
	if err := o.GaussNewtonProducts(ctx, got, mat.NewDense(1, o.Dim(), v)); err != nil {
		t.Fatal(err)
	}
	floats.Sub(got.RawRowView(0), want.RawVector().Data)
	if e := floats.Norm(got.RawRowView(0), 2) / mat.Norm(&want, 2); e > 1e-8 { // of the quotients
		t.Errorf("relative error %.2g", e)
	}
}

func TestSampleGradients(t *testing.T) {
	ctx := context.Background()
	split := blobs(300, 3, 3, 5)
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{6}, Classes: 3})
	o := newObjective(t, m, models.CrossEntropy, split, 2)
	mean, order := make([]float64, o.Dim()), []int(nil)
	if err := o.SampleGradients(ctx, func(n int, g []float64) error {
		order = append(order, n)
		floats.AddScaled(mean, 1/float64(split.Len()), g)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(order) || len(order) != split.Len() {
		t.Error("samples were not visited once each, in order")
	}
	if want, _ := gradient(t, o); !floats.EqualApprox(mean, want, 1e-14) {
		t.Error("the mean of the samples' gradients is not ∇L")
	}
	// After a change of the parameters they are those of the new ones.
	move(t, o, m, normal(o.Dim(), 6), 0.1)
	clear(mean)
	if err := o.SampleGradients(ctx, func(_ int, g []float64) error {
		floats.AddScaled(mean, 1/float64(split.Len()), g)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want, _ := gradient(t, o); !floats.EqualApprox(mean, want, 1e-14) {
		t.Error("after Refresh the samples' gradients are stale")
	}
}

func TestSampleGradientsPassErrorsOn(t *testing.T) {
	o := newObjective(t, newMLP(t, models.MLPConfig{Input: 3, Classes: 3}), models.CrossEntropy, blobs(20, 3, 3, 5), 2)
	err := o.SampleGradients(context.Background(), func(n int, _ []float64) error {
		if n == 7 {
			return fmt.Errorf("enough")
		}
		return nil
	})
	if err == nil || err.Error() != "enough" {
		t.Errorf("error %v, want that of visit", err)
	}
}

func TestPullback(t *testing.T) {
	ctx := context.Background()
	split := blobs(20, 3, 3, 7)
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{6}, Classes: 3, Activation: models.Tanh})
	o, err := models.NewPullback(m, split, models.ObjectiveSettings{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	// Cotangents p − y make the gradients those of the cross-entropy.
	z := make([]float64, 20*3)
	if err := o.Logits(ctx, z); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		row := z[i*3 : i*3+3]
		sum := floats.LogSumExp(row)
		for c := range row {
			row[c] = math.Exp(row[c] - sum)
		}
		row[split.Labels[i]]--
	}
	if err := o.SetCotangents(z); err != nil {
		t.Fatal(err)
	}
	loss := newObjective(t, m, models.CrossEntropy, split, 1)
	got, _ := gradient(t, o)
	want, _ := gradient(t, loss)
	if !floats.EqualApprox(got, want, 1e-15) {
		t.Error("the pullback of p − y is not the gradient of the cross-entropy")
	}
	v := normal(o.Dim(), 8)
	a, b := make([]float64, 20), make([]float64, 20)
	if err := o.Slopes(ctx, row(a), row(v)); err != nil {
		t.Fatal(err)
	}
	if err := loss.Slopes(ctx, row(b), row(v)); err != nil {
		t.Fatal(err)
	}
	if !floats.EqualApprox(a, b, 1e-13) {
		t.Error("slopes of the pullback are not those of the cross-entropy")
	}
	if err := o.SetCotangents(z[:5]); err == nil {
		t.Error("too few cotangents were accepted")
	}
	if err := loss.SetCotangents(z); err == nil {
		t.Error("an objective with labels took cotangents")
	}
}

func TestOnlySomeLayers(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{6}, Classes: 3, Activation: models.Tanh})
	split := blobs(50, 3, 3, 9)
	whole := newObjective(t, m, models.CrossEntropy, split, 1)
	part, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Only: []string{"fc2"}, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	const first, last = 3*6 + 6, 6*3 + 3 // parameters of fc1 and fc2
	if part.Dim() != last {
		t.Fatalf("fc2 has %d parameters, want %d", part.Dim(), last)
	}
	// H restricted to fc2 is the last block of H.
	v := normal(last, 10)
	want := product(t, whole, append(make([]float64, first), v...))[first:]
	if got := product(t, part, v); !floats.EqualApprox(got, want, 1e-15) {
		t.Error("the Hessian of fc2 is not its block of the whole")
	}
	if _, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Only: []string{"fc3"}}); err == nil || !strings.Contains(err.Error(), "did you mean") {
		t.Errorf("unknown layer: error %v", err)
	}
}
