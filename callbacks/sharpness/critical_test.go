package sharpness_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// objective is the loss of an untrained network on the paper's Gaussian set.
func objective(t *testing.T, loss models.Loss, s models.ObjectiveSettings, hidden ...int) *models.Objective {
	t.Helper()
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: hidden, Classes: 3, Activation: models.Tanh}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	o, err := models.NewObjective(m, loss, &data.Splits[0], s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// curved returns vᵀHv.
func curved(t *testing.T, o *models.Objective, v []float64) float64 {
	t.Helper()
	image := mat.NewDense(1, o.Dim(), nil)
	if err := o.HessianProducts(t.Context(), image, mat.NewDense(1, o.Dim(), v)); err != nil {
		t.Fatal(err)
	}
	return floats.Dot(image.RawRowView(0), v)
}

// The squared error of a linear network is quadratic in the parameters: along the
// gradient λ_c is the Rayleigh quotient of the Hessian, and along any update that goes
// downhill ΔᵀHΔ/gᵀΔ.
func TestCriticalSharpnessOfAQuadraticLoss(t *testing.T) {
	o := objective(t, models.SquaredError, models.ObjectiveSettings{})
	g := make([]float64, o.Dim())
	if _, err := o.Gradient(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	c := sharpness.Critical{Objective: o}
	for i, passes := range []int{9, 2, 2} { // cold, and then warm
		found, err := c.AlongGradient(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		value, low, high := found.Sharpness()
		if want := curved(t, o, g) / floats.Dot(g, g); math.Abs(value-want) > 1e-9*want || !(low < want && want < high && high < 1.01*low) {
			t.Errorf("λ_c = %v from %v to %v, want %v", value, low, high, want)
		}
		if found.Passes > passes {
			t.Errorf("measurement %d took %d passes, want at most %d", i, found.Passes, passes)
		}
		top, err := curvature.Solve(t.Context(), curvature.Hessian{Objective: o}, curvature.Settings{Method: curvature.Dense, Top: 1})
		if err != nil {
			t.Fatal(err)
		}
		if value > top.Top.Values[0] {
			t.Errorf("λ_c = %v above λ₁ = %v", value, top.Top.Values[0])
		}
	}

	// An update from θ − u to θ, with Δ = −u and g the gradient at θ − u.
	update := make([]float64, o.Dim())
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range update {
		update[i] = -0.05 * g[i] * (0.5 + rng.Float64())
	}
	if _, err := o.GradientAt(t.Context(), g, update, -1); err != nil {
		t.Fatal(err)
	}
	c = sharpness.Critical{Objective: o}
	found, err := c.AlongUpdate(t.Context(), update)
	if err != nil {
		t.Fatal(err)
	}
	want := -curved(t, o, update) / floats.Dot(g, update)
	if value, _, _ := found.Sharpness(); math.Abs(value-want) > 1e-9*want || found.Passes > 9 {
		t.Errorf("along the update λ_c = %v by %d passes, want %v", value, found.Passes, want)
	}
}

// At the critical step of a network the loss is that at θ, for both precisions and any
// number of workers.
func TestCriticalStepOfANetwork(t *testing.T) {
	var want sharpness.CriticalStep
	for i, s := range []models.ObjectiveSettings{{Workers: 1}, {Workers: 3}, {Precision: tensor.Float32}} {
		o := objective(t, models.CrossEntropy, s, 8, 8)
		found, err := (&sharpness.Critical{Objective: o}).AlongGradient(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = found
		}
		tolerance := 0.0
		if s.Precision == tensor.Float32 {
			tolerance = 1e-3 * want.Value
		}
		if !found.Certain() || math.Abs(found.Value-want.Value) > tolerance {
			t.Errorf("%+v, want %+v", found, want)
		}
		g := make([]float64, o.Dim())
		start, err := o.Gradient(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []struct{ step, least, most float64 }{{found.Low, 0, start}, {found.High, start, math.Inf(1)}, {found.Value, 0.999 * start, 1.001 * start}} {
			e, err := o.EvaluateAt(t.Context(), g, -at.step)
			if err != nil || !(at.least <= e.Loss && e.Loss <= at.most) {
				t.Errorf("at the step %g of %+v the loss is %g, at 0 it is %g; error %v", at.step, found, e.Loss, start, err)
			}
		}
	}
}

// flat is a loss that does not change.
type flat struct{ passes int }

func (*flat) Dim() int                                                   { return 3 }
func (*flat) Precision() tensor.Dtype                                    { return tensor.Float64 }
func (*flat) Gradient(_ context.Context, dst []float64) (float64, error) { clear(dst); return 1, nil }

func (f *flat) EvaluateAt(context.Context, []float64, float64) (models.Evaluation, error) {
	f.passes++
	return models.Evaluation{Loss: 1}, nil
}

// Without a gradient or an update there is no direction, and no pass is wasted.
func TestNoDirection(t *testing.T) {
	f := new(flat)
	c := sharpness.Critical{Objective: f}
	for name, measure := range map[string]func() (sharpness.CriticalStep, error){
		"gradient": func() (sharpness.CriticalStep, error) { return c.AlongGradient(t.Context()) },
		"update":   func() (sharpness.CriticalStep, error) { return c.AlongUpdate(t.Context(), make([]float64, 3)) },
	} {
		found, err := measure()
		if err != nil || !math.IsNaN(found.Value) || found.Low != 0 || !math.IsInf(found.High, 1) || c.Guess != 0 {
			t.Errorf("along no %s: %+v, error %v", name, found, err)
		}
	}
	if f.passes > 1 {
		t.Errorf("%d passes", f.passes)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	c.Objective = objective(t, models.CrossEntropy, models.ObjectiveSettings{})
	if found, err := c.AlongUpdate(cancelled, make([]float64, c.Objective.Dim())); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %+v, error %v", found, err)
	}
}
