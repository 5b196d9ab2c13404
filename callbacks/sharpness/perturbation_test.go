package sharpness

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

func perturb(t *testing.T, m models.Model, split *datasets.Split, draws int, seed uint64, of int) *Estimate {
	t.Helper()
	p, err := NewPerturbation(m, split, draws, seed, models.ObjectiveSettings{Workers: 1 + int(seed%2)})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := p.Measure(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// planted has the logits w₁x and w₂x without biases, w = (1, 0), for x > 0 of class 0:
// all samples are right as long as w₁ + σu₁ > w₂ + σu₂. That has the probability
// Φ(1/(σ√2)), which is 0.9 at 1/σ² = 2·Φ⁻¹(0.9)².
type planted struct{ weight *tensor.Dense }

func newPlanted() planted {
	return planted{tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float64{1, 0}))}
}

func (m planted) Parameters() []models.Parameter {
	return []models.Parameter{{Name: "w", Value: m.weight}}
}
func (m planted) InputShape() []int { return []int{1} }
func (m planted) Classes() int      { return 2 }
func (m planted) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	w, err := G.Transpose(params[0])
	if err != nil {
		return nil, err
	}
	return G.Mul(x, w)
}

var plantedSharpness = 2 * math.Pow(distuv.UnitNormal.Quantile(0.9), 2)

func TestPerturbationPlanted(t *testing.T) {
	split := &datasets.Split{Name: "train", X: []float64{1, 2.5}, Labels: []int{0, 0}, Index: []int{0, 1}}
	var deviations []float64
	for seed := range uint64(100) {
		e := perturb(t, newPlanted(), split, 300, seed, 2)
		deviations = append(deviations, (e.Value-plantedSharpness)/e.Error)
	}
	// The standard error of the mean of 100 is 10 %, that of the spread 7 %, and the
	// slope between two levels comes from about ten draws: a bias of some per cent.
	mean, spread := stat.MeanStdDev(deviations, nil)
	if math.Abs(mean) > 0.4 || spread < 0.8 || spread > 1.3 {
		t.Errorf("estimates deviate by %.3f ± %.3f of their errors; want 0 ± 1", mean, spread)
	}
}

// Of drawn samples the error has their drawing in it: with samples that are wrong
// from different σ on, and so many u that these have hardly an error.
func TestPerturbationOfDrawnSamples(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{8}, Classes: 2, Activation: models.Tanh})
	all := blobs(200, 2)
	learn(t, m, all)
	truth := perturb(t, m, all, 300, 1, 200)
	var deviations []float64
	for seed := range uint64(60) {
		some, err := all.Draw(50, seed)
		if err != nil {
			t.Fatal(err)
		}
		e := perturb(t, m, some, 300, 1, 200)
		deviations = append(deviations, (e.Value-truth.Value)/math.Sqrt(e.Error*e.Error-truth.Error*truth.Error))
	}
	// The standard error of the spread of 60 is 9 %.
	if spread := stat.StdDev(deviations, nil); spread < 0.6 || spread > 1.4 {
		t.Errorf("estimates deviate by %.3f of their errors, want 1", spread)
	}
}

// learn takes some hundred steps down the gradient.
func learn(t *testing.T, m models.Model, split *datasets.Split) {
	t.Helper()
	o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	g := make([]float64, o.Dim())
	for range 300 {
		if _, err := o.Gradient(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		rest := g
		for _, p := range m.Parameters() {
			values := models.Values(p.Value)
			for i := range values {
				values[i] -= 0.5 * rest[i]
			}
			rest = rest[len(values):]
			models.SetValues(p.Value, values)
		}
		if err := o.Refresh(); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever the model is, its parameters are not written to, not even for a moment; and
// with any number of workers the result is the same.
func TestPerturbationOfAnyModel(t *testing.T) {
	split := blobs(40, 2)
	for name, m := range map[string]models.Model{
		"MLP":     newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 2}),
		"float32": newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 2, Precision: tensor.Float32}),
		"no MLP":  newTwice(),
		"nodes":   newNodes(t),
	} {
		t.Run(name, func(t *testing.T) {
			learn(t, m, split)
			before := models.Export(m.Parameters())
			var estimates []Estimate
			for _, workers := range []int{1, 3} {
				p, err := NewPerturbation(m, split, 10, 5, models.ObjectiveSettings{Workers: workers})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the same u again
					e, _, err := p.Measure(watching{t.Context(), t, m, before}, 40)
					if err != nil {
						t.Fatal(err)
					}
					estimates = append(estimates, *e)
				}
			}
			if estimates[0].Value <= 0 || estimates[0] != estimates[1] || estimates[0] != estimates[2] {
				t.Errorf("estimates %v, want the same ones", estimates)
			}
		})
	}
}

// watching is a context that compares the parameters whenever it is asked whether it
// is done, which is before each pass.
type watching struct {
	context.Context
	t      *testing.T
	model  models.Model
	before []weights.Array
}

func (w watching) Err() error {
	if diff := cmp.Diff(w.before, models.Export(w.model.Parameters())); diff != "" {
		w.t.Errorf("parameters (-before +meanwhile):\n%s", diff)
	}
	return w.Context.Err()
}

// A network that has learned nothing has no accuracy to lose, and one without finite
// logits has none.
func TestPerturbationWithoutAFall(t *testing.T) {
	m := newPlanted()
	split := &datasets.Split{Name: "train", X: []float64{1, 2}, Labels: []int{1, 1}, Index: []int{0, 1}}
	if e := perturb(t, m, split, 10, 1, 2); e != nil {
		t.Errorf("sharpness %v of a network that is wrong everywhere, want none", e)
	}
	// Noise takes most of these logits beyond the largest number before it flips them.
	split = &datasets.Split{Name: "train", X: []float64{1.2e308}, Labels: []int{0}, Index: []int{0}}
	if e := perturb(t, newPlanted(), split, 300, 1, 1); e == nil || e.Value < 1.5*plantedSharpness {
		t.Errorf("sharpness %v, want more than %v by half", e, plantedSharpness)
	}
	models.SetValues(m.weight, []float64{2, 0})
	p, err := NewPerturbation(m, split, 10, 1, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Measure(t.Context(), 1); !errors.Is(err, models.ErrNotFinite) {
		t.Errorf("error %v for logits that are infinite, want ErrNotFinite", err)
	}
	if _, err := NewPerturbation(m, split, 1, 1, models.ObjectiveSettings{}); err == nil {
		t.Error("no error for a single draw")
	}
}
