package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// writeRun writes the record of a run that was updated so long ago.
func writeRun(t *testing.T, dir string, status record.Status, ago time.Duration, values map[string]float64) {
	t.Helper()
	host, _ := os.Hostname()
	r := record.Run{
		Status: status, Updated: time.Now().Add(-ago), Epoch: 20, Epochs: 50, Host: record.RunHost{Name: host, Process: 1 << 30},
		Metrics: []trainer.Metric{
			{Name: "train/loss", Better: trainer.Lower},
			{Name: "test/loss", Better: trainer.Lower},
			{Name: record.Margin, Better: trainer.Higher},
			{Name: record.LambdaMax, Better: trainer.Lower},
		},
		Final: make(map[string]trainer.Reading),
	}
	for name, value := range values {
		r.Final[name] = trainer.Reading{Value: value, Epoch: 20}
	}
	r.Final[record.LambdaMax] = trainer.Reading{Value: 12.5, Epoch: 10}
	text, err := record.Marshal(r, "  ")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "run.json"), string(text))
}

func TestRuns(t *testing.T) {
	chdir(t)
	writeRun(t, "runs/a", record.StatusFinished, 3*time.Hour, map[string]float64{"train/loss": 0.25, record.Margin: 0.125})
	writeRun(t, "runs/b", record.StatusRunning, time.Second, map[string]float64{"train/loss": 0.5, record.Low(record.Margin): 0.25, record.High(record.Margin): 0.375})
	writeRun(t, "runs/c", record.StatusRunning, time.Minute, map[string]float64{"train/loss": 0.125})
	write(t, "runs/d/config.yaml", "name: d\n")
	write(t, "runs/e/run.json", "{")

	out := succeed(t, "runs")
	for _, want := range []string{
		`run +state +updated +epoch +loss +accuracy +validation +test +λ₁ +outliers +directions +G +margin`,
		`runs/a +finished +3 h ago +20 of 50 +0.25 +12.5\* +0.125`,
		`runs/b +running +1 s ago +20 of 50 +0.5 +12.5\* +0.25–0.375`,
		`runs/c +killed +1 min ago +20 of 50 +0.125`,
		`runs/d +not begun`,
		`runs/e +unreadable`,
		`! runs/e: runs/e/run.json: unexpected end of JSON`,
	} {
		if !regexp.MustCompile("(?m)^" + want).MatchString(out) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for key, want := range map[string]string{
		"run": "abcde", "updated": "bcade", "epoch": "abcde", "train/loss": "cabde", "margin": "bacde", "state": "acdbe",
	} {
		order := ""
		var listed []listedRun
		if err := json.Unmarshal([]byte(succeed(t, "runs", "--sort", key, "--json", "-")), &listed); err != nil {
			t.Fatal(err)
		}
		for _, l := range listed {
			order += filepath.Base(l.Run)
		}
		if order != want {
			t.Errorf("sorted by %s: %s; want %s", key, order, want)
		}
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"runs", "--sort", "loss"}, `"loss" may be any of test/loss, train/loss`},
		{[]string{"runs", "--sort", "margn"}, `did you mean "margin"?`},
		{[]string{"runs", "--follow"}, "--follow wants one run; here are 5"},
		{[]string{"runs", "a", "--follow", "--json", "-"}, "runs/a/metrics.jsonl has the same"},
		{[]string{"runs", "nowhere"}, "nowhere"},
	} {
		if r := hessoscope(test.args...); r.status != 2 || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%q: status %d, error %q; want %q", test.args, r.status, r.stderr, test.want)
		}
	}
	if err := os.Rename("runs", "others"); err != nil {
		t.Fatal(err)
	}
	if r := hessoscope("runs"); r.status != 2 || !strings.Contains(r.stderr, "there is no folder runs here") {
		t.Errorf("without a folder: status %d, error %q", r.status, r.stderr)
	}
}

// A run that is followed shows the rows of its log, and how it ends.
func TestFollow(t *testing.T) {
	skipShort(t)
	chdir(t)
	p := start(t, "train", "iris", "--no-progress", "--set", "training.epochs=3000", "--set", "spectrum.schedule={every: 1000}", "--set", "margin.off=true", "--set", "log.schedule={}")
	until(t, "a run", func() bool { return record.Folder("runs/iris").IsRun() })
	followed := succeed(t, "runs", "iris", "--follow")
	if p.end(t) != 0 {
		t.Fatal(p.stderr.String())
	}
	rows := func(text string) (rows []string) {
		for line := range strings.Lines(text) {
			if regexp.MustCompile(`^ +(\d+|epoch) `).MatchString(line) {
				rows = append(rows, line[:strings.LastIndex(line, " ")]) // without the time, which has another moment
			}
		}
		return rows
	}
	logged, have := rows(p.stdout.String()), rows(followed)
	if len(have) < 20 || fmt.Sprint(have) != fmt.Sprint(logged) {
		t.Errorf("followed:\n%s\nlogged:\n%s", followed, p.stdout.String())
	}
	if want := "runs/iris is finished at epoch 3000\n"; !strings.HasSuffix(followed, want) {
		t.Errorf("no %q at the end of\n%s", want, followed)
	}
}
