package export_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/export"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

const epochs = 6

// probe records a metric beyond float32, and calls epochEnd.
type probe struct {
	epochEnd func(*trainer.State) error
}

func (*probe) Name() string { return "probe" }

func (*probe) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: "probe/huge", Meaning: "is beyond float32", Unit: "m"},
		{Name: "probe/half", Meaning: "is <0.5>", Unit: "s"},
	}
}

func (p *probe) EpochEnd(_ context.Context, s *trainer.State) error {
	if err := errors.Join(s.Record("probe/huge", 1e200), s.Record("probe/half", 0.5)); err != nil {
		return err
	}
	if p.epochEnd != nil {
		return p.epochEnd(s)
	}
	return nil
}

func newTraining(t *testing.T, hooks ...trainer.Hook) *trainer.Trainer {
	t.Helper()
	data, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewMLP(models.MLPConfig{Input: 4, Hidden: []int{5}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trainer.New(trainer.Config{Epochs: epochs, BatchSize: 50, Rate: trainer.Rate{Base: 0.01}, Seed: 1}, m, data, hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// fresh keeps the fresh metrics of each epoch.
type fresh map[int]map[string]float64

func (fresh) Name() string         { return "fresh" }
func (fresh) Phase() trainer.Phase { return trainer.Record }

func (f fresh) EpochEnd(_ context.Context, s *trainer.State) error {
	f[s.Epoch] = make(map[string]float64)
	for _, m := range s.Metrics() {
		if v, ok := s.Fresh(m.Name); ok {
			f[s.Epoch][m.Name] = v
		}
	}
	return nil
}

func spectrum(method curvature.Method) *callbacks.Spectrum {
	return &callbacks.Spectrum{Schedule: trainer.Schedule{At: []int{0, 4}}, Settings: curvature.Settings{Method: method, Top: 3, Bottom: 2}}
}

func TestTensorBoard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "events.out.tfevents.test")
	recorded := make(fresh)
	s := spectrum(curvature.Dense)
	tr := newTraining(t, s, new(probe), recorded, &export.TensorBoard{
		Path: path, Spectrum: s,
		Hyperparameters: map[string]any{"rate": 0.01, "hidden": []int{5}, "adam": false, "batch": 50, "seed": uint64(1), "bottom": int64(-1), "data": "iris"},
	})
	before := time.Now()
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := readEvents(t, path)
	if events[0].version != "brain.Event:2" || len(events) != epochs+4 {
		t.Fatalf("%d events, the first with the version %q", len(events), events[0].version)
	}
	for _, e := range events {
		if at := time.UnixMicro(int64(1e6 * e.wallTime)); at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("time %v", at)
		}
	}
	checkSession(t, events[1], events[len(events)-1])

	descriptions := make(map[string]string)
	for i, e := range events[2 : len(events)-1] {
		if e.step != i {
			t.Errorf("event %d has step %d", i, e.step)
		}
		want := recorded[e.step]
		delete(want, "probe/huge")
		have := make(map[string]float64)
		for _, v := range e.values {
			tag := v.text(1)
			if len(v[9]) > 0 {
				descriptions[tag] = v.message(t, 9).text(3)
			}
			switch {
			case tag == "spectrum/eigenvalues":
				checkHistogram(t, v.message(t, 5), want)
				delete(descriptions, tag)
			case len(v[2]) == 1:
				have[tag] = float64(math.Float32frombits(v[2][0].(uint32)))
			}
		}
		if diff := cmp.Diff(want, have, cmpopts.EquateApprox(1e-6, 0)); diff != "" {
			t.Errorf("epoch %d (-recorded +event):\n%s", e.step, diff)
		}
		if measured := len(e.values) > len(have); measured != slices.Contains([]int{0, 4, epochs}, e.step) {
			t.Errorf("epoch %d: a histogram %t", e.step, measured)
		}
	}
	if descriptions["probe/half"] != "is <0.5> (s)" || descriptions["train/loss"] == "" {
		t.Errorf("descriptions %q", descriptions)
	}
}

// checkSession checks the events of hyper-parameters and of the end.
func checkSession(t *testing.T, start, end event) {
	t.Helper()
	content := func(e event, tag string) message {
		if len(e.values) != 1 || e.values[0].text(1) != tag {
			t.Fatalf("values %v; want %s", e.values, tag)
		}
		if tensor := e.values[0].message(t, 8); tensor[1][0].(uint64) != 1 || len(tensor.message(t, 2)[2]) != 1 || len(tensor.message(t, 2, 2)) != 0 {
			t.Errorf("tensor %v; want one of float32 and shape (0)", tensor)
		}
		plugin := e.values[0].message(t, 9, 1)
		if plugin.text(1) != "hparams" {
			t.Errorf("plugin %q", plugin.text(1))
		}
		return plugin.message(t, 2)
	}
	have := make(map[string]any)
	info := content(start, "_hparams_/session_start_info").message(t, 3)
	for _, entry := range info[1] {
		pair := decode(t, entry.([]byte))
		switch v := pair.message(t, 2); {
		case len(v[2]) > 0:
			have[pair.text(1)] = v.double(2)
		case len(v[3]) > 0:
			have[pair.text(1)] = v.text(3)
		case len(v[4]) > 0:
			have[pair.text(1)] = v[4][0].(uint64) == 1
		}
	}
	want := map[string]any{"rate": 0.01, "hidden": "[5]", "adam": false, "batch": 50.0, "seed": 1.0, "bottom": -1.0, "data": "iris"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("hyper-parameters (-want +have):\n%s", diff)
	}
	if status := content(end, "_hparams_/session_end_info").message(t, 4)[1][0].(uint64); status != 1 {
		t.Errorf("status %d, want 1 (success)", status)
	}
}

// checkHistogram compares a HistogramProto of all 43 eigenvalues with the metrics.
func checkHistogram(t *testing.T, h message, metrics map[string]float64) {
	t.Helper()
	near := func(what string, have, want float64) {
		if math.Abs(have-want) > 1e-9*math.Max(1, math.Abs(want)) {
			t.Errorf("%s is %g; want %g", what, have, want)
		}
	}
	near("min", h.double(1), metrics["spectrum/lambda_min"])
	near("max", h.double(2), metrics["spectrum/lambda_max"])
	near("num", h.double(3), 43)
	near("sum", h.double(4), metrics["spectrum/trace"])
	near("sum of squares", h.double(5), math.Pow(metrics["spectrum/frobenius"], 2))
	limits, counts := h.doubles(6), h.doubles(7)
	total := 0.0
	for _, c := range counts {
		total += c
	}
	if len(limits) != 30 || len(counts) != 30 || !slices.IsSorted(limits) || total != 43 || counts[29] < 1 {
		t.Errorf("limits %v, counts %v", limits, counts)
	}
	near("last limit", limits[29], h.double(2))
}

// after is a hook of the last phase.
type after struct {
	epochEnd func(context.Context, *trainer.State) error
}

func (*after) Name() string         { return "after" }
func (*after) Phase() trainer.Phase { return trainer.Save }

func (a *after) EpochEnd(ctx context.Context, s *trainer.State) error { return a.epochEnd(ctx, s) }

// The end of the last epoch comes twice in a loop of one's own that did not tell that it
// was the last: what the file has is not repeated, and what was measured since is added.
func TestTensorBoardLastEpochAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tfevents")
	b := &export.TensorBoard{Path: path}
	again := &after{func(ctx context.Context, s *trainer.State) error {
		if s.Epoch < epochs {
			return nil
		}
		size := len(readFile(t, path))
		if err := b.EpochEnd(ctx, s); err != nil {
			return err
		}
		if more := len(readFile(t, path)) - size; more != 0 {
			t.Errorf("%d bytes are repeated", more)
		}
		if err := s.Record("probe/half", 0.75); err != nil {
			return err
		}
		return b.EpochEnd(ctx, s)
	}}
	if _, err := newTraining(t, new(probe), b, again).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := readEvents(t, path)
	last := events[len(events)-1]
	if len(last.values) != 1 || last.step != epochs || last.values[0].text(1) != "probe/half" || last.values[0][2][0] != any(math.Float32bits(0.75)) {
		t.Errorf("the last event is %+v; want probe/half alone", last)
	}
}

// An event that could not be written is written when the run is resumed from a checkpoint
// that was saved after that.
func TestTensorBoardWritesAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tfevents")
	b := &export.TensorBoard{Path: path}
	again := &after{func(ctx context.Context, s *trainer.State) error {
		if s.Epoch < epochs {
			return nil
		}
		if err := errors.Join(s.Record("probe/half", 0.75), b.Interrupted(ctx, s, context.Canceled)); err != nil {
			return err
		}
		if err := b.EpochEnd(ctx, s); err == nil {
			t.Error("an event was written to a file that is closed")
		}
		saved, err := b.Snapshot()
		if err != nil {
			return err
		}
		resumed := &export.TensorBoard{Path: path}
		return errors.Join(resumed.Restore(saved), resumed.TrainBegin(ctx, s), resumed.EpochEnd(ctx, s), resumed.TrainEnd(ctx, s))
	}}
	if _, err := newTraining(t, new(probe), b, again).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := readEvents(t, path)
	last := events[len(events)-1]
	if len(last.values) != 1 || last.values[0].text(1) != "probe/half" || last.values[0][2][0] != any(math.Float32bits(0.75)) {
		t.Errorf("the last event is %+v; want probe/half", last)
	}
}

// A run that is killed and resumed from its checkpoint leaves the same events, whether
// the checkpoint is between the measurement of an epoch and its event or not.
func TestTensorBoardResumes(t *testing.T) {
	type point struct {
		step  int
		tag   string
		value uint32
		histo string
		about string // the metadata
	}
	points := func(path string) (all []point) {
		for _, e := range readEvents(t, path) {
			for _, v := range e.values {
				if tag := v.text(1); strings.Contains(tag, "seconds") || strings.Contains(tag, "time") || strings.HasPrefix(tag, "_") {
					continue // time differs
				}
				p := point{step: e.step, tag: v.text(1), histo: v.text(5), about: v.text(9)}
				if len(v[2]) > 0 {
					p.value = v[2][0].(uint32)
				}
				all = append(all, p)
			}
		}
		return all
	}
	dir := t.TempDir()
	run := func(name string, saved *trainer.Checkpoint, end func(*trainer.State) error) error {
		s := spectrum(curvature.Lanczos)
		tr := newTraining(t, s, &probe{end}, &export.TensorBoard{
			Path: filepath.Join(dir, name+".tfevents"), Spectrum: s, Hyperparameters: map[string]any{"a": 1},
		}, &export.OpenMetrics{Path: filepath.Join(dir, name+".prom")})
		if saved != nil {
			if err := tr.Restore(saved); err != nil {
				return err
			}
		}
		_, err := tr.Run(t.Context())
		return err
	}
	if err := run("whole", nil, nil); err != nil {
		t.Fatal(err)
	}
	killed := errors.New("killed")
	for _, at := range []int{3, 4} { // after the probe, which is called after the spectrum of epoch 4 is measured
		var saved *trainer.Checkpoint
		err := run("resumed", nil, func(s *trainer.State) (err error) {
			if s.Epoch == at {
				saved, err = s.Checkpoint()
			}
			if s.Epoch == 5 {
				err = killed
			}
			return err
		})
		if !errors.Is(err, killed) {
			t.Fatal(err)
		}
		if err := run("resumed", saved, nil); err != nil {
			t.Fatal(err)
		}
		want, have := points(filepath.Join(dir, "whole.tfevents")), points(filepath.Join(dir, "resumed.tfevents"))
		if diff := cmp.Diff(want, have, cmp.AllowUnexported(point{})); diff != "" {
			t.Errorf("saved at epoch %d (-whole +resumed):\n%s", at, diff)
		}
	}
}

func TestOpenMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "my \"run\"", "metrics.prom")
		var states []string
		look := func(s *trainer.State) error {
			for _, line := range strings.Split(readFile(t, path), "\n") {
				if strings.HasPrefix(line, "hessoscope_run_epoch{") {
					states = append(states, line)
				}
			}
			time.Sleep(4 * time.Second)
			return nil
		}
		tr := newTraining(t, &probe{look}, &export.OpenMetrics{Path: path})
		if _, err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{" 0.0", " 0.0", " 1.0", " 1.0", " 3.0", " 3.0", " 5.0"}
		if len(states) != len(want) {
			t.Fatalf("%q", states)
		}
		for i, line := range states {
			if line != `hessoscope_run_epoch{run="my \"run\""}`+want[i] {
				t.Errorf("at epoch %d: %s; want%s", i, line, want[i])
			}
		}
		text := readFile(t, path)
		for _, line := range []string{
			"# HELP hessoscope_probe_half is <0.5> (s)\n", "# TYPE hessoscope_probe_half gauge\n", `hessoscope_probe_half{run="my \"run\""} 0.5` + "\n",
			`hessoscope_run_state{run="my \"run\"",state="finished"} 1.0` + "\n", `hessoscope_probe_huge{run="my \"run\""} 1e+200` + "\n",
		} {
			if !strings.Contains(text, line) {
				t.Errorf("no %q in\n%s", line, text)
			}
		}
		if !strings.HasSuffix(text, "# EOF\n") {
			t.Errorf("the file ends with %q", text[max(len(text)-20, 0):])
		}
		// Without the end the file is also in the older format, of which there is a parser.
		p := expfmt.NewTextParser(model.LegacyValidation)
		families, err := p.TextToMetricFamilies(strings.NewReader(strings.TrimSuffix(text, "# EOF\n")))
		if err != nil {
			t.Fatal(err)
		}
		last, _ := tr.State().Last("train/loss")
		if have := families["hessoscope_train_loss"].GetMetric()[0].GetGauge().GetValue(); have != last.Value {
			t.Errorf("train/loss %v; want %v", have, last.Value)
		}
	})
}

// Runs of different programs may declare a metric differently, or names that only
// punctuation tells apart.
func TestRunsThatDisagree(t *testing.T) {
	run := func(name, meaning string) export.Run {
		return export.Run{Name: name, Run: &record.Run{
			Status: record.StatusFinished,
			Metrics: []trainer.Metric{
				{Name: "own/a-b", Meaning: meaning}, {Name: "own/a_b", Meaning: meaning}, {Name: "run/epoch"}, {Name: "λ"},
			},
			Final: map[string]trainer.Reading{"own/a-b": {Value: 1}, "own/a_b": {Value: 2}, "run/epoch": {Value: 7}, "λ": {Value: 3}},
		}}
	}
	var text strings.Builder
	if err := export.WriteOpenMetrics(&text, run("x", "one"), run("y\xff", "another")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# HELP hessoscope_own_a_b one\n", `hessoscope_own_a_b{run="x"} 1.0`, `hessoscope_own_a_b{run="y�"} 1.0`, `hessoscope_run_epoch{run="x"} 0.0`, `hessoscope__{run="x"} 3.0`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}

func TestBadSettings(t *testing.T) {
	for want, hook := range map[string]trainer.Hook{
		"the path of the file is empty; set it":                 new(export.TensorBoard),
		"events: TensorBoard does not find a file of this name": &export.TensorBoard{Path: "events"},
		"the name of the file, Path, is empty; set it":          new(export.OpenMetrics),
		"is not a hook of this run: add it to the hooks":        &export.TensorBoard{Path: filepath.Join(t.TempDir(), "tfevents"), Spectrum: new(callbacks.Spectrum)},
	} {
		if _, err := newTraining(t, hook).Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: error %v; want %q", hook, err, want)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
