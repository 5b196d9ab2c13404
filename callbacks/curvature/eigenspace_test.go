package curvature

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestNewEigenspace(t *testing.T) {
	op := conjugate([]float64{3, 2, 1, 0.5, 0, -1}, 2)
	s := solve(t, op, Settings{Top: 3, Bottom: 1})
	p := Pairs{
		Values:    append(slices.Clone(s.Top.Values), s.Bottom.Values...),
		Vectors:   s.Vectors(),
		Residuals: append(slices.Clone(s.Top.Residuals), s.Bottom.Residuals...),
	}
	e, err := NewEigenspace(p, true)
	if err != nil {
		t.Fatal(err)
	}
	if !e.Complete || !slices.Equal(e.Values, p.Values) || !mat.Equal(e.Vectors(0, 4), p.Vectors) {
		t.Errorf("complete %v, values %v, vectors differ", e.Complete, e.Values)
	}
	p.Values[0], p.Residuals[0] = 7, 7
	p.Vectors.Zero()
	checkEigenspace(t, op, e) // what it was made of is copied

	empty, err := NewEigenspace(Pairs{}, false)
	if err != nil || empty.Len() != 0 || empty.Project(mat.NewDense(1, 4, nil)) != nil || empty.Vectors(0, 0) != nil {
		t.Errorf("of no pairs: %+v, error %v", empty, err)
	}
}

func TestNewEigenspaceErrors(t *testing.T) {
	for _, test := range []struct {
		name    string
		spoil   func(p *Pairs)
		problem string
	}{
		{"too few vectors", func(p *Pairs) { p.Values = p.Values[:1] }, "1 values and 2 vectors"},
		{"no vectors", func(p *Pairs) { p.Vectors = nil }, "2 values and 0 vectors"},
		{"no residuals", func(p *Pairs) { p.Residuals = nil }, "2 values and 0 residuals"},
		{"negative residual", func(p *Pairs) { p.Residuals[1] = -1 }, "residual 1 is -1"},
		{"NaN residual", func(p *Pairs) { p.Residuals[0] = math.NaN() }, "residual 0 is NaN"},
		{"infinite value", func(p *Pairs) { p.Values[0] = math.Inf(1) }, "value 0 is +Inf"},
		{"NaN in a vector", func(p *Pairs) { p.Vectors.Set(1, 2, math.NaN()) }, "vector 1 has NaN at component 2"},
		{"ascending", func(p *Pairs) { slices.Reverse(p.Values) }, "value 1 is 2, after 1: want descending values"},
		{"not a unit vector", func(p *Pairs) { p.Vectors.Set(0, 0, 1.00001) }, "vector 0 has the norm 1.00001"},
		{"not orthogonal", func(p *Pairs) { p.Vectors.Set(1, 0, 1e-5) }, "vectors 0 and 1 have the product 1e-05"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Pairs{
				Values:    []float64{2, 1},
				Vectors:   mat.NewDense(2, 3, []float64{1, 0, 0, 0, 1, 0}),
				Residuals: []float64{0, 0},
			}
			test.spoil(&p)
			e, err := NewEigenspace(p, false)
			if err == nil || !strings.HasPrefix(err.Error(), "curvature: eigenspace: ") || !strings.Contains(err.Error(), test.problem) || e != nil {
				t.Errorf("error %v: want one with %q", err, test.problem)
			}
		})
	}
}
