package stopping_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/trainer"
)

// recorded returns a run of a number of epochs with some of the metrics below, which
// are given as series. The value absent marks epochs at which a metric is not fresh.
// An epoch takes half a second.
func recorded(name string, series map[string][]float64) stopping.Run {
	run := stopping.Run{Name: name, Metrics: []trainer.Metric{
		{Name: "validation/loss", Better: trainer.Lower},
		{Name: "test/accuracy", Better: trainer.Higher},
		{Name: "test/loss", Better: trainer.Lower},
		{Name: "boundary/complexity", Better: trainer.Lower},
	}}
	epochs := 0
	for _, values := range series {
		epochs = max(epochs, len(values))
	}
	for epoch := range epochs {
		entry := record.Entry{Epoch: epoch, Step: 3 * epoch, Seconds: float64(epoch) / 2, Metrics: make(map[string]float64)}
		for metric, values := range series {
			if epoch < len(values) && values[epoch] != absent {
				entry.Metrics[metric] = values[epoch]
			}
		}
		run.History = append(run.History, entry)
	}
	return run
}

func point(epoch int, share float64, evaluated int, accuracy, loss, regret float64) *stopping.Point {
	return &stopping.Point{
		Epoch: epoch, Share: share, Seconds: float64(epoch) / 2,
		Evaluated: &evaluated, Accuracy: &accuracy, Loss: &loss, Regret: &regret,
	}
}

func TestReplay(t *testing.T) {
	run := recorded("r", map[string][]float64{
		"validation/loss": {4, 3, 3, 2, 3, 3, 3, 3, 3},
		"test/accuracy":   {0.25, absent, 0.75, absent, absent, 0.75, absent, absent, 0.5},
		"test/loss":       {4, absent, 2, absent, absent, 1, absent, absent, 3},
	})
	have, err := stopping.Replay(run, []stopping.Rule{
		{Monitor: "validation/loss", Patience: 1},
		{Monitor: "validation/loss", Patience: 2},
		{Monitor: "validation/loss", AtMost: new(1.0)},
		{All: []stopping.Rule{{Monitor: "boundary/complexity", Rises: 1}, {Monitor: "spectrum/trace", Falls: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	end := point(8, 1, 8, 0.5, 3, 0.25)
	want := stopping.Replayed{
		Run:    "r",
		Oracle: point(2, 0.25, 2, 0.75, 2, 0), // the first of the two best
		End:    *end,
		Rules: []stopping.Outcome{
			{
				Rule: "validation/loss not better for 1 measurement", Verdict: stopping.Stopped,
				Detail: "validation/loss not better for 1 measurement: 3 now, 3 at best", Point: point(2, 0.25, 2, 0.75, 2, 0),
			},
			{
				Rule: "validation/loss not better for 2 measurements", Verdict: stopping.Stopped,
				Detail: "validation/loss not better for 2 measurements: 3 now, 2 at best", Point: point(5, 0.625, 5, 0.75, 1, 0),
			},
			{Rule: "validation/loss ≤ 1", Verdict: stopping.Never, Point: end},
			{
				Rule: "boundary/complexity rising for 1 measurement and spectrum/trace falling for 1 measurement", Verdict: stopping.NotRecorded,
				Missing: []string{"boundary/complexity", "spectrum/trace"},
			},
		},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

// If the test split is evaluated rarely, the nearest epoch counts, the earlier one of
// two.
func TestReplayNearest(t *testing.T) {
	run := recorded("r", map[string][]float64{
		"validation/loss": {6, 5, 4, 3, 2, 1, 0},
		"test/accuracy":   {0, absent, absent, absent, 0.5, absent, absent},
	})
	for threshold, want := range map[float64]int{6: 0, 5: 0, 4: 0, 3: 4, 2: 4, 1: 4, 0: 4} {
		have, err := stopping.Replay(run, []stopping.Rule{{Monitor: "validation/loss", AtMost: &threshold}})
		if err != nil {
			t.Fatal(err)
		}
		if p := have.Rules[0].Point; p.Epoch != 6-int(threshold) || *p.Evaluated != want || *p.Accuracy != float64(want)/8 || p.Loss != nil {
			t.Errorf("loss ≤ %g: %+v, want that of epoch %d", threshold, p, want)
		}
	}
}

// Without a test split, a study only says where rules stop.
func TestReplayWithoutTest(t *testing.T) {
	have, err := stopping.Replay(recorded("r", map[string][]float64{"validation/loss": {1, 2}}), []stopping.Rule{{Monitor: "validation/loss", Patience: 1}})
	if err != nil {
		t.Fatal(err)
	}
	want := stopping.Point{Epoch: 1, Share: 1, Seconds: 0.5}
	if have.Oracle != nil || !cmp.Equal(have.End, want) || !cmp.Equal(have.Rules[0].Point, &want) {
		t.Errorf("%+v, want no oracle and no accuracy", have)
	}
	if s := stopping.Summarize([]stopping.Replayed{have}); s[1].Stopped != 1 || s[1].MeanRegret != nil || *s[1].MeanShare != 1 {
		t.Errorf("summary %+v, want no regret", s)
	}
}

// A run that has only epoch 0 ends at the share 1.
func TestReplayUntrained(t *testing.T) {
	have, err := stopping.Replay(recorded("r", map[string][]float64{"test/accuracy": {0.5}}), nil)
	if err != nil || have.End.Share != 1 || *have.End.Regret != 0 {
		t.Errorf("%+v, error %v; want all of the run", have.End, err)
	}
}

func TestReplayRefuses(t *testing.T) {
	run := recorded("r", map[string][]float64{"rate": {1, 2}, "validation/loss": {math.NaN(), 2}})
	var field *trainer.FieldError
	if _, err := stopping.Replay(run, []stopping.Rule{{Monitor: "rate", Patience: 1}}); !errors.As(err, &field) || field.Field != "Mode" {
		t.Errorf("error %v, want one of mode", err)
	}
	if _, err := stopping.Replay(run, []stopping.Rule{{Monitor: "no such", Patience: -1}}); !errors.As(err, &field) || field.Field != "Patience" {
		t.Errorf("error %v, want one of patience", err)
	}
	if _, err := stopping.Replay(run, []stopping.Rule{{Monitor: "validation/loss", Patience: 1}}); err == nil || !strings.Contains(err.Error(), "epoch 0") {
		t.Errorf("error %v, want one that names the epoch", err)
	}
}

func TestSummarize(t *testing.T) {
	rules := []stopping.Rule{{Monitor: "validation/loss", AtMost: new(1.0)}, {Monitor: "boundary/complexity", Rises: 1}}
	var runs []stopping.Replayed
	for _, series := range []map[string][]float64{
		{"validation/loss": {3, 2, 1, 1, 1}, "test/accuracy": {0, 1, 0.5, 0.5, 0.75}},
		{"validation/loss": {3, 2, 2, 2, 2}, "test/accuracy": {0, 1, 0.5, 0.5, 0.5}},
		{"validation/loss": {3, 2, 2, 2, 1}, "test/accuracy": {0, 1, 0.5, 0.5, 1}, "boundary/complexity": {1, 2}},
	} {
		replayed, err := stopping.Replay(recorded("r", series), rules)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, replayed)
	}
	want := []stopping.Summary{
		{Rule: "to the end", Runs: 3, MeanRegret: new(0.25), MedianRegret: new(0.25), MeanShare: new(1.0)},
		{Rule: "validation/loss ≤ 1", Runs: 3, Stopped: 2, MeanRegret: new(1.0 / 3), MedianRegret: new(0.5), MeanShare: new(2.5 / 3)},
		{Rule: "boundary/complexity rising for 1 measurement", Runs: 1, Stopped: 1, MeanRegret: new(0.0), MedianRegret: new(0.0), MeanShare: new(0.25)},
	}
	if diff := cmp.Diff(want, stopping.Summarize(runs)); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if s := stopping.Summarize(runs[:2])[1]; *s.MedianRegret != 0.5 || s.Runs != 2 {
		t.Errorf("of two runs %+v, want the median 0.5", s)
	}
	if s := stopping.Summarize(nil); len(s) != 1 || s[0].Runs != 0 {
		t.Errorf("of no run %+v", s)
	}
}

func TestDefaults(t *testing.T) {
	few := stopping.Defaults([]stopping.Run{recorded("r", map[string][]float64{"validation/loss": {1}, "test/accuracy": {1}})})
	many := stopping.Defaults([]stopping.Run{
		recorded("r", map[string][]float64{"validation/loss": {1}, "boundary/participation": {1}}),
		recorded("s", map[string][]float64{"train/accuracy": {1}, "boundary/margin": {1}, "spectrum/lambda_max": {1}}),
	})
	if len(few) != 4 || len(many) < 10 {
		t.Errorf("%d rules for little that is recorded and %d for much; want 4 and more than 10", len(few), len(many))
	}
	for _, r := range many {
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", r, err)
		}
		if slices.ContainsFunc(r.Metrics(), func(m string) bool { return strings.HasPrefix(m, "test/") || m == "boundary/complexity" }) {
			t.Errorf("%s looks at the test split, or at what is not recorded", r)
		}
	}
}

func TestDeclared(t *testing.T) {
	declared := stopping.Declared([]stopping.Run{{}, recorded("r", nil)})
	if m, err := declared("test/accuracy"); err != nil || m.Better != trainer.Higher {
		t.Errorf("%+v, error %v; want the declaration", m, err)
	}
	if _, err := declared("validation/los"); err == nil || !strings.Contains(err.Error(), `did you mean "validation/loss"?`) {
		t.Errorf("error %v, want one that names the nearest metric", err)
	}
}
