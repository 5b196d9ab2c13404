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
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// gated is a Model from outside the package: a gated layer σ(x·A)∘gelu(x·Bᵀ + b), of
// Gorgonia's operations and those of package op, a linear one behind it, and a
// parameter that nothing uses.
type gated struct{ params []models.Parameter }

func newGated(in, width, classes int) *gated {
	m := &gated{}
	for i, p := range []struct {
		name  string
		shape []int
	}{
		{"gate", []int{in, width}},
		{"in.weight", []int{width, in}},
		{"in.bias", []int{width}},
		{"unused", []int{2, 2}},
		{"out.weight", []int{classes, width}},
		{"out.bias", []int{1, classes}},
	} {
		m.params = append(m.params, models.Parameter{Name: p.name, Value: randomTensor(tensor.Float64, uint64(i), p.shape...)})
	}
	return m
}

var _ models.Model = (*gated)(nil)

func (m *gated) Parameters() []models.Parameter { return m.params }
func (m *gated) InputShape() []int              { return m.params[0].Value.Shape()[:1] }
func (m *gated) Classes() int                   { return m.params[4].Value.Shape()[0] }

func (m *gated) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := G.Mul(x, params[0])
	if err != nil {
		return nil, err
	}
	gate, err := G.Sigmoid(z)
	if err != nil {
		return nil, err
	}
	if z, err = op.MatMul(x, params[1], false, true); err != nil {
		return nil, err
	}
	if z, err = op.AddRow(z, params[2]); err != nil {
		return nil, err
	}
	h, err := op.GELU(z)
	if err != nil {
		return nil, err
	}
	if h, err = G.HadamardProd(gate, h); err != nil {
		return nil, err
	}
	if z, err = op.MatMul(h, params[4], false, true); err != nil {
		return nil, err
	}
	return G.BroadcastAdd(z, params[5], nil, []byte{0})
}

func TestOwnModel(t *testing.T) {
	m := newGated(3, 6, 4)
	o := newObjective(t, m, models.CrossEntropy, blobs(301, 3, 4, 1), 2)
	v := normal(o.Dim(), 2)
	floats.Scale(1/floats.Norm(v, 2), v)
	exact := append([]float64(nil), product(t, o, v)...)

	// The five-point formula, as in TestDerivativesOfMLPs; no kinks here.
	const h = 1e-4
	quotient := make([]float64, o.Dim())
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		move(t, o, m, v, s.at*h)
		g, _ := gradient(t, o)
		floats.AddScaled(quotient, s.weight/(12*h), g)
		move(t, o, m, v, -s.at*h)
	}
	if e := floats.Distance(quotient, exact, 2) / floats.Norm(exact, 2); e > 1e-8 {
		t.Errorf("H·v: relative error %.2g", e)
	}

	unused := exact[3*6+6*3+6:][:4]
	if floats.Norm(unused, 2) != 0 {
		t.Errorf("H·v of a parameter that nothing uses: %v", unused)
	}
}

func TestOwnModelDoesNotDependOnWorkers(t *testing.T) {
	split := blobs(1000, 3, 4, 3)
	want := results(t, newGated(3, 6, 4), split, 1)
	for _, workers := range []int{2, 5} {
		if !floats.Equal(results(t, newGated(3, 6, 4), split, workers), want) {
			t.Errorf("%d workers: not the same bits", workers)
		}
	}
}

// broken is a Model whose Logits are those of a function.
type broken struct {
	*gated
	logits func(x *G.Node, params G.Nodes) (*G.Node, error)
}

func (m *broken) Logits(x *G.Node, params G.Nodes) (*G.Node, error) { return m.logits(x, params) }

func TestOwnModelErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		logits func(x *G.Node, params G.Nodes) (*G.Node, error)
		want   string
	}{
		{
			"failure", func(*G.Node, G.Nodes) (*G.Node, error) { return nil, errors.New("no such layer") },
			"models: building the logits: no such layer",
		},
		{
			"shape", func(x *G.Node, params G.Nodes) (*G.Node, error) { return G.Mul(x, params[0]) },
			"models: the logits have shape (101, 6); want (101, 4), samples × classes",
		},
		{"unsound", func(x *G.Node, params G.Nodes) (*G.Node, error) {
			z, err := newGated(3, 6, 4).Logits(x, params)
			if err != nil {
				return nil, err
			}
			return G.SoftMax(z)
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := models.NewObjective(&broken{newGated(3, 6, 4), test.logits}, models.CrossEntropy, blobs(101, 3, 4, 1), models.ObjectiveSettings{})
			if test.want != "" {
				wantError(t, err, test.want)
			} else if err == nil {
				t.Error("no error")
			}
		})
	}
}

// Padding and chunks are of no weight in the accuracy either: it is counted
// by hand from the largest logit.
func TestAccuracy(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Classes: 2})
	for i, values := range [][]float64{{1, 0, 0, 1}, {0, 0}} { // the logits are the sample
		models.SetValues(m.Parameters()[i].Value, values)
	}
	split := blobs(5, 2, 2, 1)
	split.X = []float64{2, 1, 1, 2, 3, 3, 0, 5, 7, 1}
	split.Labels = []int{0, 1, 0, 0, 0} // the tie counts for the first, the fourth is wrong
	e, err := newObjective(t, m, models.SquaredError, split, 1).Evaluate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// Σ ½((z₀−y₀)² + (z₁−y₁)²)/5
	want := ((1.+1.)/2 + (1.+1.)/2 + (4.+9.)/2 + (1.+25.)/2 + (36.+1.)/2) / 5
	if e.Accuracy != 0.8 || math.Abs(e.Loss-want) > 1e-15*want {
		t.Errorf("%+v, want loss %v and accuracy 0.8", e, want)
	}
}
