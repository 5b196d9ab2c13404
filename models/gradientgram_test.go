package models_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// The inner products are those of the gradients themselves, over chunks of which
// the last is ragged, and for a part of the parameters too.
func TestGradientGram(t *testing.T) {
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		hidden     []int
		activation models.Activation
		loss       models.Loss
		only       []string
	}{
		"relu":          {[]int{7, 5}, models.ReLU, models.CrossEntropy, nil},
		"tanh, squared": {[]int{6}, models.Tanh, models.SquaredError, nil},
		"linear":        {nil, models.ReLU, models.CrossEntropy, nil},
		"one layer":     {[]int{7, 5}, models.GELU, models.CrossEntropy, []string{"fc2"}},
		"biases alone":  {[]int{4}, models.ReLU, models.CrossEntropy, []string{"fc1.bias", "fc2.bias"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: c.hidden, Classes: 3, Activation: c.activation}, rand.New(rand.NewPCG(1, 2)))
			if err != nil {
				t.Fatal(err)
			}
			o, err := models.NewObjective(m, c.loss, &data.Splits[0], models.ObjectiveSettings{Only: c.only})
			if err != nil {
				t.Fatal(err)
			}
			var gradients [][]float64
			if err := o.SampleGradients(t.Context(), func(_ int, g []float64) error {
				gradients = append(gradients, slices.Clone(g))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			gram, err := o.GradientGram(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			norms := make([]float64, len(gradients))
			if err := o.SquaredGradientNorms(t.Context(), norms); err != nil {
				t.Fatal(err)
			}
			largest := mat.Max(gram)
			for i, g := range gradients {
				if want := floats.Dot(g, g); math.Abs(norms[i]-want) > 1e-13*want {
					t.Fatalf("squared norm of gradient %d: %v, want %v", i, norms[i], want)
				}
				for j, h := range gradients {
					// Rounding of sums of a few hundred products.
					if want := floats.Dot(g, h); math.Abs(gram.At(i, j)-want) > 1e-13*largest {
						t.Fatalf("gradients %d and %d: %v, want %v", i, j, gram.At(i, j), want)
					}
				}
			}
		})
	}
}

// counted has two layers and a tanh between them that counts how often it runs.
type counted struct {
	inner, outer *tensor.Dense
	runs         *atomic.Int64
}

type countedOp struct {
	G.SDOp
	runs *atomic.Int64
}

func (o countedOp) Do(in ...G.Value) (G.Value, error) {
	o.runs.Add(1)
	return o.SDOp.Do(in...)
}

func (o countedOp) Hashcode() uint32 { return o.SDOp.Hashcode() + 1 } // or it is taken for the same

func (m counted) Parameters() []models.Parameter {
	return []models.Parameter{{Name: "inner", Value: m.inner}, {Name: "outer", Value: m.outer}}
}
func (m counted) InputShape() []int { return []int{2} }
func (m counted) Classes() int      { return 3 }

func (m counted) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	tanh, err := op.Tanh(z)
	if err != nil {
		return nil, err
	}
	h, err := G.ApplyOp(countedOp{tanh.Op().(G.SDOp), m.runs}, z)
	if err != nil {
		return nil, err
	}
	return op.MatMul(h, params[1], false, true)
}

// The norms take one pass over the chunks, and one each of the samples that they are
// checked with, not one of every sample.
func TestSquaredGradientNormsTakeOnePass(t *testing.T) {
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := counted{
		tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{0.3, -0.2, 0.5, 0.7})),
		tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float64{1, -1, 0.4, 0.1, -0.6, 0.2})), new(atomic.Int64),
	}
	o, err := models.NewObjective(m, models.CrossEntropy, &data.Splits[0], models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	norms := make([]float64, o.Samples())
	if err := o.SquaredGradientNorms(t.Context(), norms); err != nil {
		t.Fatal(err)
	}
	if runs := int(m.runs.Load()); runs == 0 || runs > o.Samples()/4 {
		t.Errorf("%d runs for %d samples; want about two", runs, o.Samples())
	}
}

// tied is a network that uses one matrix twice: its gradient is a sum of two
// products.
type tied struct{ weight *tensor.Dense }

func (m tied) Parameters() []models.Parameter {
	return []models.Parameter{{Name: "w", Value: m.weight}}
}
func (m tied) InputShape() []int { return []int{2} }
func (m tied) Classes() int      { return 2 }

func (m tied) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	h, err := op.Tanh(z)
	if err != nil {
		return nil, err
	}
	return op.MatMul(h, params[0], false, true)
}

func TestGradientGramRefuses(t *testing.T) {
	split := &datasets.Split{Name: "train", X: []float64{1, 2, -1, 0.5}, Labels: []int{0, 1}, Index: []int{0, 1}}
	m := tied{tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{0.3, -0.2, 0.5, 0.7}))}
	o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.GradientGram(t.Context()); !errors.Is(err, models.ErrNoFactors) {
		t.Errorf("error %v, want ErrNoFactors", err)
	}
	// The norms come from the gradients themselves.
	norms := make([]float64, 2)
	if err := o.SquaredGradientNorms(t.Context(), norms); err != nil {
		t.Fatal(err)
	}
	if err := o.SampleGradients(t.Context(), func(n int, g []float64) error {
		if want := floats.Dot(g, g); norms[n] != want || want == 0 {
			t.Errorf("squared norm of gradient %d: %v, want %v", n, norms[n], want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
