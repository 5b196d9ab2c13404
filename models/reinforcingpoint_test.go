package models_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

func newPoint(t testing.TB, m models.Model, only ...string) *models.Point {
	t.Helper()
	p, err := models.NewPoint(m, models.ObjectiveSettings{Only: only})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func gradientAt(t testing.TB, p *models.Point, x []float64) ([]float64, int) {
	t.Helper()
	g := make([]float64, p.Dim())
	predicted, err := p.Gradient(context.Background(), g, x)
	if err != nil {
		t.Fatal(err)
	}
	return g, predicted
}

// pull is ∂⟨u, g(x)⟩/∂x where p is.
func pull(t testing.TB, p *models.Point, u []float64) []float64 {
	t.Helper()
	dst := normal(p.Width(), 99) // to be overwritten
	if err := p.Pull(context.Background(), dst, u); err != nil {
		t.Fatal(err)
	}
	return dst
}

// oddsAgainst is log Σ_{c≠y} exp f_c − f_y, and its gradient by the logits.
func oddsAgainst(logits []float64, y int) (odds float64, slope []float64) {
	others := slices.Clone(logits)
	others[y] = math.Inf(-1)
	sum := floats.LogSumExp(others)
	for _, z := range others {
		slope = append(slope, math.Exp(z-sum))
	}
	slope[y] = -1
	return sum - logits[y], slope
}

// networks that are smooth almost everywhere, with two classes and with more,
// where the slope depends on the point too.
var networks = []models.MLPConfig{
	{Input: 3, Classes: 3},
	{Input: 3, Hidden: []int{7}, Classes: 2, Activation: models.Tanh},
	{Input: 3, Hidden: []int{7}, Classes: 3, Activation: models.Sigmoid},
	{Input: 2, Hidden: []int{7, 6}, Classes: 3, Activation: models.GELU},
	{Input: 3, Hidden: []int{8, 7, 6}, Classes: 5, Activation: models.Softplus},
	{Input: 3, Hidden: []int{9, 8, 7, 6}, Classes: 3, Activation: models.Tanh, Init: models.Xavier},
	{Input: 3, Hidden: []int{8, 7, 6}, Classes: 3, Activation: models.ReLU, Init: models.Kaiming},
}

func describe(c models.MLPConfig) string { return fmt.Sprint(c.Activation, c.Hidden, c.Classes) }

// The gradient against differences by some parameters, and against the
// pullback of the logits' slope.
func TestPointGradient(t *testing.T) {
	for _, c := range networks {
		t.Run(describe(c), func(t *testing.T) {
			m := newMLP(t, c)
			p, f := newPoint(t, m), newField(t, m, 1)
			for seed := range uint64(3) {
				x := normal(c.Input, seed+1)
				floats.Scale(3, x)
				z := logitsOf(t, f, x)
				g, predicted := gradientAt(t, p, x)
				if predicted != floats.MaxIdx(z) {
					t.Fatalf("predicted as %d; the logits are %v", predicted, z)
				}
				var quotient, some []float64 // of the first two values of each parameter
				rest := g
				for _, parameter := range m.Parameters() {
					for i := range 2 {
						value := &parameter.Value.Float64s()[i]
						old := *value
						quotient = append(quotient, fivePoint(1e-4, func(step float64) []float64 {
							*value = old + step
							if err := f.Refresh(); err != nil {
								t.Fatal(err)
							}
							odds, _ := oddsAgainst(logitsOf(t, f, x), predicted)
							return []float64{odds}
						})...)
						*value = old
						some = append(some, rest[i])
					}
					rest = rest[parameter.Value.DataSize():]
				}
				if e := floats.Distance(quotient, some, 2) / floats.Norm(some, 2); e > 1e-9 {
					t.Errorf("point %d: relative error %.2g of the difference quotients", seed, e)
				}
				_, slope := oddsAgainst(z, predicted)
				want := pullbackAt(t, m, x, slope)
				if e := floats.Distance(want, g, 2) / floats.Norm(g, 2); e > 1e-14 {
					t.Errorf("point %d: off the pullback of q − e_ŷ by %.2g", seed, e)
				}
			}
		})
	}
}

// pullbackAt is Jᵀ·s at x.
func pullbackAt(t testing.TB, m models.Model, x, s []float64) []float64 {
	t.Helper()
	o, err := models.NewPullback(m, &datasets.Split{Name: "point", X: x, Labels: []int{0}}, models.ObjectiveSettings{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.SetCotangents(s); err != nil {
		t.Fatal(err)
	}
	g, _ := gradient(t, o)
	return g
}

// The gradient has the direction of that of the cross-entropy with the
// prediction as the label, and keeps its length where that one vanishes.
func TestPointIsReinforcing(t *testing.T) {
	x := []float64{1.5, -0.5}
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{6}, Classes: 3, Activation: models.Tanh})
	p := newPoint(t, m)
	last := m.Parameters()[2].Value.Float64s()
	for _, scale := range []float64{1, 1e3} { // unsure, and as sure as can be
		floats.Scale(scale, last)
		if err := p.Refresh(); err != nil {
			t.Fatal(err)
		}
		g, predicted := gradientAt(t, p, x)
		loss := newObjective(t, m, models.CrossEntropy, &datasets.Split{Name: "point", X: x, Labels: []int{predicted}}, 1)
		want, _ := gradient(t, loss)
		length, vanishing := floats.Norm(g, 2), floats.Norm(want, 2)
		if scale == 1 {
			if cosine := floats.Dot(g, want) / (length * vanishing); cosine < 1-1e-14 {
				t.Errorf("the cosine with the gradient of the cross-entropy is %v", cosine)
			}
		} else if vanishing > 1e-100 || length < 1 {
			t.Errorf("norm %g, of the cross-entropy's %g; want that to vanish alone", length, vanishing)
		}
	}
}

// checkPull compares a Pull at x with differences of ⟨u, g⟩.
func checkPull(t *testing.T, p *models.Point, x, u []float64) {
	t.Helper()
	_, predicted := gradientAt(t, p, x)
	got := pull(t, p, u)
	quotient := make([]float64, 0, len(x))
	for j := range x {
		quotient = append(quotient, fivePoint(1e-4, func(step float64) []float64 {
			g, class := gradientAt(t, p, moved(x, len(x), j, step))
			if class != predicted {
				t.Fatal("the differences cross the boundary; choose another point")
			}
			return []float64{floats.Dot(u, g)}
		})...)
	}
	if e := floats.Distance(got, quotient, 2) / floats.Norm(quotient, 2); !(e <= 1e-8) {
		t.Errorf("at %.3f: %v, by differences %v: relative error %.2g", x, got, quotient, e)
	}
}

func TestPointPull(t *testing.T) {
	for _, c := range networks {
		t.Run(describe(c), func(t *testing.T) {
			m := newMLP(t, c)
			p := newPoint(t, m)
			u := normal(p.Dim(), 9)
			for seed := range uint64(4) {
				checkPull(t, p, normal(c.Input, 20+seed), u)
			}
			for i, parameter := range m.Parameters() {
				floats.AddScaled(parameter.Value.Float64s(), 0.3, normal(parameter.Value.DataSize(), uint64(i)))
			}
			if err := p.Refresh(); err != nil {
				t.Fatal(err)
			}
			fresh := newPoint(t, m)
			x := normal(c.Input, 20)
			checkPull(t, p, x, u)
			gradientAt(t, fresh, x)
			if gradientAt(t, p, x); !floats.Equal(pull(t, p, u), pull(t, fresh, u)) {
				t.Error("after Refresh the pull is not that of a fresh point")
			}
		})
	}
}
