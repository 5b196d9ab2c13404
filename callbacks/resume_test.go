package callbacks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

const (
	testEpochs = 6
	testSteps  = 3 // an epoch: 120 samples of iris in batches of 50, the last one ragged
)

// newTraining returns a small training run on iris, which is the same each time.
func newTraining(t testing.TB, hooks ...trainer.Hook) (*trainer.Trainer, models.Model) {
	t.Helper()
	data, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: 4, Hidden: []int{5}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trainer.New(trainer.Config{
		Epochs: testEpochs, BatchSize: 50, Rate: trainer.Rate{Base: 0.01}, Seed: 1,
		Optimizer: trainer.OptimizerConfig{Name: "adam"},
	}, model, data, hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return tr, model
}

// probe is a measuring hook with a state. Its functions, if not nil, are called at the
// events of the same name.
type probe struct {
	calls                        int
	epochEnd, batchEnd, trainEnd func(context.Context, *trainer.State) error
}

func (*probe) Name() string { return "probe" }

func (*probe) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: "probe/calls", Meaning: "even epochs so far", Better: trainer.Higher},
		{Name: "probe/<never>", Meaning: "is never recorded", Better: trainer.Neither},
	}
}

func (p *probe) EpochEnd(ctx context.Context, s *trainer.State) error {
	if p.epochEnd != nil {
		if err := p.epochEnd(ctx, s); err != nil {
			return err
		}
	}
	if s.Epoch%2 != 0 {
		return nil
	}
	p.calls++
	return s.Record("probe/calls", float64(p.calls))
}

func (p *probe) BatchEnd(ctx context.Context, s *trainer.State) error {
	if p.batchEnd == nil {
		return nil
	}
	return p.batchEnd(ctx, s)
}

func (p *probe) TrainEnd(ctx context.Context, s *trainer.State) error {
	if p.trainEnd == nil {
		return nil
	}
	return p.trainEnd(ctx, s)
}

func (p *probe) Snapshot() ([]byte, error)     { return json.Marshal(p.calls) }
func (p *probe) Restore(snapshot []byte) error { return json.Unmarshal(snapshot, &p.calls) }

// run trains in dir with new hooks. It resumes from last.npz if there is one.
func run(ctx context.Context, t *testing.T, dir string, p *probe) (models.Model, error) {
	t.Helper()
	logger, err := callbacks.NewLogger(io.Discard, "text")
	if err != nil {
		t.Fatal(err)
	}
	tr, model := newTraining(
		t, p, &callbacks.CriticalSharpness{Along: sharpness.Update, Schedule: trainer.Schedule{Every: 1}},
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
		&callbacks.CSV{Path: filepath.Join(dir, "metrics.csv")},
		logger, &callbacks.Progress{Out: io.Discard},
		&callbacks.Checkpoint{Dir: filepath.Join(dir, "checkpoints"), Interval: -1, Schedule: trainer.Schedule{Every: 2}, Best: "train/loss"},
		&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")},
	)
	last := filepath.Join(dir, "checkpoints", "last.npz")
	if _, err := os.Stat(last); err == nil {
		c, err := trainer.ReadCheckpoint(last)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Restore(c); err != nil {
			t.Fatal(err)
		}
	}
	_, err = tr.Run(ctx)
	return model, err
}

// finish trains to the end and compares the run with an uninterrupted one.
func finish(t *testing.T, dir string) {
	t.Helper()
	model, err := run(t.Context(), t, dir, new(probe))
	if err != nil {
		t.Fatal(err)
	}
	want := t.TempDir()
	wantModel, err := run(t.Context(), t, want, new(probe))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"metrics.jsonl", "metrics.csv"} {
		if diff := cmp.Diff(timeless(t, filepath.Join(want, file)), timeless(t, filepath.Join(dir, file))); diff != "" {
			t.Errorf("%s (-uninterrupted +resumed):\n%s", file, diff)
		}
	}
	if diff := cmp.Diff(models.Export(wantModel.Parameters()), models.Export(model.Parameters())); diff != "" {
		t.Errorf("parameters (-uninterrupted +resumed):\n%s", diff)
	}
	compareBest(t, want, dir)
	recorded, err := record.ReadRun(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if recorded.Status != record.StatusFinished || recorded.Epoch != testEpochs || recorded.Error != "" {
		t.Errorf("status %q, epoch %d, error %q; want finished, %d, none", recorded.Status, recorded.Epoch, recorded.Error, testEpochs)
	}
}

func compareBest(t *testing.T, want, have string) {
	t.Helper()
	var best [2]*trainer.Checkpoint
	for i, dir := range []string{want, have} {
		var err error
		if best[i], err = trainer.ReadCheckpoint(filepath.Join(dir, "checkpoints", "best.npz")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(best[0].Arrays, best[1].Arrays); diff != "" {
		t.Errorf("best.npz (-uninterrupted +resumed):\n%s", diff)
	}
}

var secondsPattern = regexp.MustCompile(`"(?:seconds|spectrum/seconds|spectrum/time_share)": [0-9.e-]+|"crc32": "[0-9a-f]+"|(?m:^(\d+,\d+),[0-9.]+)`)

// timeless returns the lines of a file of metrics without their seconds.
func timeless(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(secondsPattern.ReplaceAllString(string(text), "$1"), "\n")
}

func TestResumeAfterCancel(t *testing.T) {
	cancelAt := func(steps ...int) func(*probe, context.CancelFunc) {
		return func(p *probe, cancel context.CancelFunc) {
			p.batchEnd = func(_ context.Context, s *trainer.State) error {
				for _, step := range steps {
					if s.Step == step {
						cancel()
					}
				}
				return nil
			}
		}
	}
	// measuring abandons the measurement of an epoch, like a hook whose context is
	// cancelled while it measures.
	measuring := func(epoch int) func(*probe, context.CancelFunc) {
		return func(p *probe, cancel context.CancelFunc) {
			p.epochEnd = func(ctx context.Context, s *trainer.State) error {
				if s.Epoch == epoch {
					cancel()
				}
				return ctx.Err()
			}
		}
	}
	for _, test := range []struct {
		name   string
		cancel []func(*probe, context.CancelFunc) // of one session each
	}{
		{"first step", []func(*probe, context.CancelFunc){cancelAt(1)}},
		{"between batches", []func(*probe, context.CancelFunc){cancelAt(2*testSteps + 1)}},
		{"last batch of an epoch", []func(*probe, context.CancelFunc){cancelAt(4 * testSteps)}},
		{"measuring the untrained network", []func(*probe, context.CancelFunc){measuring(0)}},
		{"measuring", []func(*probe, context.CancelFunc){measuring(3)}},
		{"measuring the last epoch", []func(*probe, context.CancelFunc){measuring(testEpochs)}},
		{"often", []func(*probe, context.CancelFunc){measuring(0), cancelAt(2), cancelAt(4), measuring(2), measuring(2), cancelAt(14), measuring(6)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, prepare := range test.cancel {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := new(probe)
				prepare(p, cancel)
				if _, err := run(ctx, t, dir, p); !errors.Is(err, context.Canceled) {
					t.Fatalf("error %v, want a cancelled context", err)
				}
				if recorded, err := record.ReadRun(filepath.Join(dir, "run.json")); err != nil || recorded.Status != record.StatusInterrupted {
					t.Fatalf("record %+v, error %v; want status interrupted", recorded, err)
				}
			}
			finish(t, dir)
		})
	}
}

// A run that is killed leaves the files as they were at that moment.
func TestResumeAfterKill(t *testing.T) {
	for _, step := range []int{1, 7, 8, 13, testEpochs * testSteps} {
		t.Run(fmt.Sprint("step ", step), func(t *testing.T) {
			dir, killed := t.TempDir(), t.TempDir()
			p := &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
				if s.Step != step {
					return nil
				}
				return os.CopyFS(killed, os.DirFS(dir))
			}}
			if _, err := run(t.Context(), t, dir, p); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"metrics.jsonl", "metrics.csv"} { // lines after the checkpoint, more than will be written
				appendTo(t, filepath.Join(killed, file), strings.Repeat(`{"epoch": 4, "st`, 10_000))
			}
			finish(t, killed)
		})
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestResumeAfterTrainEndFailed(t *testing.T) {
	dir := t.TempDir()
	failure := errors.New("disk full")
	p := &probe{trainEnd: func(context.Context, *trainer.State) error { return failure }}
	if _, err := run(t.Context(), t, dir, p); !errors.Is(err, failure) {
		t.Fatalf("error %v, want that of the hook", err)
	}
	finish(t, dir)
}

func TestResumeFinished(t *testing.T) {
	dir := t.TempDir()
	if _, err := run(t.Context(), t, dir, new(probe)); err != nil {
		t.Fatal(err)
	}
	finish(t, dir)
}

// A resumed run needs the file whose length is in its checkpoint.
func TestResumeWithoutFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := run(t.Context(), t, dir, new(probe)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "metrics.jsonl")
	last := filepath.Join(dir, "checkpoints", "last.npz")
	before, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	_, err = run(t.Context(), t, dir, new(probe))
	if err == nil || !strings.Contains(err.Error(), path+": is cut short: it has 10 bytes, but had ") {
		t.Errorf("error %v, want one that names %s", err, path)
	}
	after, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("last.npz was replaced by a run that could not begin")
	}
	if recorded, err := record.ReadRun(filepath.Join(dir, "run.json")); err != nil || recorded.Status != record.StatusFinished {
		t.Errorf("record %+v, error %v; want that of the run before", recorded, err)
	}
}
