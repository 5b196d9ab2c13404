package callbacks_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// readings keeps the metrics of each epoch.
type readings map[int]map[string]float64

func (readings) Name() string         { return "readings" }
func (readings) Phase() trainer.Phase { return trainer.Record }

func (r readings) EpochEnd(_ context.Context, s *trainer.State) error {
	r[s.Epoch] = make(map[string]float64)
	for _, m := range s.Metrics() {
		if v, ok := s.Fresh(m.Name); ok {
			r[s.Epoch][m.Name] = v
		}
	}
	return nil
}

// descent trains a ReLU network by gradient descent on all of gauss.
func descent(t *testing.T, along sharpness.Direction, epochs []int) readings {
	t.Helper()
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{16, 16}, Classes: 3}, trainer.Stream(3, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	found := make(readings)
	tr, err := trainer.New(
		trainer.Config{Epochs: 1000, Rate: trainer.Rate{Base: 0.5}, Loss: models.SquaredError, Evaluate: trainer.Schedule{At: []int{0}}}, m, data,
		&callbacks.CriticalSharpness{Along: along, Schedule: trainer.Schedule{At: epochs}},
		&callbacks.Spectrum{Schedule: trainer.Schedule{At: epochs}, Settings: curvature.Settings{Top: 1, Tolerance: 1e-4}},
		found,
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return found
}

// Gradient descent with η = 0.5 goes to the edge of stability: λ₁ rises towards 2/η = 4
// by epoch 400, when the gradient turns into the direction of v₁, and λ_c follows. The
// loss of a network is not quadratic, so that both are near 4 and not equal. The numbers
// are those of docs/glossary.md.
func TestCriticalSharpnessAtTheEdgeOfStability(t *testing.T) {
	epochs := []int{100, 200, 300, 400, 500, 600, 601, 602, 700, 800, 900, 1000}
	along := descent(t, sharpness.Gradient, epochs)
	for _, epoch := range epochs {
		r := along[epoch]
		critical, low, high, top := r[record.CriticalSharpness], r[record.Low(record.CriticalSharpness)], r[record.High(record.CriticalSharpness)], r[record.LambdaMax]
		t.Logf("epoch %d: λ_c = %.4g, λ₁ = %.4g, ratio %.4g, %v passes", epoch, critical, top, r["sharpness/critical_ratio"], r["sharpness/critical_passes"])
		if !(0 < low && low <= critical && critical <= high && high <= 1.01*low) || r["sharpness/critical_passes"] > 9 {
			t.Errorf("epoch %d: λ_c = %g from %g to %g by %g passes", epoch, critical, low, high, r["sharpness/critical_passes"])
		}
		if ratio := r["sharpness/critical_ratio"]; math.Abs(ratio-0.5*critical/2) > 1e-12 {
			t.Errorf("epoch %d: ratio %g, want η·λ_c/2 = %g", epoch, ratio, 0.5*critical/2)
		}
		switch {
		case epoch <= 200 && !(critical < 0.05 && top > 2.8):
			t.Errorf("epoch %d, far from the edge: λ_c = %g, λ₁ = %g", epoch, critical, top)
		case epoch >= 500 && !(math.Abs(critical/4-1) < 0.02 && math.Abs(top/4-1) < 0.04):
			t.Errorf("epoch %d, at the edge: λ_c = %g, λ₁ = %g, want about 4", epoch, critical, top)
		}
	}
	// Without momentum and mini-batches, the last step was along the gradient of the
	// epoch before.
	update := descent(t, sharpness.Update, epochs)
	for _, epoch := range []int{601, 602} {
		want, have := along[epoch-1][record.CriticalSharpness], update[epoch][record.CriticalSharpness]
		if math.Abs(have-want) > 1e-4*want {
			t.Errorf("epoch %d: λ_c = %g along the update; along the gradient, an epoch earlier, %g", epoch, have, want)
		}
	}
}

// Watching changes no bit of the training, and what is measured depends on neither the
// number of workers nor on what is measured besides.
func TestCriticalSharpnessOnlyWatches(t *testing.T) {
	var want []models.Parameter
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		alone := spectrumRun(t, precision)
		if _, err := alone.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want = alone.State().Model.Parameters()
		for _, along := range []sharpness.Direction{sharpness.Gradient, sharpness.Update} {
			var first readings
			for _, workers := range []int{1, 3} {
				found := make(readings)
				watched := spectrumRun(t, precision, &callbacks.CriticalSharpness{Along: along, Schedule: trainer.Schedule{Every: 1}, Workers: workers}, found)
				if _, err := watched.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(models.Export(want), models.Export(watched.State().Model.Parameters())); diff != "" {
					t.Errorf("%v, %s: parameters (-alone +watched):\n%s", precision, along, diff)
				}
				if first == nil {
					first = found
				} else if diff := cmp.Diff(first, found); diff != "" {
					t.Errorf("%v, %s: readings (-1 worker +%d workers):\n%s", precision, along, workers, diff)
				}
			}
			if _, ok := first[12][record.CriticalSharpness]; !ok {
				t.Errorf("%v, %s: no λ_c at the last epoch, only %v", precision, along, first[12])
			}
			if _, ok := first[0]["sharpness/critical_passes"]; ok != (along == sharpness.Gradient) {
				t.Errorf("%v, %s: measured before the first step: %t", precision, along, ok)
			}
		}
	}
}

// Samples that are all classified rightly with the cross-entropy: the loss falls as far
// as the search looks, and only an interval is recorded.
func TestCriticalSharpnessWithoutARise(t *testing.T) {
	data := &datasets.Dataset{Name: "line", Classes: []string{"a", "b"}, Splits: []datasets.Split{{
		Name: "train", X: []float64{-2, -1, 1, 2}, Labels: []int{0, 0, 1, 1}, Index: []int{0, 1, 2, 3},
	}}}
	m, err := models.NewMLP(models.MLPConfig{Input: 1, Classes: 2}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	models.SetValues(m.Parameters()[0].Value, []float64{-1, 1})
	models.SetValues(m.Parameters()[1].Value, []float64{0, 0})
	found := make(readings)
	tr, err := trainer.New(trainer.Config{Rate: trainer.Rate{Base: 0.1}}, m, data, &callbacks.CriticalSharpness{Schedule: trainer.Schedule{Every: 1}}, found)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := found[0]
	high, ok := r[record.High(record.CriticalSharpness)]
	if low, known := r[record.Low(record.CriticalSharpness)]; !known || low != 0 || !ok || !(0 < high && high < 1e-2) {
		t.Errorf("from %v to %v, want 0 to little", low, high)
	}
	if v, ok := r[record.CriticalSharpness]; ok {
		t.Errorf("λ_c = %g, though the loss did not rise", v)
	}
}

// A loop of one's own: along the gradient nothing has to be told but the ends of the
// epochs; along the update the ends of the steps, too, and without a learning rate the
// ratio alone is known. The user's tensors are not touched.
func TestCriticalSharpnessInASession(t *testing.T) {
	const n = 120
	data, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		along sharpness.Direction
		steps bool // whether the loop tells of its steps
	}{{"", false}, {sharpness.Update, true}, {sharpness.Update, false}} {
		g := G.NewGraph()
		x := G.NewMatrix(g, G.Float64, G.WithShape(n, 4), G.WithName("x"))
		w := G.NewMatrix(g, G.Float64, G.WithShape(4, 3), G.WithName("w"), G.WithInit(G.Zeroes()))
		logits := G.Must(G.Mul(x, w))
		model, err := models.FromNodes(x, logits, G.Nodes{w})
		if err != nil {
			t.Fatal(err)
		}
		session, err := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: 2},
			&callbacks.CriticalSharpness{Along: test.along, Schedule: trainer.Schedule{Every: 1}})
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		o, err := models.NewObjective(model, models.CrossEntropy, &data.Splits[0], models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		gradient := make([]float64, 12)
		if _, err := o.Gradient(t.Context(), gradient); err != nil {
			t.Fatal(err)
		}
		values := w.Value().(*tensor.Dense).Float64s()
		for i := range values {
			values[i] -= 0.01 * gradient[i]
		}
		stepped := slices.Clone(values)
		if test.steps {
			if err := session.BatchEnd(t.Context(), 1, 1); err != nil {
				t.Fatal(err)
			}
		}
		err = session.EpochEnd(t.Context(), 1, 1)
		if !slices.Equal(values, stepped) {
			t.Error("the learnables have changed")
		}
		if test.along == sharpness.Update && !test.steps {
			if err == nil || !strings.Contains(err.Error(), "call BatchEnd of the session after each step") {
				t.Errorf("along an update that is not known: error %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		critical, known := session.State().Fresh(record.CriticalSharpness)
		ratio, taken := session.State().Fresh("sharpness/critical_ratio")
		if known != (test.along == "") || taken == known {
			t.Errorf("along %q: λ_c = %v, known: %t; ratio %v, known: %t", test.along, critical, known, ratio, taken)
		}
	}
}

func TestCriticalSharpnessRefuses(t *testing.T) {
	for field, hook := range map[string]*callbacks.CriticalSharpness{
		"Along":          {Along: "momentum"},
		"Schedule.Every": {Schedule: trainer.Schedule{Every: -1}},
	} {
		tr, _ := newTraining(t, hook)
		_, err := tr.Run(t.Context())
		var wrong *trainer.FieldError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: error %v", field, err)
		}
	}
	tr, _ := newTraining(t, &callbacks.CriticalSharpness{Samples: -1})
	if _, err := tr.Run(t.Context()); err == nil {
		t.Error("−1 samples: no error")
	}
}
