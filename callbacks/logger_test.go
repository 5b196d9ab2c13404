package callbacks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/trainer"
)

// The usual metrics fit the width of a terminal.
func TestLoggerChoosesColumns(t *testing.T) {
	names := func(names ...string) (metrics []trainer.Metric) {
		for _, n := range names {
			metrics = append(metrics, trainer.Metric{Name: n})
		}
		return metrics
	}
	for _, test := range []struct {
		name     string
		declared []trainer.Metric // beside those of the splits of iris, train and test, and of the trainer
		want     []string
	}{
		{"no others", nil, []string{"epoch", "step", "loss", "accuracy", "test loss", "test acc", "time"}},
		{
			"the spectrum first", names("a/one", "a/two_words_and_more", "spectrum/lambda_max", "spectrum/lambda_min", "a/three_long_words_more"),
			[]string{"epoch", "step", "loss", "accuracy", "test loss", "test acc", "one", "lambda max", "lambda min", "time"},
		},
		{
			"held-out data before others", append([]trainer.Metric{{Name: "validation/loss", Heading: "VL"}, {Name: "validation/accuracy", Heading: "VA"}}, names("a/one", "a/very_long_name", "a/quite_a_long_name_too")...),
			[]string{"epoch", "step", "loss", "accuracy", "VL", "VA", "one", "very long name", "test loss", "time"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			logger, err := callbacks.NewLogger(&out, "text")
			if err != nil {
				t.Fatal(err)
			}
			tr, _ := newTraining(t, declarer(test.declared), logger)
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			heading := strings.Split(out.String(), "\n")[1]
			have := regexp.MustCompile(`  +`).Split(strings.TrimSpace(heading), -1)
			want := map[string]bool{}
			for _, w := range test.want {
				want[w] = true
			}
			for _, h := range have {
				if !want[h] {
					t.Errorf("column %q is not wanted", h)
				}
				delete(want, h)
			}
			for w := range want {
				t.Errorf("no column %q", w)
			}
			if width := utf8.RuneCountInString(heading); width > 110 {
				t.Errorf("the table is %d columns wide, want at most 110", width)
			}
		})
	}
}

type declarer []trainer.Metric

func (declarer) Name() string                { return "declarer" }
func (d declarer) Metrics() []trainer.Metric { return d }

var timePattern = regexp.MustCompile(` *[0-9.]+s\n|seconds=[0-9.]+`)

// loggedText is the output of a text Logger for the test training, without times.
func loggedText(t *testing.T, ctx context.Context, p *probe, change func(*callbacks.Logger)) string {
	t.Helper()
	var out bytes.Buffer
	logger, err := callbacks.NewLogger(&out, "text")
	if err != nil {
		t.Fatal(err)
	}
	change(logger)
	tr, _ := newTraining(t, p, logger)
	if _, err := tr.Run(ctx); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return timePattern.ReplaceAllStringFunc(out.String(), func(s string) string {
		if strings.HasSuffix(s, "\n") {
			return "\n"
		}
		return "seconds=…"
	})
}

func TestLoggerText(t *testing.T) {
	p := &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
		if s.Epoch == 4 { // under way is the fifth
			s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "probe", Detail: "seen enough"})
		}
		return nil
	}}
	have := loggedText(t, t.Context(), p, func(l *callbacks.Logger) {
		l.Metrics = []string{"train/learning_rate", "probe/calls"}
		l.Schedule = trainer.Schedule{At: []int{0, 1, 2}}
	})
	want := `
training data=iris epochs=6 model="MLP 4-5-3 relu" parameters=43 samples/test=30 samples/train=120
  epoch     step      rate     calls     time
      0        0              1.0000
      1        3    0.0100
      2        6    0.0100    2.0000
      5       15    0.0100
finished by=probe detail="seen enough" epoch=5 probe/calls="3.0000 at epoch 4" reason=requested seconds=… train/learning_rate=0.0100
`
	if diff := cmp.Diff(want[1:], have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

// Without a schedule, every epoch with a measurement is logged, but for those of
// details such as the norm of the parameters.
func TestLoggerDefaultSchedule(t *testing.T) {
	var out bytes.Buffer
	logger, err := callbacks.NewLogger(&out, "json")
	if err != nil {
		t.Fatal(err)
	}
	tr, model := newTraining(t)
	session, err := trainer.NewSession(model, tr.State().Data, trainer.SessionSettings{Epochs: 100_000, Evaluate: trainer.Schedule{SkipFinal: true}},
		scores{trainer.Lower, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8}}, &callbacks.Parameters{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	for epoch := 1; epoch <= 100_000; epoch++ {
		if err := session.EpochEnd(t.Context(), epoch, epoch); err != nil {
			t.Fatal(err)
		}
	}
	measured, others := 0, 0
	for _, e := range entries(t, &out) {
		switch _, fresh := e["scores/value"]; {
		case e["msg"] != "epoch":
		case fresh:
			measured++
		default:
			others++
		}
	}
	// 100000^(i/19) is above 8 for i from 4 to 19.
	if measured != 9 || others != 16 {
		t.Errorf("%d epochs logged with a measurement and %d others; want 9 and 16", measured, others)
	}
}

func entries(t *testing.T, out *bytes.Buffer) (all []map[string]any) {
	t.Helper()
	for d := json.NewDecoder(out); d.More(); {
		var e map[string]any
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestLoggerJSON(t *testing.T) {
	var out bytes.Buffer
	logger, err := callbacks.NewLogger(&out, "json")
	if err != nil {
		t.Fatal(err)
	}
	w := new(witness)
	tr, _ := newTraining(t, new(probe), logger, w)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := entries(t, &out)
	if len(all) != testEpochs+3 || all[0]["msg"] != "training" || all[testEpochs+2]["msg"] != "finished" {
		t.Fatalf("%d entries, the first %v; want training, %d epochs, finished", len(all), all[0], testEpochs+1)
	}
	for epoch, e := range all[1 : testEpochs+2] {
		if e["epoch"] != float64(epoch) || e["of"] != float64(testEpochs) || e["step"] != float64(epoch*testSteps) {
			t.Errorf("entry %v, want epoch %d of %d, step %d", e, epoch, testEpochs, epoch*testSteps)
		}
		for _, name := range declared {
			have, logged := e[name].(float64)
			want, fresh := w.fresh[epoch][name]
			if logged != fresh || have != want {
				t.Errorf("epoch %d, %s: %v (logged: %t), want %v (fresh: %t)", epoch, name, have, logged, want, fresh)
			}
		}
	}
}

func TestLoggerInterruptedAndResumed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := &probe{batchEnd: func(_ context.Context, s *trainer.State) error {
		if s.Step == testSteps+1 {
			cancel()
		}
		return nil
	}}
	text := loggedText(t, ctx, p, func(*callbacks.Logger) {})
	want := `warning: interrupted epoch=1 seconds=… step=4`
	if lines := strings.Split(strings.TrimSpace(text), "\n"); lines[len(lines)-1] != want {
		t.Errorf("the last line is\n%s\nwant\n%s", lines[len(lines)-1], want)
	}

	var out bytes.Buffer
	logger := &callbacks.Logger{Log: &logrus.Logger{Out: &out, Formatter: new(logrus.JSONFormatter), Level: logrus.InfoLevel}}
	tr, _ := newTraining(t)
	session, err := trainer.NewSession(tr.State().Model, tr.State().Data, trainer.SessionSettings{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	session.State().Epoch, session.State().Step = 2, 7 // as after Restore
	if err := session.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first := entries(t, &out)[0]; first["msg"] != "resumed" || first["at"] != 2.0 {
		t.Errorf("the first entry is %v, want resumed at 2", first)
	}
}

func TestLoggerRefuses(t *testing.T) {
	if _, err := callbacks.NewLogger(new(bytes.Buffer), "yaml"); err == nil || !strings.Contains(err.Error(), "want text or json") {
		t.Errorf("error %v, want one that names the formats", err)
	}
	tr, _ := newTraining(t, &callbacks.Logger{Metrics: []string{"test/acuracy"}})
	_, err := tr.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), `did you mean "test/accuracy"?`) {
		t.Errorf("error %v, want a suggestion", err)
	}
}
