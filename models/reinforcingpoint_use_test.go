package models_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// Derivatives by some layers alone are their part of the whole.
func TestPointOfSomeLayers(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{5, 4}, Classes: 3, Activation: models.GELU})
	whole := newPoint(t, m)
	x := normal(3, 1)
	g, _ := gradientAt(t, whole, x)
	const first, second = 3*5 + 5, 5*4 + 4
	for _, part := range []struct {
		layers   []string
		from, to int
	}{
		{[]string{"fc1"}, 0, first},
		{[]string{"fc2"}, first, first + second},
		{[]string{"fc1", "fc2"}, 0, first + second},
		{[]string{"fc3.bias"}, len(g) - 3, len(g)},
	} {
		p := newPoint(t, m, part.layers...)
		got, _ := gradientAt(t, p, x)
		if !floats.Equal(got, g[part.from:part.to]) {
			t.Errorf("%v: the gradient is not its part of the whole", part.layers)
		}
		u := normal(p.Dim(), 2)
		padded := make([]float64, len(g))
		copy(padded[part.from:], u)
		if want := pull(t, whole, padded); !floats.EqualApprox(pull(t, p, u), want, 1e-14) {
			t.Errorf("%v: the pull is %v, want %v", part.layers, pull(t, p, u), want)
		}
		checkPull(t, p, x, u)
	}
}

// Where the gradient is the same everywhere the pull is zero.
func TestPointPullOfAConstant(t *testing.T) {
	p := newPoint(t, newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{4}, Classes: 2}), "fc2.bias")
	g, predicted := gradientAt(t, p, normal(3, 1))
	want := []float64{1, 1}
	want[predicted] = -1
	if got := pull(t, p, []float64{1, 2}); !floats.Equal(g, want) || floats.Norm(got, 2) != 0 {
		t.Errorf("gradient %v and pull %v, want %v and zeros", g, got, want)
	}
	constant := newPoint(t, &fixed{&broken{newGated(6, 6, 4), constantLogits}})
	gradientAt(t, constant, normal(6, 1))
	if got := pull(t, constant, normal(constant.Dim(), 2)); floats.Norm(got, 2) != 0 {
		t.Errorf("pull %v by an input that the logits do not depend on", got)
	}
}

func TestPointOfAFixedModel(t *testing.T) {
	foreign := newForeign(7, tensor.Float64)
	free := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3, Activation: models.Tanh})
	copyTransposed(free, foreign)
	p, want := newPoint(t, foreign.model(t)), newPoint(t, free)
	for seed := range uint64(3) {
		x := normal(2, seed)
		g, class := gradientAt(t, p, x)
		h, wantClass := gradientAt(t, want, x)
		if class != wantClass || !floats.EqualApprox(sorted(g), sorted(h), 1e-14) {
			t.Errorf("gradient %v of class %d, want %v of %d", sorted(g), class, sorted(h), wantClass)
		}
		checkPull(t, p, x, normal(p.Dim(), 3))
	}
}

func TestPointErrors(t *testing.T) {
	ctx := context.Background()
	m := newMLP(t, models.MLPConfig{Input: 2, Classes: 2}) // 6 parameters
	p := newPoint(t, m)
	if p.Width() != 2 || p.Dim() != 6 {
		t.Errorf("width %d, dim %d; want 2, 6", p.Width(), p.Dim())
	}
	six, two := make([]float64, 6), make([]float64, 2)
	gradient := func(ctx context.Context, g, x []float64) error {
		_, err := p.Gradient(ctx, g, x)
		return err
	}
	wantError(t, gradient(ctx, six, six), "models: a point of 6 values; the model takes 2")
	wantError(t, gradient(ctx, two, two), "models: gradient into 2 values; want 6")
	wantError(t, p.Pull(ctx, six, six), "models: pulling 6 values back to 6; want 6 and 2")
	wantError(t, p.Pull(ctx, two, two), "models: pulling 2 values back to 2; want 6 and 2")
	_, err := models.NewPoint(m, models.ObjectiveSettings{Only: []string{"fc2"}})
	wantError(t, err, `models: no parameter or layer "fc2"; did you mean "fc1"?`)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	nan := []float64{0, 0, math.NaN(), 0, 0, 0}
	for _, test := range []struct {
		what string
		err  error
		want error
	}{
		{"cancelled gradient", gradient(cancelled, six, two), context.Canceled},
		{"cancelled pull", p.Pull(cancelled, two, six), context.Canceled},
		{"pull of NaN", p.Pull(ctx, two, nan), models.ErrNotFinite},
		{"gradient at NaN", gradient(ctx, six, nan[1:3]), models.ErrNotFinite},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: error %v, want %v", test.what, test.err, test.want)
		}
	}
	gradientAt(t, p, []float64{1, 2}) // none the worse for it
	m.Parameters()[0].Value.Float64s()[0] = math.Inf(1)
	if err := p.Refresh(); err != nil {
		t.Fatal(err)
	}
	if err := gradient(ctx, six, []float64{1, 2}); !errors.Is(err, models.ErrNotFinite) {
		t.Errorf("gradient of an infinite weight: error %v, want ErrNotFinite", err)
	}
}
