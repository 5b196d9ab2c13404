package models_test

import (
	"context"
	"errors"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

func TestOwnLoss(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{7}, Classes: 4, Activation: models.Tanh})
	split := blobs(301, 3, 4, 1)
	o := newObjective(t, m, oneAgainstAll{}, split, 2)
	v := normal(o.Dim(), 2)
	floats.Scale(1/floats.Norm(v, 2), v)
	exact := append([]float64(nil), product(t, o, v)...)
	g := make([]float64, o.Dim())
	loss, err := o.Gradient(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	slope := floats.Dot(g, v)

	// The five-point formula, whose error is of order h⁴.
	const h = 1e-3
	change, losses := make([]float64, o.Dim()), 0.0
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		at, err := o.GradientAt(context.Background(), g, v, s.at*h)
		if err != nil {
			t.Fatal(err)
		}
		losses += s.weight / (12 * h) * at
		floats.AddScaled(change, s.weight/(12*h), g)
	}
	if e := losses - slope; !(e*e < 1e-20*slope*slope) {
		t.Errorf("loss %g: slope %g along v, by differences %g", loss, slope, losses)
	}
	if e := floats.Distance(change, exact, 2) / floats.Norm(exact, 2); !(e < 1e-9) {
		t.Errorf("H·v: relative error %.2g", e)
	}

	mean := make([]float64, o.Dim()) // over batches of one sample
	if err := o.SampleGradients(context.Background(), func(_ int, g []float64) error {
		floats.AddScaled(mean, 1/float64(split.Len()), g)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Gradient(context.Background(), g); err != nil {
		t.Fatal(err)
	}
	if e := floats.Distance(mean, g, 2) / floats.Norm(g, 2); !(e < 1e-13) {
		t.Errorf("the mean over samples differs from the gradient by %.2g, relative", e)
	}
}

// wrongLoss is a Loss whose result is that of a function.
type wrongLoss func(logits, target *G.Node) (*G.Node, error)

func (wrongLoss) Name() string                                     { return "wrong" }
func (l wrongLoss) Losses(logits, target *G.Node) (*G.Node, error) { return l(logits, target) }

func TestOwnLossErrors(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 3})
	for want, loss := range map[string]models.Loss{
		"models: no loss; want CrossEntropy, SquaredError or one of your own": nil,
		"models: building the loss wrong: no such node": wrongLoss(func(_, _ *G.Node) (*G.Node, error) {
			return nil, errors.New("no such node")
		}),
		"models: the loss wrong returned no node": wrongLoss(func(_, _ *G.Node) (*G.Node, error) { return nil, nil }),
		"models: the loss wrong has shape (10, 3); want (10), one value a sample": wrongLoss(func(logits, _ *G.Node) (*G.Node, error) {
			return logits, nil
		}),
		"models: the loss wrong is float32; want float64, the type of the logits": wrongLoss(func(logits, _ *G.Node) (*G.Node, error) {
			return G.NewVector(logits.Graph(), tensor.Float32, G.WithShape(10), G.WithName("other")), nil
		}),
		"models: the loss wrong is a node of another graph; want that of the logits": wrongLoss(func(_, _ *G.Node) (*G.Node, error) {
			return G.NewVector(G.NewGraph(), tensor.Float64, G.WithShape(10), G.WithName("other")), nil
		}),
		"models: the loss wrong cannot be differentiated twice: symbolic: operation Softmax{-1, false}() of node \"Softmax{-1, false}()(%b)\" has a wrong or missing derivative; use op.Softmax, or op.SoftmaxCrossEntropy on the logits": wrongLoss(func(logits, target *G.Node) (*G.Node, error) {
			p, err := G.SoftMax(logits)
			if err != nil {
				return nil, err
			}
			return op.RowDot(p, target)
		}),
	} {
		_, err := models.NewObjective(m, loss, blobs(10, 2, 3, 1), models.ObjectiveSettings{})
		wantError(t, err, want)
	}
}

func TestLossNamed(t *testing.T) {
	for _, want := range []models.Loss{models.CrossEntropy, models.SquaredError} {
		if got, err := models.LossNamed(want.Name()); got != want || err != nil {
			t.Errorf("%s: %v, error %v", want.Name(), got, err)
		}
	}
	for _, name := range []string{"hinge", "linear", ""} { // linear is not for training
		if got, err := models.LossNamed(name); got != nil || err == nil {
			t.Errorf("%q: %v, error %v", name, got, err)
		}
	}
	_, err := models.LossNamed("hinge")
	wantError(t, err, `is "hinge"; want one of cross_entropy, squared_error`)
}

// A loss such as −log ⟨y, p⟩ is finite for one-hot targets only, and infinity
// times a weight of zero is NaN: padding is as good as a sample.
func TestPaddingIsTheFirstSample(t *testing.T) {
	e, err := models.Express(newMLP(t, models.MLPConfig{Input: 2, Classes: 3}), models.CrossEntropy, 4, tensor.Float64)
	if err != nil {
		t.Fatal(err)
	}
	e.Fill(blobs(3, 2, 3, 1), []int{2, 1}, 0.5)
	if have, want := e.Target.Value().Data().([]float64), []float64{0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1}; !floats.Equal(have, want) {
		t.Errorf("targets %v; want %v", have, want)
	}
	if have, want := e.Weight.Value().Data().([]float64), []float64{0.5, 0.5, 0, 0}; !floats.Equal(have, want) {
		t.Errorf("weights %v; want %v", have, want)
	}
}
