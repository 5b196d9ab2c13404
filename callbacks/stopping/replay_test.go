package stopping_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
				Restored: point(1, 0.125, 0, 0.25, 4, 0.5),
			},
			{
				Rule: "validation/loss not better for 2 measurements", Verdict: stopping.Stopped,
				Detail: "validation/loss not better for 2 measurements: 3 now, 2 at best", Point: point(5, 0.625, 5, 0.75, 1, 0),
				Restored: point(3, 0.375, 2, 0.75, 2, 0),
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
		{Rule: "to the end", Runs: 3, MeanRegret: new(0.25), MeanRegretError: new(math.Sqrt(1.0 / 48)), MedianRegret: new(0.25), MeanShare: new(1.0)},
		{Rule: "validation/loss ≤ 1", Runs: 3, Stopped: 2, MeanRegret: new(1.0 / 3), MeanRegretError: new(1.0 / 6), MedianRegret: new(0.5), MeanShare: new(2.5 / 3)},
		{Rule: "boundary/complexity rising for 1 measurement", Runs: 1, Stopped: 1, MeanRegret: new(0.0), MedianRegret: new(0.0), MeanShare: new(0.25)},
	}
	// Regrets of 0.25, 0.5 and 0 have the standard deviation 1/4, of 0.5, 0.5 and 0 it is 1/√12.
	if diff := cmp.Diff(want, stopping.Summarize(runs), cmpopts.EquateApprox(0, 1e-15)); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if s := stopping.Summarize(runs[:2])[1]; *s.MedianRegret != 0.5 || s.Runs != 2 {
		t.Errorf("of two runs %+v, want the median 0.5", s)
	}
	// Every run twice in a cluster tells no more than once.
	var twice []stopping.Replayed
	for i, r := range runs {
		r.Cluster = i + 1
		twice = append(twice, r, r)
	}
	for i, s := range stopping.Summarize(twice) {
		if diff := cmp.Diff(want[i].MeanRegretError, s.MeanRegretError, cmpopts.EquateApprox(0, 1e-15)); diff != "" || s.Runs != 2*want[i].Runs {
			t.Errorf("%s, every run twice: %d runs, error (-want +have):\n%s", s.Rule, s.Runs, diff)
		}
	}
	if s := stopping.Summarize(nil); len(s) != 1 || s[0].Runs != 0 {
		t.Errorf("of no run %+v", s)
	}
}

// A rule that could not hold counts neither as stopped nor in means.
func TestReplayTooFew(t *testing.T) {
	run := recorded("r", map[string][]float64{
		"validation/loss":     {4, 3, 2, 1, 1, 1},
		"boundary/complexity": {absent, absent, absent, 1, absent, 2},
		"test/accuracy":       {0, 0.5, 0.5, 0.5, 0.5, 0.5},
	})
	rare := stopping.Rule{Monitor: "boundary/complexity", Falls: 2}
	never := stopping.Rule{Monitor: "validation/loss", Rises: 1}
	for _, test := range []struct {
		rule   stopping.Rule
		want   stopping.Verdict
		detail string
	}{
		{rare, stopping.TooFew, "boundary/complexity was measured 2 times, and the rule needs 3"},
		{stopping.Rule{Monitor: "boundary/complexity", Falls: 1}, stopping.Never, ""},
		{stopping.Rule{Monitor: "boundary/complexity", Falls: 1, StartEpoch: 3}, stopping.Never, ""},
		{stopping.Rule{Monitor: "boundary/complexity", Falls: 1, StartEpoch: 4}, stopping.TooFew, "boundary/complexity was measured 1 time, and the rule needs 2"},
		{stopping.Rule{Monitor: "boundary/complexity", PatienceEpochs: 3}, stopping.TooFew, "boundary/complexity was measured over 2 epochs, and the rule needs 3"},
		{stopping.Rule{Monitor: "boundary/complexity", PatienceEpochs: 2}, stopping.Stopped, "boundary/complexity not better for 2 epochs: 2 now, 1 at best"},
		{stopping.Rule{All: []stopping.Rule{never, rare}}, stopping.TooFew, "boundary/complexity was measured 2 times, and the rule needs 3"},
		{stopping.Rule{Any: []stopping.Rule{never, rare}}, stopping.Never, ""},
		{stopping.Rule{Any: []stopping.Rule{rare, {All: []stopping.Rule{rare, never}}}}, stopping.TooFew, "boundary/complexity was measured 2 times, and the rule needs 3"},
	} {
		have, err := stopping.Replay(run, []stopping.Rule{test.rule})
		if err != nil {
			t.Fatal(err)
		}
		o := have.Rules[0]
		if o.Verdict != test.want || o.Detail != test.detail || (o.Point == nil) != (test.want == stopping.TooFew) {
			t.Errorf("%s: %+v; want %s, %q", test.rule, o, test.want, test.detail)
		}
		s := stopping.Summarize([]stopping.Replayed{have})[1]
		if apart := test.want == stopping.TooFew; apart != (s.TooFew == 1) || apart != (s.Runs == 0) || apart != (s.MeanRegret == nil) {
			t.Errorf("%s: summary %+v", test.rule, s)
		}
	}
}

// A metric that is known only as an interval is not fresh.
func TestReplayInterval(t *testing.T) {
	run := recorded("r", map[string][]float64{"boundary/complexity_low": {1, 2, 3}, "boundary/complexity_high": {4, 5, 6}})
	rules := []stopping.Rule{{Monitor: "boundary/complexity", Rises: 1}}
	have, err := stopping.Replay(run, rules)
	if err != nil {
		t.Fatal(err)
	}
	if o := have.Rules[0]; o.Verdict != stopping.NotRecorded || !strings.Contains(o.Detail, "an interval only") {
		t.Errorf("%+v; want no verdict by intervals", o)
	}
	// Certain at epochs 0 and 2: between them it is not fresh.
	run = recorded("r", map[string][]float64{"boundary/complexity": {1, absent, 2}, "boundary/complexity_low": {absent, 0, absent}, "boundary/complexity_high": {absent, 9, absent}})
	if have, err = stopping.Replay(run, rules); err != nil || have.Rules[0].Verdict != stopping.Stopped || have.Rules[0].Epoch != 2 {
		t.Errorf("%+v, error %v; want a stop at epoch 2", have.Rules[0], err)
	}
}

// On 100 test samples the oracle has the accuracy 0.9 and the end 0.8: the error of
// the regret is √(0.09 + 0.16)/10.
func TestRegretError(t *testing.T) {
	run := recorded("r", map[string][]float64{
		"validation/loss": {3, 2, 1, 2, 3},
		"test/accuracy":   {0.5, 0.9, 0.6, 0.9, 0.8},
	})
	run.TestSamples = 100
	have, err := stopping.Replay(run, []stopping.Rule{{Monitor: "validation/loss", Patience: 2}, {Monitor: "validation/loss", AtMost: new(2.0)}})
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, have *float64, want float64) {
		t.Helper()
		if have == nil || math.Abs(*have-want) > 1e-15 {
			t.Errorf("%s is %v; want %v", what, have, want)
		}
	}
	near("error at the end", have.End.RegretError, 0.05)
	near("error of the oracle", have.Oracle.RegretError, 0)
	near("error at the stop, epoch 4", have.Rules[0].RegretError, 0.05)
	near("regret of the restored best, epoch 2", have.Rules[0].Restored.Regret, 0.9-0.6)
	near("its error", have.Rules[0].Restored.RegretError, math.Sqrt(0.09+0.24)/10)
	near("error where the rule is the oracle", have.Rules[1].RegretError, 0)
	if have.Rules[1].Restored != nil {
		t.Error("a threshold restores nothing")
	}
	s := stopping.Summarize([]stopping.Replayed{have, have})[1]
	near("mean regret of the restored best", s.MeanRestoredRegret, 0.9-0.6)
	near("its standard error over two equal runs", s.MeanRestoredRegretError, 0)
}

func TestRefuseTest(t *testing.T) {
	var field *trainer.FieldError
	r := stopping.Rule{All: []stopping.Rule{{Monitor: "validation/loss", Patience: 1}, {Any: []stopping.Rule{{Monitor: "test/accuracy", Patience: 1}}}}}
	if err := r.RefuseTest(); !errors.As(err, &field) || field.Field != "All[1].Any[0].Monitor" || !strings.Contains(field.Problem, "--study-test") {
		t.Errorf("error %v", err)
	}
	if err := r.All[0].RefuseTest(); err != nil {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	few := stopping.Defaults([]stopping.Run{recorded("r", map[string][]float64{"validation/loss": {1}, "test/accuracy": {1}})})
	many := stopping.Defaults([]stopping.Run{
		recorded("r", map[string][]float64{"validation/loss": {1}, "boundary/participation": {1}}),
		recorded("s", map[string][]float64{"train/accuracy": {1}, "boundary/margin": {1}, "spectrum/lambda_max": {1}}),
	})
	if len(few) != 4 {
		t.Errorf("%d rules for little that is recorded, want 4", len(few))
	}
	var words []string
	for _, r := range many {
		words = append(words, r.String())
	}
	want := []string{
		"validation/loss not better for 5 measurements",
		"validation/loss not better for 20 measurements",
		"validation/loss not better for 20 measurements (by 1%)",
		"validation/loss not better for 100 epochs",
		"train/accuracy ≥ 1",
		"train/accuracy ≥ 1 for 10 measurements",
		"spectrum/lambda_max falling for 2 measurements",
		"train/accuracy ≥ 1 and spectrum/lambda_max falling for 1 measurement",
		"boundary/margin not better for 3 measurements",
		"boundary/margin falling for 2 measurements",
	}
	if !slices.Equal(words, want) {
		t.Errorf("rules %q, want %q", words, want)
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
