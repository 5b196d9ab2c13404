package callbacks_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// canceller cancels the run at an epoch: before Margin measures it, or while
// the epoch is trained.
type canceller struct {
	epoch  int
	batch  bool
	cancel context.CancelFunc
}

func (*canceller) Name() string { return "canceller" }

func (c *canceller) EpochEnd(_ context.Context, s *trainer.State) error {
	if s.Epoch == c.epoch && !c.batch {
		c.cancel()
	}
	return nil
}

func (c *canceller) BatchEnd(_ context.Context, s *trainer.State) error {
	if s.Epoch == c.epoch-1 && c.batch {
		c.cancel()
	}
	return nil
}

// marginSession starts or resumes a run in dir, until c cancels it.
func marginSession(t *testing.T, dir string, epochs int, schedule trainer.Schedule, c *canceller) error {
	t.Helper()
	return measuredSession(t, dir, epochs, &callbacks.Margin{Samples: 1, Schedule: schedule, Dir: filepath.Join(dir, "measurements")}, c)
}

func measuredSession(t *testing.T, dir string, epochs int, hook trainer.Hook, c *canceller) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.cancel = cancel
	tr := spectrumRunOf(
		t, epochs, tensor.Float64, c,
		hook,
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
		&callbacks.Checkpoint{Dir: dir, Interval: -1},
	)
	last := filepath.Join(dir, "last.npz")
	if _, err := os.Stat(last); err == nil {
		c, err := trainer.ReadCheckpoint(last)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Restore(c); err != nil {
			t.Fatal(err)
		}
	}
	_, err := tr.Run(ctx)
	return err
}

var marginSeconds = regexp.MustCompile(`seconds": [0-9.e-]+|"crc32": "[0-9a-f]+"`)

// A run that is interrupted and resumed measures the same as an uninterrupted one.
func TestMarginOfAResumedRun(t *testing.T) {
	for _, test := range []struct {
		epochs   int
		schedule trainer.Schedule
		files    int // that are written
	}{
		{12, trainer.Schedule{}, 1},
		{12, trainer.Schedule{Every: 3}, 5},
		{180, trainer.Schedule{Every: 1, Budget: 1}, 4}, // three more than the last are paid for
	} {
		t.Run(fmt.Sprintf("%+v", test.schedule), func(t *testing.T) {
			schedule := test.schedule
			dir, want := t.TempDir(), t.TempDir()
			for _, c := range []canceller{{epoch: 0}, {epoch: 1, batch: true}, {epoch: 3}, {epoch: 7}, {epoch: 8, batch: true}, {epoch: 12}} {
				if err := marginSession(t, dir, test.epochs, schedule, &c); !errors.Is(err, context.Canceled) {
					t.Fatalf("cancelled at epoch %d: error %v", c.epoch, err)
				}
			}
			if err := errors.Join(marginSession(t, dir, test.epochs, schedule, &canceller{epoch: -1}), marginSession(t, want, test.epochs, schedule, &canceller{epoch: -1})); err != nil {
				t.Fatal(err)
			}
			var lines, files [2][]string
			for i, dir := range []string{want, dir} {
				text, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
				if err != nil {
					t.Fatal(err)
				}
				lines[i] = strings.Split(marginSeconds.ReplaceAllString(string(text), ""), "\n")
				if files[i], err = filepath.Glob(filepath.Join(dir, "measurements", "*")); err != nil {
					t.Fatal(err)
				}
				for j, file := range files[i] {
					data, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					files[i][j] = filepath.Base(file) + string(data)
				}
			}
			if diff := cmp.Diff(lines[0], lines[1]); diff != "" {
				t.Errorf("metrics (-uninterrupted +resumed):\n%s", diff)
			}
			if !slices.Equal(files[0], files[1]) || len(files[0]) != test.files {
				t.Errorf("%d files, and %d uninterrupted; want %d, and the same", len(files[1]), len(files[0]), test.files)
			}
		})
	}
}

func TestCancelledMarginKeepsItsState(t *testing.T) {
	hook := &callbacks.Margin{Schedule: trainer.Schedule{Every: 1, Budget: 0.1}}
	tr := spectrumRunOf(t, 500, tensor.Float64, hook)
	if err := hook.TrainBegin(t.Context(), tr.State()); err != nil {
		t.Fatal(err)
	}
	before, err := hook.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hook.EpochEnd(ctx, tr.State()); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if after, err := hook.Snapshot(); err != nil || string(before) != string(after) {
		t.Errorf("a cancelled measurement changed the hook's state; error %v", err)
	}
}

// The files have the distances of the drawn samples, which the metrics summarise.
func TestMarginFiles(t *testing.T) {
	const samples = 30
	dir := filepath.Join(t.TempDir(), "new", "folder")
	w := new(witness)
	tr := spectrumRun(t, tensor.Float32, &callbacks.Margin{Samples: samples, Dir: dir, Schedule: trainer.Schedule{Every: 6}}, w)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	split, err := tr.State().Data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := split.DrawRows(samples, tr.State().Seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, epoch := range []int{0, 6, 12} {
		found := readMargins(t, filepath.Join(dir, fmt.Sprintf("margin-%06d.npz", epoch)))
		distances, points := found["margin_distances"], found["margin_points"]
		least, wrong := math.Inf(1), 0
		for i, row := range rows {
			if int(found["margin_rows"][i]) != row {
				t.Fatalf("epoch %d: rows %v, want %v", epoch, found["margin_rows"], rows)
			}
			if predicted := int(found["margin_predicted"][i]); predicted != split.Labels[row] {
				wrong++
			} else if distances[i] >= 0 { // −1 where no boundary was found
				least = min(least, distances[i])
			}
			if d := floats.Distance(points[2*i:2*i+2], split.X[2*row:2*row+2], 2); math.Abs(d-max(distances[i], 0)) > 1e-12 {
				t.Errorf("epoch %d: the point of sample %d is %v from it, not %v", epoch, row, d, distances[i])
			}
		}
		metrics := w.fresh[epoch]
		if value, ok := metrics["boundary/margin"]; metrics["boundary/margin_samples"] != samples ||
			metrics["boundary/misclassified"] != float64(wrong) || ok != !math.IsInf(least, 1) || ok && value != least {
			t.Errorf("epoch %d: metrics %v; want %d samples, %d misclassified and the margin %v", epoch, metrics, samples, wrong, least)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 3 {
		t.Errorf("%d files, want 3", len(files))
	}
	checkMarginPoints(t, tr.State().Model, filepath.Join(dir, "margin-000012.npz"))
}

// readMargins reads the arrays of a file by their names.
func readMargins(t *testing.T, path string) map[string][]float64 {
	t.Helper()
	arrays, err := weights.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]float64)
	for _, a := range arrays {
		found[a.Name] = a.Data
	}
	return found
}

// checkMarginPoints checks that the logits of the two classes are equal at the points
// of a file.
func checkMarginPoints(t *testing.T, model models.Model, path string) {
	t.Helper()
	found := readMargins(t, path)
	field, err := models.NewField(model, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	logits := make([]float64, len(found["margin_rows"])*field.Classes())
	if err := field.Logits(t.Context(), logits, found["margin_points"]); err != nil {
		t.Fatal(err)
	}
	for i, rival := range found["margin_rivals"] {
		z := logits[i*field.Classes() : (i+1)*field.Classes()]
		if rival >= 0 && math.Abs(z[int(rival)]-z[int(found["margin_predicted"][i])]) > 1e-8 {
			t.Errorf("point %d: logits %v; want those of classes %v and %v to be equal", i, z, found["margin_predicted"][i], rival)
		}
	}
}

func TestMarginSettings(t *testing.T) {
	for _, test := range []struct {
		hook callbacks.Margin
		want string // is part of the error
	}{
		{callbacks.Margin{Samples: -1}, "hook margin: -1 samples; want 0, for at most 1000, or more"},
		{callbacks.Margin{Split: "tests"}, `hook margin: `},
		{callbacks.Margin{Schedule: trainer.Schedule{Every: -1}}, "Schedule.Every is -1; want a number of epochs"},
		{callbacks.Margin{Schedule: trainer.Schedule{Budget: 2}}, "Schedule.Budget is 2; want a share of the run's work between 0 and 1"},
		{callbacks.Margin{Dir: os.DevNull, Samples: 1, Schedule: trainer.Schedule{Every: 1}}, "hook margin: mkdir " + os.DevNull},
	} {
		_, err := spectrumRun(t, tensor.Float64, &test.hook).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v\nwant  %s", err, test.want)
		}
	}
	for _, data := range []string{"", "x", "{}"} {
		if err := new(callbacks.Margin).Restore([]byte(data)); err == nil {
			t.Errorf("Restore(%q) succeeded", data)
		}
	}
}
