package callbacks_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// witness keeps the metrics that were recorded at each epoch.
type witness struct{ fresh []map[string]float64 }

func (*witness) Name() string         { return "witness" }
func (*witness) Phase() trainer.Phase { return trainer.Record }

func (w *witness) EpochEnd(_ context.Context, s *trainer.State) error {
	values := make(map[string]float64)
	for _, m := range s.Metrics() {
		if v, ok := s.Fresh(m.Name); ok {
			values[m.Name] = v
		}
	}
	w.fresh = append(w.fresh, values)
	return nil
}

// The columns of the test training, in the order of declaration.
var declared = []string{
	"train/loss", "train/accuracy", "test/loss", "test/accuracy", "probe/calls", "probe/<never>",
	"train/batch_loss", "train/learning_rate",
}

func TestJSONL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "metrics.jsonl")
	w := new(witness)
	tr, _ := newTraining(t, new(probe), &callbacks.JSONL{Path: path}, w)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := readLines(t, path)
	if len(lines) != testEpochs+1 {
		t.Fatalf("%d lines, want %d", len(lines), testEpochs+1)
	}
	for epoch, line := range lines {
		var have struct {
			Epoch, Step int
			Seconds     float64
			Metrics     map[string]float64
		}
		if err := json.Unmarshal([]byte(line), &have); err != nil {
			t.Fatalf("line %d: %v", epoch+1, err)
		}
		if have.Epoch != epoch || have.Step != epoch*testSteps || !(have.Seconds >= 0) {
			t.Errorf("line %d: epoch %d, step %d, seconds %g", epoch+1, have.Epoch, have.Step, have.Seconds)
		}
		if diff := cmp.Diff(w.fresh[epoch], have.Metrics); diff != "" {
			t.Errorf("line %d (-state +file):\n%s", epoch+1, diff)
		}
		last := -1
		for _, name := range declared {
			if i := strings.Index(line, strconv.Quote(name)); i >= 0 && i < last {
				t.Errorf("line %d: %s is not in the order of declaration", epoch+1, name)
			} else if i >= 0 {
				last = i
			}
		}
	}
}

// The file of a JSONL is read back with all digits.
func TestJSONLIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	values := scores{trainer.Lower, []float64{1.0 / 3, 1e-300, 0.1}}
	tr, _ := newTraining(t, new(probe), values, &callbacks.JSONL{Path: path})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	history, err := record.ReadHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(history) != testEpochs+1 {
		t.Fatalf("%d epochs, want %d", len(history), testEpochs+1)
	}
	for epoch, entry := range history {
		value, recorded := entry.Metrics["scores/value"]
		_, even := entry.Metrics["probe/calls"]
		if entry.Epoch != epoch || entry.Step != epoch*testSteps || recorded != (epoch < 3) || recorded && value != values.values[epoch] || even != (epoch%2 == 0) {
			t.Errorf("epoch %d: %+v", epoch, entry)
		}
	}
	if last, _ := tr.State().Last("train/loss"); history[testEpochs].Metrics["train/loss"] != last.Value {
		t.Errorf("train/loss is %v, want %v", history[testEpochs].Metrics["train/loss"], last.Value)
	}
}

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "metrics.csv")
	w := new(witness)
	tr, _ := newTraining(t, new(probe), &callbacks.CSV{Path: path}, w)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.Join(readLines(t, path), "\n"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([]string{"epoch", "step", "seconds"}, declared...), rows[0]); diff != "" {
		t.Fatalf("header (-want +have):\n%s", diff)
	}
	if len(rows) != testEpochs+2 {
		t.Fatalf("%d rows, want %d", len(rows), testEpochs+2)
	}
	for epoch, row := range rows[1:] {
		if row[0] != strconv.Itoa(epoch) || row[1] != strconv.Itoa(epoch*testSteps) {
			t.Errorf("row %d: epoch %s, step %s", epoch+1, row[0], row[1])
		}
		for i, name := range declared {
			want, fresh := w.fresh[epoch][name]
			have, err := strconv.ParseFloat(row[3+i], 64)
			if fresh != (row[3+i] != "") || fresh && (err != nil || math.Float64bits(have) != math.Float64bits(want)) {
				t.Errorf("row %d, %s: %q, want %v (fresh: %t)", epoch+1, name, row[3+i], want, fresh)
			}
		}
	}
}

// A new run does not keep the lines of an earlier one, and an epoch at which no metric
// is fresh has no line.
func TestFreshRun(t *testing.T) {
	dir := t.TempDir()
	table, lines := filepath.Join(dir, "m.csv"), filepath.Join(dir, "m.jsonl")
	for _, path := range []string{table, lines} {
		if err := os.WriteFile(path, []byte("an earlier run\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr, model := newTraining(t)
	session, err := trainer.NewSession(model, tr.State().Data, trainer.SessionSettings{Evaluate: trainer.Schedule{At: []int{1}, SkipFinal: true}},
		&callbacks.JSONL{Path: lines}, &callbacks.CSV{Path: table})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	for epoch := 1; epoch <= 2; epoch++ {
		if err := session.EpochEnd(t.Context(), epoch, epoch); err != nil {
			t.Fatal(err)
		}
	}
	// Read the file before the end of the run, as a program that follows it does.
	if have := readLines(t, lines); len(have) != 1 || !strings.HasPrefix(have[0], `{"epoch": 1, "step": 1, "seconds": `) {
		t.Errorf("lines %q, want one of epoch 1", have)
	}
	if have := readLines(t, table); len(have) != 2 || !strings.HasPrefix(have[0], "epoch,step,seconds,train/loss") || !strings.HasPrefix(have[1], "1,1,") {
		t.Errorf("rows %q, want a header and one of epoch 1", have)
	}
	if err := session.End(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(file, "below")
	for _, hook := range []trainer.Hook{
		&callbacks.JSONL{Path: path}, &callbacks.CSV{Path: path}, &callbacks.Checkpoint{Dir: path}, &callbacks.RunRecord{Path: path},
	} {
		tr, _ := newTraining(t, hook)
		_, err := tr.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q, want one line that names %s", hook.Name(), err, file)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	for _, test := range []struct {
		hook  trainer.Snapshotter
		state string
	}{
		{new(callbacks.JSONL), ""},
		{new(callbacks.JSONL), "-1"},
		{new(callbacks.CSV), "1.5"},
		{new(callbacks.CSV), `"a"`},
		{new(callbacks.Checkpoint), ""},
		{new(callbacks.Checkpoint), "[]"},
		{new(callbacks.RunRecord), ""},
		{new(callbacks.RunRecord), `"yesterday"`},
	} {
		if err := test.hook.Restore([]byte(test.state)); err == nil {
			t.Errorf("%T restored %q", test.hook, test.state)
		}
	}
}

func TestCSVOtherColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	header := "epoch,step,seconds,train/loss\n"
	if err := os.WriteFile(path, []byte(header), 0o644); err != nil {
		t.Fatal(err)
	}
	hook := &callbacks.CSV{Path: path}
	tr, _ := newTraining(t, hook)
	state, err := trainer.EncodeState(int64(len(header)))
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.Restore(state); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), path+":1: the columns are ") {
		t.Errorf("error %v, want one about the columns", err)
	}
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(text), "\n") {
		t.Fatalf("%s: the last line has no end", path)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}
