package callbacks_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// planeRun trains on gauss and returns what is stored at the last epoch, and the
// trainer.
func planeRun(t *testing.T, dtype tensor.Dtype, plane *callbacks.Plane) (record.Arrays, *trainer.Trainer) {
	t.Helper()
	folder := record.Folder(t.TempDir())
	plane.Spectrum = &callbacks.Spectrum{Schedule: trainer.Schedule{At: []int{12}}, Dir: folder.Measurements()}
	tr := spectrumRun(t, dtype, plane.Spectrum, plane)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrays, err := folder.ReadSpectrum(12, "top_vectors", "plane_box", "plane_predicted", "plane_gap", "plane_alignments")
	if err != nil {
		t.Fatal(err)
	}
	return arrays, tr
}

// What is stored is what boundary.AlignAt computes at the centres of the cells: the
// first row is the uppermost.
func TestPlane(t *testing.T) {
	const side = 7
	for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		arrays, tr := planeRun(t, dtype, &callbacks.Plane{Side: side})
		box := arrays["plane_box"].Data
		if width, height := box[1]-box[0], box[3]-box[2]; math.Abs(width-height) > 1e-12*width {
			t.Fatalf("box %v; want a square", box)
		}
		x := tr.State().Data.Splits[0].Values()
		for i := 0; i < len(x); i += 2 {
			if x[i] <= box[0] || x[i] >= box[1] || x[i+1] <= box[2] || x[i+1] >= box[3] {
				t.Fatalf("sample (%g, %g) is outside of the box %v", x[i], x[i+1], box)
			}
		}
		var centres []float64
		step := (box[1] - box[0]) / side
		for row := range side {
			for column := range side {
				centres = append(centres, box[0]+(float64(column)+0.5)*step, box[3]-(float64(row)+0.5)*step)
			}
		}
		v := arrays["top_vectors"]
		at, err := boundary.AlignAt(t.Context(), tr.State().Model, centres, mat.NewDense(v.Shape[0], v.Shape[1], v.Data), 0, models.ObjectiveSettings{Precision: tensor.Float64})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{5, side, side}, arrays["plane_alignments"].Shape); diff != "" {
			t.Errorf("shape of the alignments (-want +have):\n%s", diff)
		}
		for i, class := range at.Predicted {
			if arrays["plane_predicted"].Data[i] != float64(class) || math.Abs(arrays["plane_gap"].Data[i]-at.Gaps[i]) > 1e-9 {
				t.Fatalf("%v, cell %d: class %v with the gap %v; want %d, %v", dtype, i, arrays["plane_predicted"].Data[i], arrays["plane_gap"].Data[i], class, at.Gaps[i])
			}
			for k := range 5 {
				// The centres are rounded differently, and so are chunks of another size.
				if have, want := arrays["plane_alignments"].Data[k*side*side+i], at.Values.At(i, k); math.Abs(have-want) > 1e-9 {
					t.Fatalf("%v, cell %d, v%d: alignment %v; want %v", dtype, i, k+1, have, want)
				}
			}
		}
	}
}

// By default the number of cells follows the cost of the spectrum, within bounds.
func TestPlaneSide(t *testing.T) {
	arrays, _ := planeRun(t, tensor.Float64, new(callbacks.Plane))
	if side := arrays["plane_gap"].Shape[0]; side < 24 || side > 64 {
		t.Errorf("%d cells along a side; want 24 to 64", side)
	}
}

// A run that is resumed stores the same as one that was not interrupted, and ends with
// the same parameters as one without a Plane.
func TestPlaneResumes(t *testing.T) {
	train := func(ctx context.Context, dir string, watched bool, hooks ...trainer.Hook) ([]weights.Array, error) {
		spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 4}, Dir: dir}
		hooks = append(hooks, spectrum, &callbacks.Checkpoint{Dir: dir, Interval: -1})
		if watched {
			hooks = append(hooks, &callbacks.Plane{Spectrum: spectrum, Side: 6})
		}
		tr := spectrumRun(t, tensor.Float64, hooks...)
		if c, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz")); err == nil {
			if err := tr.Restore(c); err != nil {
				t.Fatal(err)
			}
		}
		_, err := tr.Run(ctx)
		return models.Export(tr.State().Model.Parameters()), err
	}
	ctx, cancel := context.WithCancel(t.Context())
	interrupt := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		if s.Epoch == 6 {
			cancel()
		}
		return nil
	}}
	cut, whole := t.TempDir(), t.TempDir()
	if _, err := train(ctx, cut, true, interrupt); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v; want a cancelled context", err)
	}
	resumed, err1 := train(t.Context(), cut, true, new(probe))
	unbroken, err2 := train(t.Context(), whole, true, new(probe))
	alone, err3 := train(t.Context(), t.TempDir(), false, new(probe))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alone, resumed) + cmp.Diff(alone, unbroken); diff != "" {
		t.Errorf("parameters differ from those of a run without a Plane:\n%s", diff)
	}
	for _, epoch := range []int{4, 8, 12} {
		var stored [2][]weights.Array
		for i, dir := range []string{whole, cut} {
			var err error
			if stored[i], err = weights.Read(filepath.Join(dir, record.SpectrumFile(epoch))); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(stored[0], stored[1]); diff != "" {
			t.Errorf("epoch %d (-uninterrupted +resumed):\n%s", epoch, diff)
		}
	}
}

func TestPlaneRefuses(t *testing.T) {
	spectrum := &callbacks.Spectrum{}
	tr, _ := newTraining(t, spectrum, &callbacks.Plane{Spectrum: spectrum})
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "plane: the inputs have 4 values; a Plane wants a model with 2") {
		t.Errorf("error %v; want one of the inputs", err)
	}
	for _, test := range []struct {
		hook *callbacks.Plane
		want string
	}{
		{&callbacks.Plane{Side: 1}, "Side is 1; want 0, for the default, or 2 to 512 cells"},
		{&callbacks.Plane{}, "Spectrum is nil"},
		{&callbacks.Plane{Spectrum: spectrum}, "is not a hook of this run"},
	} {
		tr := spectrumRun(t, tensor.Float64, test.hook)
		if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v; want %q", err, test.want)
		}
	}
}

// What a Plane adds to the measurements of the paper's network.
func BenchmarkPlane(b *testing.B) {
	data, err := datasets.Load(b.Context(), "gauss", datasets.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprintf("plane=%t", watched), func(b *testing.B) {
			for b.Loop() {
				model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{100, 100}, Classes: 3}, trainer.Stream(1, "init", 0))
				if err != nil {
					b.Fatal(err)
				}
				spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 2}, Dir: b.TempDir()}
				hooks := []trainer.Hook{spectrum, &callbacks.Complexity{Spectrum: spectrum}}
				if watched {
					hooks = append(hooks, &callbacks.Plane{Spectrum: spectrum})
				}
				tr, err := trainer.New(trainer.Config{Epochs: 40, BatchSize: 64, Rate: trainer.Rate{Base: 0.02}}, model, data, hooks...)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := tr.Run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
