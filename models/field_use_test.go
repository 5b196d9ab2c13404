package models_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// A model of one batch size, of fewer points and of more than one chunk holds,
// against the same network of free batch size.
func TestFieldOfAFixedModel(t *testing.T) {
	foreign := newForeign(7, tensor.Float64)
	free := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3, Activation: models.Tanh})
	copyTransposed(free, foreign)
	want := newField(t, free, 1)
	for _, workers := range []int{1, 2} {
		f := newField(t, foreign.model(t), workers)
		for _, n := range []int{40, 3, 7, 0, 8} {
			split := blobs(n, 2, 3, 5)
			if !floats.EqualApprox(logitsOf(t, f, split.X), logitsOf(t, want, split.X), 1e-14) {
				t.Errorf("%d points, %d workers: logits differ", n, workers)
			}
			if !floats.EqualApprox(gradientsOf(t, f, split.X, split.Labels), gradientsOf(t, want, split.X, split.Labels), 1e-14) {
				t.Errorf("%d points, %d workers: gradients differ", n, workers)
			}
		}
	}
}

func TestFieldOfAFloat32Model(t *testing.T) {
	split := blobs(50, 3, 3, 6)
	config := models.MLPConfig{Input: 3, Hidden: []int{8}, Classes: 3, Activation: models.Tanh}
	wide := newMLP(t, config)
	config.Precision = tensor.Float32
	m := newMLP(t, config)
	f, want := newField(t, m, 1), newField(t, wide, 1)
	for range 2 {
		before := logitsOf(t, f, split.X)
		m.Parameters()[0].Value.Float32s()[0]++
		if !floats.Equal(logitsOf(t, f, split.X), before) {
			t.Error("a change of the parameters was seen before Refresh")
		}
		if err := models.Import(wide.Parameters(), models.Export(m.Parameters())); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Refresh(), want.Refresh()); err != nil {
			t.Fatal(err)
		}
		if !floats.Equal(logitsOf(t, f, split.X), logitsOf(t, want, split.X)) ||
			!floats.Equal(gradientsOf(t, f, split.X, split.Labels), gradientsOf(t, want, split.X, split.Labels)) {
			t.Error("the field of a float32 model is not that of its float64 copy")
		}
	}
	narrow, err := models.NewField(m, models.ObjectiveSettings{Precision: tensor.Float32})
	if err != nil {
		t.Fatal(err)
	}
	got, exact := logitsOf(t, narrow, split.X), logitsOf(t, f, split.X)
	if e, scale := floats.Distance(got, exact, 2), floats.Norm(exact, 2); e == 0 || e > 1e-5*scale {
		t.Errorf("logits in float32 are off by %g of %g", e, scale)
	}
}

func TestFieldErrors(t *testing.T) {
	ctx := context.Background()
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 3, Activation: models.Tanh})
	f := newField(t, m, 2)
	split := blobs(300, 2, 3, 7)
	none := func(int, []float64, []float64) {}
	logits, gradients := make([]float64, 900), make([]float64, 600)
	wantError(t, f.Logits(ctx, logits, split.X[1:]), "models: 599 values for points of 2 and 900 for results of 3")
	wantError(t, f.Logits(ctx, logits[3:], split.X), "models: 600 values for points of 2 and 897 for results of 3")
	wantError(t, f.Gradients(ctx, gradients[1:], split.X, none), "models: 600 values for points of 2 and 599 for results of 2")
	_, err := models.NewField(m, models.ObjectiveSettings{Precision: tensor.Int})
	wantError(t, err, "models: precision is int; want float32 or float64")
	_, err = models.NewField(&fixed{&broken{newGated(6, 6, 4), constantLogits}}, models.ObjectiveSettings{})
	wantError(t, err, "models: the logits do not depend on the input")

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, err := range map[string]error{
		"logits":    f.Logits(cancelled, logits, split.X),
		"gradients": f.Gradients(cancelled, gradients, split.X, none),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
	}
	notFinite := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, models.ErrNotFinite) {
			t.Errorf("%s: error %v, want ErrNotFinite", what, err)
		}
	}
	notFinite("NaN in a cotangent", f.Gradients(ctx, gradients, split.X, func(i int, _, s []float64) {
		if i == 250 {
			s[1] = math.NaN()
		}
	}))
	bad := append([]float64(nil), split.X...)
	bad[500] = math.NaN()
	notFinite("NaN in a point", f.Logits(ctx, logits, bad))
	before := logitsOf(t, f, split.X) // none the worse for it
	weight := &m.Parameters()[0].Value.Float64s()[0]
	old := *weight
	*weight = math.NaN()
	if err := f.Refresh(); err != nil {
		t.Fatal(err)
	}
	notFinite("NaN in a weight, logits", f.Logits(ctx, logits, split.X))
	notFinite("NaN in a weight, gradients", f.Gradients(ctx, gradients, split.X, none))
	*weight = old
	if err := f.Refresh(); err != nil {
		t.Fatal(err)
	}
	if !floats.Equal(logitsOf(t, f, split.X), before) {
		t.Error("after errors the logits are others")
	}
}

// fixed makes a model one of a batch size of 6.
type fixed struct{ *broken }

func (*fixed) BatchSize() int { return 6 }

// constantLogits are those of a gated model with 6 inputs and of width 6, for 6
// samples.
func constantLogits(_ *G.Node, params G.Nodes) (*G.Node, error) {
	return G.Mul(params[0], G.Must(G.Transpose(params[4])))
}
