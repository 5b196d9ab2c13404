package callbacks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// logTo returns a log that writes lines to b.
func logTo(b *bytes.Buffer) *logrus.Logger {
	return &logrus.Logger{Out: b, Formatter: new(callbacks.Table), Level: logrus.InfoLevel}
}

// rising are scores whose best is at epoch 1: a patience of 2 ends at epoch 3.
func rising() scores { return scores{trainer.Lower, []float64{3, 1, 2, 2, 2, 2, 2}} }

var patience2 = stopping.Rule{Monitor: "scores/value", Patience: 2}

func TestEarlyStopping(t *testing.T) {
	for _, test := range []struct {
		name  string
		hook  callbacks.EarlyStopping
		want  trainer.Stop
		epoch int
	}{
		{
			"patience",
			callbacks.EarlyStopping{Rule: patience2},
			trainer.Stop{
				Reason: trainer.Requested, By: "early_stopping", Rule: "patience", Metric: "scores/value",
				Detail: "scores/value not better for 2 measurements: 2 now, 1 at best",
			},
			3,
		},
		{
			"threshold",
			callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "scores/value", AtMost: new(1.0)}},
			trainer.Stop{Reason: trainer.Requested, By: "early_stopping", Rule: "threshold", Metric: "scores/value", Detail: "scores/value ≤ 1: 1 now"},
			1,
		},
		{
			"all",
			callbacks.EarlyStopping{Rule: stopping.Rule{All: []stopping.Rule{patience2, {Monitor: "probe/calls", Rises: 2}}}},
			trainer.Stop{
				Reason: trainer.Requested, By: "early_stopping", Rule: "all",
				Detail: "scores/value not better for 2 measurements and probe/calls rising for 2 measurements",
			},
			4,
		},
		{"never", callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "scores/value", Rises: 2}}, trainer.Stop{Reason: trainer.Completed}, testEpochs},
		{"no rule", callbacks.EarlyStopping{}, trainer.Stop{Reason: trainer.Completed}, testEpochs},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			test.hook.Log = logTo(&log)
			path := filepath.Join(t.TempDir(), "run.json")
			tr, _ := newTraining(t, rising(), new(probe), &test.hook, &callbacks.RunRecord{Path: path})
			stop, err := tr.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			recorded, err := record.ReadRun(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, stop); diff != "" || tr.State().Epoch != test.epoch {
				t.Errorf("ended at epoch %d, want %d; (-want +have):\n%s", tr.State().Epoch, test.epoch, diff)
			}
			if diff := cmp.Diff(&test.want, recorded.Stop); diff != "" || recorded.Status != record.StatusFinished || recorded.Restored != nil {
				t.Errorf("run.json has status %s, restored %v, (-want +have):\n%s", recorded.Status, recorded.Restored, diff)
			}
			if log.Len() > 0 {
				t.Errorf("warned of\n%s", &log)
			}
		})
	}
}

// The best parameters are in the model, the last checkpoint and nowhere else,
// and the record says so.
func TestRestoreBest(t *testing.T) {
	for _, test := range []struct {
		name   string
		rule   stopping.Rule
		scores scores
		best   int
		last   int
	}{
		{"stopped", patience2, rising(), 1, 3},
		{"completed", stopping.Rule{}, rising(), 1, testEpochs},
		{"higher, the first of equals", stopping.Rule{}, scores{trainer.Higher, []float64{1, 2, 5, 5, 1, 5, 2}}, 2, testEpochs},
		{"untrained", stopping.Rule{}, scores{trainer.Lower, []float64{1, 2, 5, 5, 1, 5, 2}}, 0, testEpochs},
		{"last", stopping.Rule{}, scores{trainer.Lower, []float64{6, 5, 4, 3, 2, 1, 0}}, testEpochs, testEpochs},
		{"whatever counts for the rule", stopping.Rule{Monitor: "scores/value", Patience: 2, MinDelta: 5, StartEpoch: 1}, rising(), 1, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			tr, model := newTraining(
				t, test.scores, &callbacks.EarlyStopping{Rule: test.rule, RestoreBest: "scores/value"},
				&callbacks.Checkpoint{Dir: dir, Interval: -1, Schedule: trainer.Schedule{Every: 1}, Keep: true},
				&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")},
			)
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			parameters := models.Export(model.Parameters())
			for file, same := range map[string]bool{
				fmt.Sprintf("epoch-%06d.npz", test.best): true,
				fmt.Sprintf("epoch-%06d.npz", test.last): test.best == test.last,
				"last.npz":                               true,
			} {
				c, err := trainer.ReadCheckpoint(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if cmp.Equal(parameters, c.Arrays[:len(parameters)]) != same {
					t.Errorf("the model has the parameters of %s: %t, want %t", file, !same, same)
				}
			}
			recorded, err := record.ReadRun(filepath.Join(dir, "run.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want *trainer.Restored
			if test.best != test.last {
				want = &trainer.Restored{Metric: "scores/value", Reading: trainer.Reading{
					Value: test.scores.values[test.best], Epoch: test.best, Step: test.best * testSteps,
				}}
			}
			if diff := cmp.Diff(want, recorded.Restored, cmpopts.IgnoreFields(trainer.Restored{}, "Metrics")); diff != "" || recorded.Epoch != test.last {
				t.Errorf("epoch %d, want %d; restored (-want +have):\n%s", recorded.Epoch, test.last, diff)
			}
		})
	}
}

// A rule that does not stop the run, and a best that is not put back, leave no
// trace in the parameters.
func TestEarlyStoppingOnlyWatches(t *testing.T) {
	end := func(hooks ...trainer.Hook) any {
		tr, model := newTraining(t, hooks...)
		if _, err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return models.Export(model.Parameters())
	}
	falling := scores{trainer.Lower, []float64{6, 5, 4, 3, 2, 1, 0}}
	if diff := cmp.Diff(end(), end(falling, &callbacks.EarlyStopping{Rule: patience2, RestoreBest: "scores/value"})); diff != "" {
		t.Errorf("parameters (-without +with the hook):\n%s", diff)
	}
}

// The best reading may be one that is measured only because the run was stopped.
func TestRestoreBestOfLastMeasurement(t *testing.T) {
	late := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		if _, stopped := s.Stopped(); stopped {
			return s.Record("scores/value", 0)
		}
		return nil
	}}
	values := scores{trainer.Lower, []float64{3, 1}}
	stop := stopping.Rule{Monitor: "train/loss", AtLeast: new(0.0), StartEpoch: 4}
	tr, _ := newTraining(t, values, late, &callbacks.EarlyStopping{Rule: stop, RestoreBest: "scores/value"})
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if restored, ok := tr.State().Restored(); ok || tr.State().Epoch != 4 {
		t.Errorf("restored %+v at epoch %d, want the last epoch, 4, to be the best", restored, tr.State().Epoch)
	}
}

// A loss that is not finite ends a run whatever its rule, and the best parameters are
// not put back: those of the previous epoch are kept, so that the run can be resumed.
func TestEarlyStoppingNotFinite(t *testing.T) {
	dir := t.TempDir()
	var before []float64
	p := &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		first := s.Model.Parameters()[0].Value
		switch s.Epoch {
		case 2:
			before = models.Values(first)
		case 3:
			return s.Record("probe/calls", 1/(first.Float64s()[0]*0))
		}
		return nil
	}}
	tr, model := newTraining(
		t, p, rising(), &callbacks.EarlyStopping{Rule: patience2, RestoreBest: "scores/value"},
		&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")},
	)
	if stop, err := tr.Run(t.Context()); !errors.Is(err, models.ErrNotFinite) || stop.Reason != trainer.NotFinite {
		t.Errorf("stop %+v, error %v; want not finite", stop, err)
	}
	if diff := cmp.Diff(before, models.Values(model.Parameters()[0].Value)); diff != "" {
		t.Errorf("parameters (-epoch 2 +have):\n%s", diff)
	}
	recorded, err := record.ReadRun(filepath.Join(dir, "run.json"))
	if err != nil || recorded.Status != record.StatusNotFinite || recorded.Stop.Reason != trainer.NotFinite || recorded.Restored != nil {
		t.Errorf("recorded %+v, error %v; want status and reason not_finite", recorded, err)
	}
}

func TestEarlyStoppingRefuses(t *testing.T) {
	for _, test := range []struct {
		hook callbacks.EarlyStopping
		want string
	}{
		{callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "scores/valeu", Patience: 1}}, `Rule.Monitor is "scores/valeu": trainer: no metric "scores/valeu"; did you mean "scores/value"?`},
		{callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "scores/value", Patience: 1}}, "Rule.Mode is missing: neither lower nor higher values of scores/value"},
		{callbacks.EarlyStopping{Rule: stopping.Rule{Any: []stopping.Rule{{Monitor: "scores/value", For: -1}}}}, "Rule.Any[0].For is -1"},
		{callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "test/loss", Patience: 3}}, `Rule.Monitor is "test/loss": the test split must not decide when to stop`},
		{callbacks.EarlyStopping{RestoreBest: "scores/valeu"}, `RestoreBest is "scores/valeu": trainer: no metric "scores/valeu"; did you mean "scores/value"?`},
		{callbacks.EarlyStopping{RestoreBest: "test/loss"}, `RestoreBest is "test/loss": the test split must not decide`},
		{callbacks.EarlyStopping{RestoreBest: "scores/value"}, `RestoreBest is "scores/value": neither lower nor higher`},
	} {
		tr, _ := newTraining(t, scores{better: trainer.Neither}, &test.hook)
		if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "hook early_stopping: "+test.want) {
			t.Errorf("error %v, want %q in it", err, test.want)
		}
	}
}

// timed are scores with a known schedule.
type timed struct {
	scores
	schedule trainer.Schedule
}

func (c timed) Times(s *trainer.State, _ string, from int) (int, bool) {
	return c.schedule.Times(s, from)
}

// There is a warning if a metric will not be measured often enough, or was never
// measured.
func TestEarlyStoppingWarns(t *testing.T) {
	never := scores{better: trainer.Lower}
	for _, test := range []struct {
		name    string
		metrics trainer.Hook
		hook    callbacks.EarlyStopping
		want    string // all that is logged
	}{
		{
			"too rare",
			timed{rising(), trainer.Schedule{Every: 3}},
			callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "scores/value", Rises: 4}},
			"warning: scores/value is not measured often enough before the last epoch for this rule to stop the run" +
				" measured=2 needs=5 rule=\"scores/value rising for 4 measurements\"\n",
		},
		{
			"of a split, too late",
			timed{rising(), trainer.Schedule{Every: 3}},
			callbacks.EarlyStopping{Rule: stopping.Rule{Any: []stopping.Rule{{Monitor: "train/loss", Patience: 2, StartEpoch: 4}, {Monitor: "scores/value", Rises: 1}}}},
			"warning: train/loss is not measured often enough before the last epoch for this rule to stop the run" +
				" measured=2 needs=3 rule=\"train/loss not better for 2 measurements (from epoch 4)\"\n",
		},
		{
			"never", never,
			callbacks.EarlyStopping{Rule: patience2, RestoreBest: "scores/value"},
			"warning: scores/value was never measured in this run: early stopping by it did nothing\n",
		},
		{
			"never the best", never,
			callbacks.EarlyStopping{RestoreBest: "scores/value"},
			"warning: scores/value was never measured in this run: early stopping by it did nothing\n",
		},
		{"often enough", timed{rising(), trainer.Schedule{Every: 1}}, callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "scores/value", Rises: 4}}, ""},
		{"rare, but who knows", timed{rising(), trainer.Schedule{Seconds: 3}}, callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "scores/value", Rises: 4}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			test.hook.Log = logTo(&log)
			tr, _ := newTraining(t, test.metrics, &test.hook)
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, log.String()); diff != "" {
				t.Errorf("log (-want +have):\n%s", diff)
			}
		})
	}
}

// In the user's own training loop, the hook does the same.
func TestEarlyStoppingSession(t *testing.T) {
	_, model := newTraining(t)
	data, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	session, err := trainer.NewSession(model, data, trainer.SessionSettings{}, rising(), &callbacks.EarlyStopping{Rule: patience2, RestoreBest: "scores/value"})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := model.Parameters()[0].Value.Float64s()
	stopped := false
	for epoch := 1; !stopped; epoch++ {
		first[0] = float64(epoch)
		if err := session.EpochEnd(t.Context(), epoch, epoch); err != nil {
			t.Fatal(err)
		}
		_, stopped = session.Stopped()
	}
	if first[0] != 3 {
		t.Errorf("stopped after epoch %g, want 3", first[0])
	}
	if err := session.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	if restored, _ := session.State().Restored(); first[0] != 1 || restored.Epoch != 1 {
		t.Errorf("the parameters are those of epoch %g, and said to be those of %d; want 1", first[0], restored.Epoch)
	}
}

// The parameters that are put back are measured as those of a last epoch are: also
// where the schedules leave out their epoch, and where the budget is spent.
func TestRestoredIsMeasured(t *testing.T) {
	for name, schedule := range map[string]trainer.Schedule{"at every epoch": {Every: 1}, "at the end": {At: []int{99}}, "by a budget": {}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spectrum := &callbacks.Spectrum{Schedule: schedule, Dir: dir, Settings: curvature.Settings{Method: curvature.Dense}}
			var lines bytes.Buffer
			log, err := callbacks.NewLogger(&lines, "json")
			if err != nil {
				t.Fatal(err)
			}
			tr, _ := newTraining(
				t, rising(), log, spectrum, &callbacks.Complexity{Spectrum: spectrum}, &callbacks.Margin{Schedule: schedule, Dir: dir},
				&callbacks.EffectiveRank{}, &callbacks.Sharpness{Fisher: true}, &callbacks.CriticalSharpness{},
				&callbacks.EarlyStopping{Rule: patience2, RestoreBest: "scores/value"},
				&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
				&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")},
			)
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			run, err := record.ReadRun(filepath.Join(dir, "run.json"))
			if err != nil {
				t.Fatal(err)
			}
			history, err := record.ReadHistory(filepath.Join(dir, "metrics.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			if run.Restored == nil || run.Restored.Epoch != 1 || run.Epoch != 3 || history[1].Epoch != 1 {
				t.Fatalf("restored %+v at epoch %d; want epoch 1 at epoch 3", run.Restored, run.Epoch)
			}
			have := run.Restored.Metrics
			for _, metric := range []string{"train/loss", record.LambdaMax, record.Complexity, record.LogitMarginMedian, record.EffectiveRank, record.FisherTrace} {
				if _, ok := have[metric]; !ok {
					t.Errorf("%s is missing in %v", metric, have)
				}
			}
			for _, metric := range []string{"train/loss", "train/accuracy", record.LambdaMax, record.Complexity, record.Margin, record.EffectiveRank, record.FisherTrace} {
				then, recorded := history[1].Metrics[metric]
				if now := have[metric]; recorded && math.Abs(now-then) > 1e-9*math.Abs(then) {
					t.Errorf("%s is %v, and was %v when it was recorded", metric, now, then)
				}
			}
			if _, measured := have[record.Misclassified]; !measured {
				t.Error("no distances are measured")
			}
			if _, measured := run.Final[record.Misclassified]; measured == schedule.IsZero() {
				t.Errorf("distances are measured at the last epoch: %t; what a budget has for the end is for what is put back", measured)
			}
			if all := lines.String(); !strings.Contains(all[strings.LastIndex(all, `"epoch"`):], fmt.Sprintf(`"train/loss":%v`, have["train/loss"])) {
				t.Errorf("finished:\n%s\nwant the training loss %v of what was put back", all, have["train/loss"])
			}
			if last := run.Final["train/loss"]; last.Epoch != 3 || last.Value == have["train/loss"] {
				t.Errorf("the last training loss is %+v; want that of epoch 3", last)
			}
			_, err = os.Stat(filepath.Join(dir, record.SpectrumFile(1)))
			if stored := err == nil; stored != (schedule.Every == 1) {
				t.Errorf("the spectrum of epoch 1 is stored: %t", stored)
			}
		})
	}
}
