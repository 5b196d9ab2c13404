package callbacks_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

func readRun(t *testing.T, path string) *record.Run {
	t.Helper()
	r, err := record.ReadRun(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "run.json")
	begun := time.Now().Add(-2 * time.Second) // the record has whole seconds
	var during *record.Run
	p := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		if s.Epoch == 2 {
			during = readRun(t, path)
		}
		return nil
	}}
	tr, _ := newTraining(t, p, &callbacks.RunRecord{Path: path, Info: map[string]string{"name": "first <run>"}})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if during == nil || during.Status != record.StatusRunning || during.Stop != nil || during.Epoch != 0 {
		t.Errorf("at epoch 2 the record is %+v, want status running since epoch 0", during)
	}

	have := readRun(t, path)
	if have.Started.Before(begun) || have.Updated.Before(have.Started) || have.Host.OS != runtime.GOOS || have.Host.CPUs < 1 || !(have.Seconds >= 0) {
		t.Errorf("started %v, updated %v, host %+v, %g seconds", have.Started, have.Updated, have.Host, have.Seconds)
	}
	state := tr.State()
	want := &record.Run{
		Status: record.StatusFinished, Stop: &trainer.Stop{Reason: trainer.Completed},
		Epoch: testEpochs, Epochs: testEpochs, Step: testEpochs * testSteps, Seed: 1, Loss: "cross_entropy",
		Model:   record.RunModel{Description: "MLP 4-5-3 relu", Parameters: 43, InputShape: []int{4}, Classes: 3, Precision: "float64"},
		Data:    record.RunData{Name: "iris", Fingerprint: state.Data.Fingerprint(), Samples: map[string]int{"train": 120, "test": 30}, ClassSamples: []int{44, 40, 36}},
		Metrics: state.Metrics(), Final: map[string]trainer.Reading{},
		Info: have.Info, Started: have.Started, Updated: have.Updated, Host: have.Host, Seconds: have.Seconds, Version: have.Version,
		Confusion: have.Confusion,
	}
	for _, m := range state.Metrics() {
		if last, ok := state.Last(m.Name); ok {
			want.Final[m.Name] = last
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	for split, samples := range have.Data.Samples {
		checkConfusion(t, have.Confusion[split], samples, have.Final[split+"/accuracy"].Value)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"name": "first <run>"`, `"status": "finished"`, `"reason": "completed"`, `"better": "lower"`, `"input_shape": [`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in\n%s", part, text)
		}
	}
}

// checkConfusion checks that a confusion is of so many samples, and has their accuracy.
func checkConfusion(t *testing.T, c *record.Confusion, samples int, accuracy float64) {
	t.Helper()
	if c == nil {
		t.Fatal("no confusion")
	}
	all, right := 0, 0
	for y, row := range c.Matrix {
		right += row[y]
		for _, n := range row {
			all += n
		}
	}
	if all != samples || float64(right)/float64(all) != accuracy || c.Classes[0] != "setosa" {
		t.Errorf("%+v; want %d samples and the accuracy %v", c, samples, accuracy)
	}
}

// The confusion is that of the network that is kept.
func TestRunRecordConfusion(t *testing.T) {
	for name, hook := range map[string]trainer.Hook{
		"last":     &probe{},
		"restored": &callbacks.EarlyStopping{RestoreBest: "train/accuracy"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run.json")
			tr, _ := newTraining(t, hook, &callbacks.RunRecord{Path: path})
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := readRun(t, path)
			if (r.Restored != nil) != (name == "restored") {
				t.Fatalf("restored %+v", r.Restored)
			}
			for split, samples := range r.Data.Samples {
				accuracy := r.Final[split+"/accuracy"].Value
				if r.Restored != nil {
					accuracy = r.Restored.Metrics[split+"/accuracy"]
				}
				checkConfusion(t, r.Confusion[split], samples, accuracy)
			}
		})
	}
}

// The record is refreshed at the ends of epochs and, in a long epoch, of steps. The clock
// of the bubble advances by the sleep alone.
func TestRunRecordIsRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "run.json")
		var records []*record.Run
		look := func(_ context.Context, s *trainer.State) error {
			r := readRun(t, path)
			if age := time.Since(r.Updated); age > 8*time.Second {
				t.Errorf("at step %d the record is %v old", s.Step, age)
			}
			if n := len(records); n == 0 || records[n-1].Step != r.Step {
				records = append(records, r)
			}
			time.Sleep(2 * time.Second) // a step
			return nil
		}
		tr, _ := newTraining(t, &probe{batchEnd: look, epochEnd: look}, &callbacks.RunRecord{Path: path})
		if _, err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		within, atEnd := 0, 0
		for i, r := range records[1:] {
			if r.Status != record.StatusRunning || r.Stop != nil || r.Final["train/loss"].Epoch != r.Epoch {
				t.Errorf("status %s, stop %v, epoch %d, train/loss %+v", r.Status, r.Stop, r.Epoch, r.Final["train/loss"])
			}
			if r.Updated.Sub(records[i].Updated) < 5*time.Second {
				t.Errorf("records at %v and %v", records[i].Updated, r.Updated)
			}
			if r.Step == r.Epoch*testSteps {
				atEnd++
			} else {
				within++
			}
		}
		if within == 0 || atEnd == 0 {
			t.Errorf("%d records within epochs, %d at their ends; want some of each", within, atEnd)
		}
	})
}

func TestRunRecordEnds(t *testing.T) {
	failure := errors.New("a hook failed")
	for _, test := range []struct {
		name   string
		end    func(s *trainer.State, cancel context.CancelFunc) error // at the end of epoch 2
		status record.Status
		stop   trainer.Stop
		epoch  int
	}{
		{"requested", func(s *trainer.State, _ context.CancelFunc) error {
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "probe", Detail: "seen enough"})
			return nil
		}, record.StatusFinished, trainer.Stop{Reason: trainer.Requested, By: "probe", Detail: "seen enough"}, 2},
		{"cancelled", func(_ *trainer.State, cancel context.CancelFunc) error {
			cancel()
			return nil
		}, record.StatusInterrupted, trainer.Stop{Reason: trainer.Cancelled}, 2},
		{"failed", func(*trainer.State, context.CancelFunc) error {
			return failure
		}, record.StatusFailed, trainer.Stop{Reason: trainer.Failed, Detail: "hook probe: a hook failed"}, 2},
		{"not finite", func(s *trainer.State, _ context.CancelFunc) error {
			return s.Record("probe/calls", math.NaN())
		}, record.StatusNotFinite, trainer.Stop{Reason: trainer.NotFinite}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := record.Folder(t.TempDir())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
				if s.Epoch != 2 {
					return nil
				}
				return test.end(s, cancel)
			}}
			tr, _ := newTraining(t, p, &callbacks.JSONL{Path: folder.History()}, &callbacks.RunRecord{Path: folder.Run()})
			_, err := tr.Run(ctx)
			have := readRun(t, folder.Run())
			if _, err := have.History(folder); err != nil {
				t.Error(err)
			}
			if have.Status != test.status || have.Epoch != test.epoch || have.Error != "" && err == nil {
				t.Errorf("status %q, epoch %d, error %q; want %q, %d", have.Status, have.Epoch, have.Error, test.status, test.epoch)
			}
			if err != nil && (have.Error == "" || !strings.HasPrefix(err.Error(), have.Error)) {
				t.Errorf("error %q, want %q", have.Error, err)
			}
			if test.stop.Reason == trainer.NotFinite {
				test.stop.Detail = have.Error // which tests of the trainer compare
			}
			if diff := cmp.Diff(&test.stop, have.Stop); diff != "" {
				t.Errorf("stop (-want +have):\n%s", diff)
			}
		})
	}
}

// The history of a run that ended between a measurement and its recording is not taken for
// cut short, also after it was resumed; one that was cut is.
func TestRunRecordInterruptedAtEpochEnd(t *testing.T) {
	failure := errors.New("a hook failed")
	folder := record.Folder(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		if s.Epoch == 2 {
			return failure
		}
		return nil
	}}
	history := func() ([]record.Entry, error) {
		t.Helper()
		return readRun(t, folder.Run()).History(folder)
	}
	hooks := func() []trainer.Hook {
		return []trainer.Hook{p, &callbacks.JSONL{Path: folder.History()}, &callbacks.RunRecord{Path: folder.Run()}, &callbacks.Checkpoint{Dir: folder.Checkpoints()}}
	}
	tr, _ := newTraining(t, hooks()...)
	if _, err := tr.Run(ctx); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if h, err := history(); err != nil || len(h) != 2 {
		t.Errorf("after an error at the end of epoch 2: %d lines, error %v; want 2 and none", len(h), err)
	}
	last, err := trainer.ReadCheckpoint(folder.LastCheckpoint())
	if err != nil {
		t.Fatal(err)
	}
	p.epochEnd = nil
	p.batchEnd = func(_ context.Context, s *trainer.State) error {
		if s.Epoch == 3 {
			cancel()
		}
		return nil
	}
	tr, _ = newTraining(t, hooks()...)
	if err := tr.Restore(last); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h, err := history()
	if err != nil || len(h) != 4 {
		t.Errorf("after an interrupt in epoch 4: %d lines, error %v; want 4 and none", len(h), err)
	}
	text, err := os.ReadFile(folder.History())
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
	if err := os.WriteFile(folder.History(), text[:cut], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := history(); err == nil || !strings.Contains(err.Error(), "is cut short: it ends at epoch 2") {
		t.Errorf("error %v of a history without its last line", err)
	}
}

// The record of a resumed run has the time at which it was first started.
func TestRunRecordKeepsStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	hook := &callbacks.RunRecord{Path: path}
	started := time.Date(2023, 6, 12, 8, 0, 0, 0, time.UTC)
	tr, _ := newTraining(t, hook)
	state, err := trainer.EncodeState(started)
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.Restore(state); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have := readRun(t, path).Started; !have.Equal(started) {
		t.Errorf("started %v, want that of the state", have)
	}
}

func TestRunRecordRefusesInfo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	tr, _ := newTraining(t, &callbacks.RunRecord{Path: path, Info: func() {}})
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "hook run: info: ") {
		t.Errorf("error %v, want one about info", err)
	}
}

func TestReadRunRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	for _, text := range []string{"", "{", "[]", "{}", `{"status": 1}`, `{"status": "finished", "metrics": [{"better": "best"}]}`} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if r, err := record.ReadRun(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%q: run %v, error %v; want an error that names the file", text, r, err)
		}
	}
	if _, err := record.ReadRun(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that there is no such file", err)
	}
}

func FuzzReadRun(f *testing.F) {
	f.Add([]byte(`{"status": "running", "started": "2023-06-12T08:00:00Z"}`))
	f.Add([]byte(`{"status": "finished", "stop": {"reason": "completed"}, "final": {"train/loss": {"value": 0.1, "epoch": 2, "step": 6}}}`))
	f.Add([]byte(`{"status": "failed", "metrics": [{"name": "a", "better": "higher"}], "info": {"name": "x"}}`))
	path := filepath.Join(f.TempDir(), "run.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := record.ReadRun(path)
		if (r == nil) == (err == nil) || r != nil && r.Status == "" {
			t.Errorf("run %v, error %v", r, err)
		}
	})
}
