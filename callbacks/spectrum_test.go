package callbacks_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// spectrumRun trains a small net on gauss with the given hooks, for 12 epochs.
func spectrumRun(t *testing.T, precision tensor.Dtype, hooks ...trainer.Hook) *trainer.Trainer {
	t.Helper()
	return spectrumRunOf(t, 12, precision, hooks...)
}

func spectrumRunOf(t *testing.T, epochs int, precision tensor.Dtype, hooks ...trainer.Hook) *trainer.Trainer {
	t.Helper()
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{12, 12}, Classes: 3, Precision: precision}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trainer.New(trainer.Config{Epochs: epochs, BatchSize: 64, Rate: trainer.Rate{Base: 0.1}, Seed: 1}, m, data, hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// trainLoss returns the loss on the train split, at the final parameters.
func trainLoss(t *testing.T, tr *trainer.Trainer) *models.Objective {
	t.Helper()
	split, err := tr.State().Data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	o, err := models.NewObjective(tr.State().Model, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// allEigenvalues returns all eigenvalues of the Hessian at the final parameters.
func allEigenvalues(t *testing.T, tr *trainer.Trainer) *curvature.Spectrum {
	t.Helper()
	s, err := curvature.Solve(context.Background(), curvature.Hessian{Objective: trainLoss(t, tr)}, curvature.Settings{Method: curvature.Dense})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// above returns how many values are larger than the threshold.
func above(values []float64, threshold float64) int {
	count := 0
	for _, v := range values {
		if v > threshold {
			count++
		}
	}
	return count
}

// gradientShare returns the share of ‖∇L‖² in the space of the three largest
// eigenvectors.
func gradientShare(t *testing.T, tr *trainer.Trainer, s *curvature.Spectrum) float64 {
	t.Helper()
	var g mat.VecDense
	g.ReuseAsVec(s.Dim)
	if _, err := trainLoss(t, tr).Gradient(t.Context(), g.RawVector().Data); err != nil {
		t.Fatal(err)
	}
	var along mat.VecDense
	along.MulVec(s.Top.Vectors.Slice(0, 3, 0, s.Dim), &g)
	return math.Pow(mat.Norm(&along, 2)/mat.Norm(&g, 2), 2)
}

func TestSpectrumMeasuresTheHessian(t *testing.T) {
	for name, c := range map[string]struct {
		method    curvature.Method
		precision tensor.Dtype
		products  tensor.Dtype
		residual  float64 // largest, relative to λ₁
		tolerance float64 // relative to λ₁
	}{
		"dense":            {curvature.Dense, tensor.Float64, tensor.Float64, 1e-8, 1e-12},
		"lanczos":          {curvature.Lanczos, tensor.Float64, tensor.Float64, 1e-8, 1e-8},
		"float32 network":  {curvature.Dense, tensor.Float32, tensor.Float64, 1e-8, 1e-12}, // measured in float64 all the same
		"float32 products": {curvature.Lanczos, tensor.Float64, tensor.Float32, 1e-5, 1e-8},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			hook := &callbacks.Spectrum{Dir: dir, Schedule: trainer.Schedule{Every: 4}, Products: c.products, Settings: curvature.Settings{Method: c.method, Tolerance: c.residual, Bottom: 1}}
			tr := spectrumRun(t, c.precision, hook)
			if _, err := tr.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			want := allEigenvalues(t, tr)
			outliers, resolved := above(want.All, want.Top.Values[0]/10), 1.0
			if c.method == curvature.Lanczos { // which finds five of them, and knows that there may be more
				outliers, resolved = 5, 0
			}
			for metric, value := range map[string]float64{
				"spectrum/lambda_max": want.Top.Values[0],
				"spectrum/lambda_min": want.Bottom.Values[0],
				"spectrum/converged":  1,
				"spectrum/samples":    150,
				"spectrum/pairs":      6,
				"spectrum/outliers":   float64(outliers),

				"spectrum/outliers_resolved": resolved,
				"spectrum/edge_of_stability": 0.1 * want.Top.Values[0] / 2,
				"spectrum/gradient_share":    gradientShare(t, tr, want),
			} {
				got, fresh := tr.State().Fresh(metric)
				if !fresh || math.Abs(got-value) > c.tolerance*want.Top.Values[0] {
					t.Errorf("%s = %v (fresh %v), want %v", metric, got, fresh, value)
				}
			}
			if _, ok := tr.State().Fresh("spectrum/trace"); ok != (c.method == curvature.Dense) {
				t.Errorf("trace recorded: %v", ok)
			}
			for _, epoch := range []string{"000000", "000004", "000008", "000012"} {
				arrays, err := weights.Read(filepath.Join(dir, "spectrum-"+epoch+".npz"))
				if err != nil {
					t.Fatal(err)
				}
				single := slices.ContainsFunc(arrays, func(a weights.Array) bool { return a.Name == "product_bits" && a.Data[0] == 32 })
				if single != (c.products == tensor.Float32) {
					t.Errorf("epoch %s: products in float32: %t", epoch, single)
				}
				if a := arrays[2]; a.Name != "top_vectors" || a.Shape[0] != 5 || a.Shape[1] != want.Dim {
					t.Errorf("epoch %s: array %q of shape %v, want top_vectors of [5 %d]", epoch, a.Name, a.Shape, want.Dim)
				}
			}
			if files, _ := os.ReadDir(dir); len(files) != 4 {
				t.Errorf("%d measurements, want 4", len(files))
			}
		})
	}
}

// With the empirical Fisher matrix there is no edge of stability to tell.
func TestSpectrumOfTheEmpiricalFisherMatrix(t *testing.T) {
	tr := spectrumRun(t, tensor.Float32, &callbacks.Spectrum{Matrix: analysis.EmpiricalFisher, Settings: curvature.Settings{Tolerance: 1e-8}})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := tr.State()
	o, err := models.NewObjective(s.Model, models.CrossEntropy, &s.Data.Splits[0], models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := curvature.Solve(t.Context(), curvature.EmpiricalFisher{Objective: o}, curvature.Settings{Method: curvature.Dense})
	if err != nil {
		t.Fatal(err)
	}
	if have, ok := s.Fresh("spectrum/lambda_max"); !ok || math.Abs(have-want.Top.Values[0]) > 1e-10*want.Top.Values[0] {
		t.Errorf("λ₁ = %v, want %v", have, want.Top.Values[0])
	}
	if edge, ok := s.Last("spectrum/edge_of_stability"); ok {
		t.Errorf("edge of stability %v of a matrix that is not the Hessian", edge)
	}
}

func TestSpectrumStartsWarm(t *testing.T) {
	var hvps []float64
	hook := &callbacks.Spectrum{Schedule: trainer.Schedule{At: []int{11}}, Settings: curvature.Settings{Method: curvature.Lanczos, Top: 4, Bottom: -1}}
	spy := onEpochEnd(func(s *trainer.State) {
		if n, fresh := s.Fresh("spectrum/hvps"); fresh {
			hvps = append(hvps, n)
		}
	})
	if _, err := spectrumRun(t, tensor.Float64, hook, spy).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(hvps) != 2 || hvps[1] >= hvps[0] {
		t.Errorf("Hessian-vector products %v; want two measurements, the second from the vectors of the first with fewer", hvps)
	}
}

// onEpochEnd is a hook that calls a function at the end of each epoch.
type onEpochEnd func(*trainer.State)

func (onEpochEnd) Name() string { return "spy" }

func (f onEpochEnd) EpochEnd(_ context.Context, s *trainer.State) error {
	f(s)
	return nil
}

func TestSpectrumOfASubset(t *testing.T) {
	hook := &callbacks.Spectrum{Samples: 40, Schedule: trainer.Schedule{At: []int{0}}}
	tr := spectrumRun(t, tensor.Float64, hook)
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n, _ := tr.State().Fresh("spectrum/samples"); n != 40 {
		t.Errorf("measured on %v samples, want 40", n)
	}
	got, _ := tr.State().Fresh("spectrum/lambda_max")
	if whole := allEigenvalues(t, tr).Top.Values[0]; got == whole {
		t.Errorf("λ₁ of 40 samples is that of all: %v", got)
	}
}

func TestCancelledSpectrumKeepsItsMemory(t *testing.T) {
	hook := new(callbacks.Spectrum)
	tr := spectrumRunOf(t, 2000, tensor.Float64, hook)
	if err := hook.TrainBegin(context.Background(), tr.State()); err != nil {
		t.Fatal(err)
	}
	before, err := hook.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := hook.EpochEnd(ctx, tr.State()); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	after, err := hook.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("a cancelled measurement changed the hook's state")
	}
}

// A run on a budget that is interrupted and resumed measures the same as an
// uninterrupted one.
func TestSpectrumOfAResumedRun(t *testing.T) {
	const epochs = 300
	session := func(dir string, c *canceller) error {
		return measuredSession(t, dir, epochs, &callbacks.Spectrum{Settings: curvature.Settings{DenseLimit: 1}}, c)
	}
	dir, want := t.TempDir(), t.TempDir()
	for _, c := range []canceller{{epoch: 0}, {epoch: 30}, {epoch: 101, batch: true}, {epoch: 170}, {epoch: 300}} {
		if err := session(dir, &c); !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled at epoch %d: error %v", c.epoch, err)
		}
	}
	if err := errors.Join(session(dir, &canceller{epoch: -1}), session(want, &canceller{epoch: -1})); err != nil {
		t.Fatal(err)
	}
	var lines [2]string
	for i, dir := range []string{want, dir} {
		text, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = spectrumTimes.ReplaceAllString(string(text), "")
	}
	if diff := cmp.Diff(lines[0], lines[1]); diff != "" {
		t.Errorf("metrics (-uninterrupted +resumed):\n%s", diff)
	}
	if n := strings.Count(lines[1], "spectrum/lambda_max_low"); n < 10 {
		t.Errorf("λ₁ was measured at %d epochs, want 10 or more", n)
	}
}

var spectrumTimes = regexp.MustCompile(`"(spectrum/time_share|[a-z/]*seconds)": ?[0-9.e-]+,?|"crc32": "[0-9a-f]+"`)

// Settings that cannot be solved with are refused before the first epoch.
func TestSpectrumRefusesSettings(t *testing.T) {
	for want, hook := range map[string]*callbacks.Spectrum{
		"tolerance -1":        {Settings: curvature.Settings{Tolerance: -1}},
		"unknown method":      {Settings: curvature.Settings{Method: "qr"}},
		"at most 1 applicati": {Settings: curvature.Settings{Method: curvature.Lanczos, MaxApplications: 1}},
		"nobody":              {Split: "nobody"},
		"no such matrix":      {Matrix: "no such matrix"},
		"no such layer":       {Only: []string{"no such layer"}},
		"Every is -1":         {Schedule: trainer.Schedule{Every: -1}},
	} {
		tr := spectrumRun(t, tensor.Float64, hook)
		if err := hook.TrainBegin(t.Context(), tr.State()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want one with %q", err, want)
		}
	}
}

func TestSpectrumRefusesABrokenSnapshot(t *testing.T) {
	for _, data := range []string{"", "x", "{}"} {
		if err := new(callbacks.Spectrum).Restore([]byte(data)); err == nil {
			t.Errorf("Restore(%q) succeeded", data)
		}
	}
}
