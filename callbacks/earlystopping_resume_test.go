package callbacks_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// runStopping trains in dir. The run stops early and puts back the best parameters.
// It is resumed from last.npz if there is one.
func runStopping(ctx context.Context, t *testing.T, dir string, p *probe) (models.Model, trainer.Stop, error) {
	t.Helper()
	rule := stopping.Rule{All: []stopping.Rule{patience2, {Monitor: "probe/calls", Rises: 2}}}
	tr, model := newTraining(
		t, p, rising(), &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 2}}, &callbacks.EarlyStopping{Rule: rule, RestoreBest: "scores/value"},
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
		&callbacks.Checkpoint{Dir: dir, Interval: -1, Schedule: trainer.Schedule{Every: 1}, Best: "scores/value"},
		&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")},
	)
	if c, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz")); err == nil {
		if err := tr.Restore(c); err != nil {
			t.Fatal(err)
		}
	}
	stop, err := tr.Run(ctx)
	return model, stop, err
}

// A run that is interrupted or killed while patience is running stops at the same
// epoch, with the same parameters and the same messages.
func TestResumeEarlyStopping(t *testing.T) {
	want := t.TempDir()
	wantModel, wantStop, err := runStopping(t.Context(), t, want, new(probe))
	if err != nil {
		t.Fatal(err)
	}
	wantRun, err := record.ReadRun(filepath.Join(want, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	timelessMetrics := func(metrics map[string]float64) {
		maps.DeleteFunc(metrics, func(name string, _ float64) bool {
			return name == record.SpectrumSeconds || name == "spectrum/time_share"
		})
	}
	timelessMetrics(wantRun.Restored.Metrics)
	compare := func(t *testing.T, dir string) {
		t.Helper()
		model, stop, err := runStopping(t.Context(), t, dir, new(probe))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wantStop, stop); diff != "" {
			t.Errorf("stop (-uninterrupted +resumed):\n%s", diff)
		}
		if diff := cmp.Diff(models.Export(wantModel.Parameters()), models.Export(model.Parameters())); diff != "" {
			t.Errorf("parameters (-uninterrupted +resumed):\n%s", diff)
		}
		if diff := cmp.Diff(timeless(t, filepath.Join(want, "metrics.jsonl")), timeless(t, filepath.Join(dir, "metrics.jsonl"))); diff != "" {
			t.Errorf("metrics (-uninterrupted +resumed):\n%s", diff)
		}
		recorded, err := record.ReadRun(filepath.Join(dir, "run.json"))
		if timelessMetrics(recorded.Restored.Metrics); !cmp.Equal(recorded.Restored, wantRun.Restored) {
			t.Errorf("restored (-uninterrupted +resumed):\n%s", cmp.Diff(wantRun.Restored, recorded.Restored))
		}
		if err != nil || recorded.Epoch != 4 || recorded.Restored == nil || recorded.Restored.Epoch != 1 || !cmp.Equal(recorded.Stop, &wantStop) {
			t.Errorf("record %+v, error %v; want the stop at epoch 4, and epoch 1 restored", recorded, err)
		}
		last, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
		if parameters := models.Export(wantModel.Parameters()); err != nil || !cmp.Equal(parameters, last.Arrays[:len(parameters)]) {
			t.Errorf("last.npz does not have the restored parameters; error %v", err)
		}
	}
	for step := 1; step <= 4*testSteps; step++ {
		t.Run(fmt.Sprint("interrupted at step ", step), func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
				if s.Step == step {
					cancel()
				}
				return nil
			}}
			if _, _, err := runStopping(ctx, t, dir, p); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v, want a cancelled context", err)
			}
			compare(t, dir)
		})
		t.Run(fmt.Sprint("killed at step ", step), func(t *testing.T) {
			dir, killed := t.TempDir(), t.TempDir()
			p := &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
				if s.Step != step {
					return nil
				}
				return os.CopyFS(killed, os.DirFS(dir))
			}}
			if _, _, err := runStopping(t.Context(), t, dir, p); err != nil {
				t.Fatal(err)
			}
			compare(t, killed)
		})
	}
	t.Run("killed before the parameters were put back", func(t *testing.T) {
		dir, killed := t.TempDir(), t.TempDir()
		p := &probe{trainEnd: func(context.Context, *trainer.State) error { return os.CopyFS(killed, os.DirFS(dir)) }}
		if _, _, err := runStopping(t.Context(), t, dir, p); err != nil {
			t.Fatal(err)
		}
		compare(t, killed)
	})
	t.Run("finished", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(want)); err != nil {
			t.Fatal(err)
		}
		compare(t, dir)
	})
}

// A run that is resumed with another rule counts from there, and with the same rule goes
// on counting.
func TestResumeWithAnotherRule(t *testing.T) {
	train := func(ctx context.Context, p *probe, rises int, from *trainer.Checkpoint) (*trainer.Trainer, trainer.Stop, error) {
		tr, _ := newTraining(t, p, &callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "probe/calls", Rises: rises}})
		if from != nil {
			if err := tr.Restore(from); err != nil {
				t.Fatal(err)
			}
		}
		stop, err := tr.Run(ctx)
		return tr, stop, err
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tr, _, err := train(ctx, &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
		if s.Epoch == 3 {
			cancel()
		}
		return nil
	}}, 2, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	saved, err := tr.State().Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for rises, want := range map[int]int{2: 4, 1: 6} { // values at epochs 0, 2 and 4; at 4 and 6
		tr, stop, err := train(t.Context(), new(probe), rises, saved)
		if err != nil || stop.Reason != trainer.Requested || tr.State().Epoch != want {
			t.Errorf("with %d rises: stop %+v at epoch %d, error %v; want it at epoch %d", rises, stop, tr.State().Epoch, err, want)
		}
	}
}
