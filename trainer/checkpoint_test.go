package trainer_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

func wantEqual(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// sample is a checkpoint with something in every field.
func sample(t testing.TB, precision tensor.Dtype) *trainer.Checkpoint {
	t.Helper()
	data := load(t, "gauss")
	tr := newTrainer(t, trainer.Config{
		Epochs: 5, BatchSize: 40, Seed: 1<<64 - 1, Rate: trainer.Rate{Base: 0.1}, Optimizer: trainer.OptimizerConfig{Name: "adam"},
	}, newMLP(t, data, precision, 8), data, &tally{name: "tally"}, &probe{name: "stop", on: func(_ context.Context, e string, s *trainer.State) error {
		if e == "BatchEnd" && s.Step == 6 {
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "stop", Detail: "enough"})
			return os.ErrDeadlineExceeded
		}
		return nil
	}})
	if _, err := tr.Run(context.Background()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	c, err := tr.State().Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheckpointRoundTrip(t *testing.T) {
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		want := sample(t, precision)
		path := filepath.Join(t.TempDir(), "checkpoint.npz")
		if err := want.Write(path); err != nil {
			t.Fatal(err)
		}
		got, err := trainer.ReadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, precision.String(), got, want)
		if got.Data == nil || len(got.Data.Classes) != 3 {
			t.Errorf("schema %+v; want that of gauss", got.Data)
		}
		want.Data = nil // as in checkpoints of older versions
		if err := want.Write(path); err != nil {
			t.Fatal(err)
		}
		if old, err := trainer.ReadCheckpoint(path); err != nil {
			t.Error(err)
		} else {
			wantEqual(t, "without a schema", old, want)
		}
		p := got.Progress
		if p.Epoch != 2 || p.Batch != 2 || p.Step != 6 || p.Optimizer != "adam" || p.Stop == nil || p.Elapsed <= 0 || p.Elapsed > time.Minute {
			t.Errorf("progress %+v", p)
		}
	}
}

// A checkpoint can also be read as a file of weights.
func TestCheckpointIsAFileOfWeights(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.npz")
	c := sample(t, tensor.Float32)
	if err := c.Write(path); err != nil {
		t.Fatal(err)
	}
	arrays, err := weights.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "arrays", arrays, c.Arrays)
	for i, want := range []string{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "optimizer/mean/fc1.weight"} {
		if arrays[i].Name != want {
			t.Errorf("array %d is %q, want %q", i, arrays[i].Name, want)
		}
	}
}

func TestReadCheckpointErrors(t *testing.T) {
	dir := t.TempDir()
	archive := func(name, progress string) string {
		path := filepath.Join(dir, name)
		a := &weights.Archive{Arrays: []weights.Array{{Name: "w", Shape: []int{1}, Data: []float64{1}}}}
		if progress != "" {
			a.Files = map[string][]byte{"progress.json": []byte(progress)}
		}
		if err := weights.WriteArchive(path, a); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := filepath.Join(dir, "text.npz")
	if err := os.WriteFile(text, []byte("not a zip file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{filepath.Join(dir, "missing.npz"), "no such file or directory"},
		{dir, "not a regular file"},
		{text, text + ": "},
		{archive("weights.npz", ""), `weights.npz: no entry "progress.json"; this is not a checkpoint`},
		{archive("json.npz", "{"), "json.npz: progress.json: unexpected end of JSON input"},
		{archive("type.npz", `{"format": "one"}`), "type.npz: progress.json: json: cannot unmarshal"},
		{archive("none.npz", `{}`), "none.npz: the checkpoint has format 0, and this version resumes runs of format 2; finish the run with the version that began it, or start it anew"},
		{archive("next.npz", `{"format": 3}`), "next.npz: the checkpoint has format 3, and this version resumes runs of format 2; finish the run with the version that began it, or start it anew"},
	} {
		_, err := trainer.ReadCheckpoint(test.path)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func TestReadCheckpointTruncated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "checkpoint.npz")
	if err := sample(t, tensor.Float64).Write(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.npz")
	// Every 97th byte, and each of the last, where the directory is.
	for n := 0; n < len(whole); n++ {
		if n%97 != 0 && n < len(whole)-100 {
			continue
		}
		if err := os.WriteFile(cut, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := trainer.ReadCheckpoint(cut); err == nil || !strings.HasPrefix(err.Error(), cut+": ") {
			t.Fatalf("the first %d of %d bytes: error %v", n, len(whole), err)
		}
	}
}

func TestWriteCheckpointErrors(t *testing.T) {
	c := sample(t, tensor.Float64)
	if err := c.Write(filepath.Join(t.TempDir(), "missing", "checkpoint.npz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
	path := filepath.Join(t.TempDir(), "checkpoint.npz")
	c.Hooks["../escape"] = nil
	if err := c.Write(path); err == nil {
		t.Error("a hook named ../escape: no error")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file after an error")
	}
}

// Whatever a file holds, it is read or refused, and what was read is accepted
// or refused by a trainer, without a panic.
func FuzzReadCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.npz")
	if err := sample(f, tensor.Float64).Write(path); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18))) // an empty zip file
	data := load(f, "gauss")
	config := trainer.Config{Epochs: 5, BatchSize: 40, Seed: 1<<64 - 1, Rate: trainer.Rate{Base: 0.1}, Optimizer: trainer.OptimizerConfig{Name: "adam"}}
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "fuzz.npz")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := trainer.ReadCheckpoint(path)
		if err != nil {
			return
		}
		tr := newTrainer(t, config, newMLP(t, data, tensor.Float64, 8), data, &tally{name: "tally"}, &probe{name: "stop"})
		_ = tr.Restore(c) // refused or not
	})
}

// FuzzCheckpointEntries is FuzzReadCheckpoint for the content of the entries, which a
// changed file seldom reaches past the checksums.
func FuzzCheckpointEntries(f *testing.F) {
	c := sample(f, tensor.Float64)
	progress, err := json.Marshal(c.Progress)
	if err != nil {
		f.Fatal(err)
	}
	schema, err := json.Marshal(c.Data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(progress, schema, c.Hooks["tally"])
	f.Add([]byte(`{"format": 2}`), []byte("null"), []byte{})
	f.Add([]byte(`{"format": 2, "epoch": -1, "batch": 9223372036854775807}`), []byte(`{"shape": [-1]}`), []byte("hessoscope hook state 2\n\xff"))
	f.Add([]byte(strings.Repeat("[", 20000)), []byte(strings.Repeat(`{"a":`, 5000)), []byte("hessoscope hook state 2\n"))
	data := load(f, "gauss")
	config := trainer.Config{Epochs: 5, BatchSize: 40, Seed: 1<<64 - 1, Rate: trainer.Rate{Base: 0.1}, Optimizer: trainer.OptimizerConfig{Name: "adam"}}
	path := filepath.Join(f.TempDir(), "fuzz.npz")
	f.Fuzz(func(t *testing.T, progress, schema, hook []byte) {
		archive := &weights.Archive{Arrays: c.Arrays, Files: map[string][]byte{"progress.json": progress, "data.json": schema, "hooks/tally": hook}}
		if err := weights.WriteArchive(path, archive); err != nil {
			t.Fatal(err)
		}
		read, err := trainer.ReadCheckpoint(path)
		if err != nil {
			return
		}
		tr := newTrainer(t, config, newMLP(t, data, tensor.Float64, 8), data, &tally{name: "tally"}, &probe{name: "stop"})
		_ = tr.Restore(read) // refused or not
	})
}

// Any bytes are refused, or are a state.
func FuzzDecodeState(f *testing.F) {
	type state struct {
		Count  int
		Values []float64
		Named  map[string][]byte
		Inner  *struct{ Rows [][]int }
	}
	seed, err := trainer.EncodeState(state{3, []float64{1, 2}, map[string][]byte{"a": {1}}, &struct{ Rows [][]int }{[][]int{{1}, {2, 3}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)-3])
	f.Add([]byte("hessoscope hook state 2\n\xf8\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s state
		if err := trainer.DecodeState(data, &s); err == nil && len(data) == 0 {
			t.Error("no error for no state")
		}
	})
}
