package models_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// fromNodes is a softmax regression on a graph of its own, for batches of n.
func fromNodes(t *testing.T, n int) models.Model {
	t.Helper()
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(n, 2), G.WithName("x"))
	w := G.NewMatrix(g, G.Float64, G.WithShape(3, 2), G.WithName("w"), G.WithInit(G.GlorotN(1)))
	z, err := op.MatMul(x, w, false, true)
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.FromNodes(x, z, G.Nodes{w})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The loss at θ + h·v is, bit for bit, that of a model whose parameters were moved
// there, and the objective is at θ again afterwards.
func TestEvaluateAt(t *testing.T) {
	split := blobs(300, 2, 3, 1)
	mlp := func(dtype tensor.Dtype) models.Model {
		return newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3, Precision: dtype})
	}
	for name, test := range map[string]struct {
		model     models.Model
		precision tensor.Dtype
		only      []string
	}{
		"shared parameters":    {mlp(tensor.Float64), tensor.Float64, nil},
		"some parameters":      {mlp(tensor.Float64), tensor.Float64, []string{"fc2"}},
		"float32 in float64":   {mlp(tensor.Float32), tensor.Float64, nil},
		"float32":              {mlp(tensor.Float32), tensor.Float32, nil},
		"somebody's own graph": {fromNodes(t, 64), tensor.Float64, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := test.model
			var before [][]float64
			for _, p := range m.Parameters() {
				before = append(before, models.Values(p.Value))
			}
			o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Precision: test.precision, Only: test.only})
			if err != nil {
				t.Fatal(err)
			}
			start, err := o.Evaluate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v := normal(o.Dim(), 2)
			const h = 0.125
			got, err := o.EvaluateAt(t.Context(), v, h)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range m.Parameters() {
				if !slices.Equal(models.Values(p.Value), before[i]) {
					t.Fatalf("parameter %q of the model has changed", p.Name)
				}
			}
			if again, err := o.Evaluate(t.Context()); err != nil || again != start {
				t.Errorf("evaluated again: %v, %v, want %v", again, err, start)
			}
			v[0] = math.NaN()
			if _, err := o.EvaluateAt(t.Context(), v, h); !errors.Is(err, models.ErrNotFinite) {
				t.Errorf("at NaN: error %v, want ErrNotFinite", err)
			}
			v[0] = normal(1, 2)[0]
			if _, err := o.EvaluateAt(t.Context(), v[1:], h); err == nil {
				t.Error("a step of too few values: no error")
			}

			moved, rest := m.Parameters(), v
			for i, p := range moved {
				if len(test.only) > 0 && i < len(moved)-2 {
					continue
				}
				to := slices.Clone(before[i])
				for j := range to {
					to[j] += h * rest[j]
				}
				rest = rest[len(to):]
				models.SetValues(p.Value, to)
			}
			if test.precision != models.Precision(m) {
				return // the moved parameters of the model are rounded
			}
			if err := o.Refresh(); err != nil {
				t.Fatal(err)
			}
			if want, err := o.Evaluate(t.Context()); err != nil || got != want || got == start {
				t.Errorf("at θ + h·v: %v, want %v, %v", got, want, err)
			}
		})
	}
}

// A step allocates a few closures, and nothing for the parameters.
func TestEvaluateAtAllocates(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{8, 8, 8, 8, 8, 8}, Classes: 3})
	o := newObjective(t, m, models.CrossEntropy, blobs(300, 2, 3, 1), 1)
	v := normal(o.Dim(), 2)
	if allocs := testing.AllocsPerRun(20, func() {
		if _, err := o.EvaluateAt(t.Context(), v, 0.1); err != nil {
			t.Fatal(err)
		}
	}); allocs >= float64(len(m.Parameters())) {
		t.Errorf("%v allocations for %d parameters", allocs, len(m.Parameters()))
	}
}
