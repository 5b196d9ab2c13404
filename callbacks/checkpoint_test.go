package callbacks_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// scores records one given number per epoch, as a metric for Best.
type scores struct {
	better trainer.Direction
	values []float64 // from epoch 0; not recorded at epochs after the last
}

func (scores) Name() string { return "scores" }
func (c scores) Metrics() []trainer.Metric {
	return []trainer.Metric{{Name: "scores/value", Meaning: "a given number", Better: c.better}}
}

func (c scores) EpochEnd(_ context.Context, s *trainer.State) error {
	if s.Epoch >= len(c.values) {
		return nil
	}
	return s.Record("scores/value", c.values[s.Epoch])
}

func TestCheckpointBest(t *testing.T) {
	for _, test := range []struct {
		name   string
		scores scores
		want   int // epoch of best.npz
	}{
		{"lower", scores{trainer.Lower, []float64{3, 1, 2, 0.5, 0.7, 2, 1}}, 3},
		{"higher", scores{trainer.Higher, []float64{3, 1, 5, 4, 4, 4, 4}}, 2},
		{"the first of equals", scores{trainer.Higher, []float64{0, 1, 1, 1, 0, 1, 1}}, 1},
		{"the first of all", scores{trainer.Lower, []float64{0, 0, 0, 0, 0, 0, 0}}, 0},
		{"not where it is stale", scores{trainer.Lower, []float64{3, 2}}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			tr, _ := newTraining(t, test.scores, &callbacks.Checkpoint{Dir: dir, Interval: -1, Best: "scores/value"})
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			best, err := trainer.ReadCheckpoint(filepath.Join(dir, "best.npz"))
			if err != nil {
				t.Fatal(err)
			}
			if best.Progress.Epoch != test.want {
				t.Errorf("best.npz is of epoch %d, want %d", best.Progress.Epoch, test.want)
			}
			// The state in best.npz has the reading of this epoch as the best.
			var state struct{ Best *trainer.Reading }
			if err := trainer.DecodeState(best.Hooks["checkpoint"], &state); err != nil || state.Best == nil || state.Best.Epoch != test.want {
				t.Errorf("best.npz holds the state %+v, error %v; want the reading of epoch %d", state.Best, err, test.want)
			}
		})
	}
}

// A folder that becomes a link while the run trains is not followed.
func TestFoldersThatBecomeLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	every := trainer.Schedule{Every: 1}
	for name, hook := range map[string]func(dir string) trainer.Hook{
		"checkpoint": func(dir string) trainer.Hook { return &callbacks.Checkpoint{Dir: dir, Schedule: every, Keep: true} },
		"spectrum":   func(dir string) trainer.Hook { return &callbacks.Spectrum{Dir: dir, Schedule: every} },
		"margin": func(dir string) trainer.Hook {
			return &callbacks.Margin{Dir: dir, Schedule: every, Samples: 3}
		},
	} {
		t.Run(name, func(t *testing.T) {
			top, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			dir, outside := filepath.Join(top, "run", "files"), filepath.Join(top, "outside")
			if err := os.Mkdir(outside, 0o755); err != nil {
				t.Fatal(err)
			}
			swap := onEpochEnd(func(s *trainer.State) {
				if s.Epoch != 2 {
					return
				}
				if err := errors.Join(os.Rename(dir, filepath.Join(top, "moved")), os.Symlink(outside, dir)); err != nil {
					t.Error(err)
				}
			})
			_, err = spectrumRun(t, tensor.Float64, swap, hook(dir)).Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), dir+" leads to "+outside+" by now") {
				t.Errorf("error %v", err)
			}
			if entries, err := os.ReadDir(outside); err != nil || len(entries) != 0 {
				t.Errorf("%d files were written outside, error %v", len(entries), err)
			}
			if entries, err := os.ReadDir(filepath.Join(top, "moved")); err != nil || len(entries) == 0 {
				t.Errorf("%d files were written before, error %v", len(entries), err)
			}
		})
	}
}

func TestCheckpointRefuses(t *testing.T) {
	for _, test := range []struct {
		hook callbacks.Checkpoint
		want string
	}{
		{callbacks.Checkpoint{Best: "scores/valeu"}, `did you mean "scores/value"?`},
		{callbacks.Checkpoint{Best: "scores/value"}, `neither lower nor higher is better`},
		{callbacks.Checkpoint{Schedule: trainer.Schedule{Every: -1}}, "Schedule.Every is -1"},
	} {
		test.hook.Dir = t.TempDir()
		tr, _ := newTraining(t, scores{better: trainer.Neither}, &test.hook)
		if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q in it", err, test.want)
		}
	}
}

func TestCheckpointFiles(t *testing.T) {
	for _, test := range []struct {
		name string
		hook callbacks.Checkpoint
		want []string
	}{
		{"zero", callbacks.Checkpoint{}, []string{"last.npz", "previous.npz"}},
		{"schedule", callbacks.Checkpoint{Schedule: trainer.Schedule{Every: 4}}, []string{"last.npz", "previous.npz"}},
		{"keep the last", callbacks.Checkpoint{Keep: true}, []string{"epoch-000006.npz", "last.npz", "previous.npz"}},
		{
			"keep",
			callbacks.Checkpoint{Keep: true, Schedule: trainer.Schedule{Every: 4, SkipFinal: true}},
			[]string{"epoch-000000.npz", "epoch-000004.npz", "last.npz", "previous.npz"},
		},
		{"best", callbacks.Checkpoint{Best: "train/accuracy"}, []string{"best.npz", "last.npz", "previous.npz"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.hook.Dir = filepath.Join(t.TempDir(), "new", "checkpoints")
			tr, model := newTraining(t, &test.hook)
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, fileNames(t, test.hook.Dir)); diff != "" {
				t.Errorf("files (-want +have):\n%s", diff)
			}
			last, err := trainer.ReadCheckpoint(filepath.Join(test.hook.Dir, "last.npz"))
			if err != nil {
				t.Fatal(err)
			}
			if last.Progress.Epoch != testEpochs {
				t.Errorf("last.npz is of epoch %d, want %d", last.Progress.Epoch, testEpochs)
			}
			parameters := models.Export(model.Parameters())
			if diff := cmp.Diff(parameters, last.Arrays[:len(parameters)]); diff != "" {
				t.Errorf("last.npz (-model +file):\n%s", diff)
			}
		})
	}
}

func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A run is also saved between two steps when the interval has passed.
func TestCheckpointInterval(t *testing.T) {
	dir := t.TempDir()
	last := filepath.Join(dir, "last.npz")
	watch := func(saved *[]int) *probe {
		return &probe{batchEnd: func(context.Context, *trainer.State) error {
			if c, err := trainer.ReadCheckpoint(last); err == nil && !slices.Contains(*saved, c.Progress.Step) {
				*saved = append(*saved, c.Progress.Step)
			}
			return nil
		}}
	}
	var steps []int
	tr, _ := newTraining(t, watch(&steps), &callbacks.Checkpoint{Dir: dir, Interval: time.Nanosecond})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(steps) != testEpochs*testSteps { // each sees that of the step before, the first that of epoch 0
		t.Errorf("saved at the steps %v, want each of %d", steps, testEpochs*testSteps)
	}
	if err := os.Remove(last); err != nil {
		t.Fatal(err)
	}
	steps = nil
	tr, _ = newTraining(t, watch(&steps), &callbacks.Checkpoint{Dir: dir, Interval: -1})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(steps, []int{0}) {
		t.Errorf("saved at the steps %v, want none between the start and the end", steps)
	}
}

// The checkpoint before the last is kept, and is sound while the last is written.
func TestCheckpointPrevious(t *testing.T) {
	dir := t.TempDir()
	p := &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
		last, err1 := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
		previous, err2 := trainer.ReadCheckpoint(filepath.Join(dir, "previous.npz"))
		switch {
		case err1 != nil || last.Progress.Step != s.Step-1:
			t.Errorf("step %d: the last checkpoint has another step, or the error %v", s.Step, err1)
		case s.Step == 1 && !errors.Is(err2, fs.ErrNotExist):
			t.Errorf("step 1: there is a previous checkpoint, or the error %v", err2)
		// The end of an epoch is saved after its last step is.
		case s.Step > 1 && (err2 != nil || previous.Progress.Step != s.Step-2 && last.Progress.Stage == previous.Progress.Stage):
			t.Errorf("step %d: the previous checkpoint has another step, or the error %v", s.Step, err2)
		}
		return nil
	}}
	tr, _ := newTraining(t, p, &callbacks.Checkpoint{Dir: dir, Interval: time.Nanosecond})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Nothing is saved after a loss that is not finite: hooks remember what came after the
// epoch to which the trainer has returned.
func TestCheckpointNotFinite(t *testing.T) {
	dir := t.TempDir()
	var before []float64
	p := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		first := s.Model.Parameters()[0].Value
		switch s.Epoch {
		case 2:
			before = models.Values(first)
		case 3:
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "probe"})
			return s.Record("probe/calls", 1/(first.Float64s()[0]*0))
		}
		return nil
	}}
	tr, _ := newTraining(t, p, &callbacks.Checkpoint{Dir: dir, Schedule: trainer.Schedule{Every: 1}}, &callbacks.RunRecord{Path: filepath.Join(dir, "run.json")})
	stop, err := tr.Run(t.Context())
	if !errors.Is(err, models.ErrNotFinite) || stop.Reason != trainer.NotFinite {
		t.Fatalf("stop %+v, error %v; want not finite", stop, err)
	}
	last, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, last.Arrays[0].Data); diff != "" {
		t.Errorf("last.npz (-epoch 2 +file):\n%s", diff)
	}
	if last.Progress.Epoch != 2 || last.Progress.Stop != nil {
		t.Errorf("last.npz is at epoch %d, stop %v; want the end of epoch 2", last.Progress.Epoch, last.Progress.Stop)
	}
	recorded, err := record.ReadRun(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if recorded.Status != record.StatusNotFinite || recorded.Epoch != 2 || !strings.Contains(recorded.Error, `"probe/calls"`) {
		t.Errorf("status %q, epoch %d, error %q", recorded.Status, recorded.Epoch, recorded.Error)
	}
	for name, r := range recorded.Final {
		if r.Epoch > 2 {
			t.Errorf("%s is of epoch %d, which was taken back", name, r.Epoch)
		}
	}
}

// If best.npz could not be written, it is written when the run is resumed.
func TestCheckpointBestFailed(t *testing.T) {
	dir := t.TempDir()
	best, last := filepath.Join(dir, "best.npz"), filepath.Join(dir, "last.npz")
	values := scores{trainer.Lower, []float64{3, 1, 2, 2, 2, 2, 2}}
	p := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		if s.Epoch != 1 {
			return nil
		}
		return errors.Join(os.Remove(best), os.MkdirAll(filepath.Join(best, "in the way"), 0o755))
	}}
	tr, _ := newTraining(t, p, values, &callbacks.Checkpoint{Dir: dir, Best: "scores/value"})
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), best) {
		t.Fatalf("error %v, want one that names %s", err, best)
	}
	if err := os.RemoveAll(best); err != nil {
		t.Fatal(err)
	}
	c, err := trainer.ReadCheckpoint(last)
	if err != nil {
		t.Fatal(err)
	}
	tr, _ = newTraining(t, new(probe), values, &callbacks.Checkpoint{Dir: dir, Best: "scores/value"})
	if err := tr.Restore(c); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err = trainer.ReadCheckpoint(best); err != nil || c.Progress.Epoch != 1 {
		t.Errorf("best.npz is %+v, error %v; want that of epoch 1", c, err)
	}
}

// deaf is a hook that returns an error when it is told of an interrupt.
type deaf struct{}

func (deaf) Name() string { return "deaf" }
func (deaf) Interrupted(context.Context, *trainer.State, error) error {
	return errors.New("what?")
}

// A run is saved even if other hooks fail.
func TestCheckpointBesideFailingHook(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := &probe{batchEnd: func(context.Context, *trainer.State) error { cancel(); return nil }}
	tr, _ := newTraining(t, p, deaf{}, &callbacks.Checkpoint{Dir: dir})
	_, err := tr.Run(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "hook deaf: what?") {
		t.Errorf("error %v, want both", err)
	}
	if last, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz")); err != nil || last.Progress.Step != 1 {
		t.Errorf("checkpoint %+v, error %v; want one at step 1", last, err)
	}
}
