package callbacks_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/trainer"
)

// stripes are 6 × 6 images of horizontal, vertical and diagonal stripes with noise.
func stripes() *datasets.Dataset {
	d := &datasets.Dataset{Name: "stripes", Shape: []int{1, 6, 6}, Classes: []string{"horizontal", "vertical", "diagonal"}}
	rng := trainer.Stream(3, "stripes", 0)
	for _, split := range []struct {
		name string
		n    int
	}{{datasets.Train, 51}, {datasets.Validation, 20}} {
		s := datasets.Split{Name: split.name}
		for n := range split.n {
			phase := rng.Float64() * 2 * math.Pi
			for i := range 6 {
				for j := range 6 {
					along := [3]float64{float64(i), float64(j), float64(i+j) / math.Sqrt2}[n%3]
					s.X = append(s.X, math.Sin(2*along+phase)+0.4*rng.NormFloat64())
				}
			}
			s.Labels, s.Index = append(s.Labels, n%3), append(s.Index, n)
		}
		d.Splits = append(d.Splits, s)
	}
	return d
}

// newConvNet returns a small network with most kinds of layers.
func newConvNet(t testing.TB) *network.Network {
	t.Helper()
	n, err := network.New(network.Description{Input: []int{1, 6, 6}, Layers: network.Layers{
		network.Conv2D{Name: "conv", Out: 4, Kernel: network.Square(3), NoBias: true},
		network.BatchNorm{Name: "bn"},
		network.Activation(models.Tanh),
		network.Residual{Layers: network.Layers{
			network.Conv2D{Out: 4, Kernel: network.Square(3), Padding: network.Around(1), Groups: 2},
			network.BatchNorm{},
			network.Activation(models.GELU),
		}},
		network.AvgPool{Kernel: network.Square(2)},
		network.Flatten{},
		network.Dropout{P: 0.2},
		network.LayerNorm{},
		network.Dense{Name: "out", Out: 3},
	}}, network.Settings{}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func convNetTraining(t testing.TB, hooks ...trainer.Hook) (*trainer.Trainer, models.Model) {
	t.Helper()
	n := newConvNet(t)
	tr, err := trainer.New(trainer.Config{
		Epochs: 6, BatchSize: 16, Rate: trainer.Rate{Base: 0.02}, Seed: 1, Optimizer: trainer.OptimizerConfig{Name: "adam"},
	}, n, stripes(), hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return tr, n
}

// A run with batch normalisation and dropout ends with the same bits whatever watches
// it, and if it is interrupted.
func TestHooksOnTrainingForm(t *testing.T) {
	alone, want := convNetTraining(t)
	if _, err := alone.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	hooks := allHooks(t, dir)
	hooks[0].(*callbacks.Spectrum).Schedule = trainer.Schedule{Every: 2} // whatever it costs
	hooks[2].(*callbacks.Margin).Schedule = trainer.Schedule{Every: 3}
	hooks[5].(*callbacks.EarlyStopping).RestoreBest = "" // keeps the last parameters
	hooks[5].(*callbacks.EarlyStopping).Rule.AtMost = new(-1.0)
	ctx, cancel := context.WithCancel(t.Context())
	cut := &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
		if s.Step == 10 {
			cancel()
		}
		return nil
	}}
	watched, _ := convNetTraining(t, append(hooks, cut)...)
	if _, err := watched.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v; want a cancelled context", err)
	}
	c, err := trainer.ReadCheckpoint(filepath.Join(dir, "checkpoints", "last.npz"))
	if err != nil {
		t.Fatal(err)
	}
	resumed, have := convNetTraining(t, append(hooks[:len(hooks):len(hooks)], new(probe))...)
	if err := resumed.Restore(c); err != nil {
		t.Fatal(err)
	}
	if _, err := resumed.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(models.Export(models.State(want)), models.Export(models.State(have))); diff != "" {
		t.Errorf("parameters and running statistics (-alone +watched):\n%s", diff)
	}
	for _, metric := range []string{
		"spectrum/lambda_max", "boundary/margin", "boundary/directions", "sharpness/critical_low", "sharpness/fisher_trace",
	} {
		if _, ok := resumed.State().Last(metric); !ok {
			t.Errorf("%s was not measured", metric)
		}
	}
}

// The best epoch is put back with its running statistics.
func TestRestoreBestOfTrainingForm(t *testing.T) {
	stop := &callbacks.EarlyStopping{RestoreBest: "validation/loss"}
	tr, n := convNetTraining(t, stop, &raiser{})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	restored, ok := tr.State().Restored()
	if !ok {
		t.Fatal("nothing was restored")
	}
	split, err := stripes().Split(datasets.Validation)
	if err != nil {
		t.Fatal(err)
	}
	o, err := models.NewObjective(n, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := o.Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Loss != restored.Value {
		t.Errorf("the loss of the restored network is %v; want %v, of epoch %d", e.Loss, restored.Value, restored.Epoch)
	}
}

// raiser makes the last epochs bad, so that an earlier one is the best.
type raiser struct{}

func (*raiser) Name() string { return "raiser" }

func (*raiser) EpochBegin(_ context.Context, s *trainer.State) error {
	if s.Epoch >= 4 {
		for _, p := range s.Model.Parameters() {
			models.SetValues(p.Value, make([]float64, p.Value.DataSize()))
		}
	}
	return nil
}

// All that analyze measures of a convolutional network with batch normalisation is
// consistent.
func TestAnalyzeConvNet(t *testing.T) {
	tr, n := convNetTraining(t)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	split := &stripes().Splits[0]
	top := make(map[curvature.Method][]float64)
	for _, method := range []curvature.Method{curvature.Dense, curvature.Lanczos, curvature.Reduced} {
		r, err := analysis.Analyze(t.Context(), n, split, analysis.Settings{Spectrum: curvature.Settings{Method: method, Top: 4}})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Spectrum.Converged || r.Complexity == nil || r.EffectiveRank == nil || r.Critical == nil {
			t.Errorf("%v: converged %v (%s), complexity %v, effective rank %v", method, r.Spectrum.Converged, r.Spectrum.Reason, r.Complexity, r.EffectiveRank)
		}
		if r.Model.FrozenStatistics != 16 {
			t.Errorf("%d frozen statistics; want 16", r.Model.FrozenStatistics)
		}
		var text bytes.Buffer
		if err := r.WriteTable(&text); err != nil || !bytes.Contains(text.Bytes(), []byte("measured with its running statistics, frozen: 16 values")) {
			t.Errorf("error %v, table\n%s", err, &text)
		}
		top[method] = r.Spectrum.Top
	}
	for method, values := range top {
		if off := floats.Distance(values, top[curvature.Dense], math.Inf(1)); off > 1e-8*values[0] {
			t.Errorf("%v: eigenvalues are %g off those of dense", method, off)
		}
	}
	for _, matrix := range []analysis.Matrix{analysis.GaussNewton, analysis.EmpiricalFisher} {
		r, err := analysis.Analyze(t.Context(), n, split, analysis.Settings{Matrix: matrix, NoComplexity: true})
		if err != nil {
			t.Fatal(err)
		}
		if r.Spectrum.Bottom[0] < -1e-10*r.Spectrum.Top[0] {
			t.Errorf("%s has the eigenvalue %g; want none below 0", matrix, r.Spectrum.Bottom[0])
		}
	}
}

// The spectra of the layers add up: the traces of the blocks are that of the whole.
func TestLayerSpectraOfConvNet(t *testing.T) {
	tr, n := convNetTraining(t)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	trace := func(only ...string) float64 {
		a, err := analysis.New(analysis.Subject{Model: n, Split: &stripes().Splits[0], Settings: models.ObjectiveSettings{Only: only}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := a.Measure(t.Context(), curvature.Settings{Method: curvature.Dense})
		if err != nil {
			t.Fatal(err)
		}
		return m.Spectrum.Trace.Value
	}
	whole, sum := trace(), 0.0
	for _, layer := range []string{"conv", "bn", "3", "7", "out"} {
		sum += trace(layer)
	}
	if math.Abs(whole-sum) > 1e-10*math.Abs(whole) {
		t.Errorf("the traces of the layers sum to %v; want %v", sum, whole)
	}
}

// The margin of a network that is no MLP: points on the boundary, at the distances.
func TestMarginOfConvNet(t *testing.T) {
	tr, n := convNetTraining(t)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	field, err := models.NewField(n, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	split := &stripes().Splits[0]
	d, err := margin.Measure(t.Context(), field, split, margin.Settings{Samples: 12, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Summary()
	if s.Min == nil || *s.Min <= 0 || s.Unconverged > 0 || s.Unbounded > 0 {
		t.Fatalf("margin %v, %d not converged, %d without a boundary", s.Min, s.Unconverged, s.Unbounded)
	}
	logits := make([]float64, 3)
	if err := field.Logits(t.Context(), logits, s.Point); err != nil {
		t.Fatal(err)
	}
	if distance := floats.Distance(s.Point, split.X[36*s.Sample:36*(s.Sample+1)], 2); math.Abs(distance-*s.Min) > 1e-9**s.Min {
		t.Errorf("the boundary point is %g away; want %g", distance, *s.Min)
	}
	if gap := math.Abs(logits[s.Rival] - logits[split.Labels[s.Sample]]); gap > 1e-6 {
		t.Errorf("the logits differ by %g at the boundary point", gap)
	}
}
