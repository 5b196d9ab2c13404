package command

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
)

// get requests an address; it returns "" if there is no answer.
func get(address string) string {
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get(address)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		return ""
	}
	return string(text)
}

// address waits for the address that a process prints.
func address(t *testing.T, output *lockedBuffer) string {
	t.Helper()
	var found []string
	until(t, "an address", func() bool {
		found = regexp.MustCompile(`(?m)^serving (http://127\.0\.0\.1:\d+/.*)$`).FindStringSubmatch(output.String())
		return found != nil
	})
	return found[1]
}

func TestServe(t *testing.T) {
	chdir(t)
	writeRun(t, "runs/quick", record.StatusFinished, time.Hour, map[string]float64{"train/loss": 0.25})
	p := start(t, "serve")
	at := address(t, &p.stdout)
	for path, want := range map[string]string{
		"": "<title>", "data.json": `"link":"runs/quick/"`, "runs/quick/": "<title>quick", "runs/quick/data.json": `"train/loss"`,
		"metrics": `hessoscope_train_loss{run="quick"} 0.25`,
	} {
		if text := get(at + path); !strings.Contains(text, want) {
			t.Errorf("no %q at %s: %.200s", want, path, text)
		}
	}
	p.signal(t, os.Interrupt)
	if status := p.end(t); status != 0 {
		t.Errorf("status %d: %s", status, p.stderr.String())
	}
	write(t, "file", "")
	for _, test := range [][]string{{"serve", "nowhere"}, {"serve", "file"}, {"serve", "--port", "99999"}} {
		if r := hessoscope(test...); r.status != 2 || r.stderr == "" {
			t.Errorf("%q: status %d, error %q", test, r.status, r.stderr)
		}
	}
}

// A run that is served and exported while it trains, is interrupted and resumed, ends with
// the same numbers as one that is not.
func TestTrainServed(t *testing.T) {
	skipShort(t)
	chdir(t)
	settings := []string{"--no-progress", "--set", "training.epochs=3000", "--set", "spectrum.schedule={every: 1000}", "--set", "margin.off=true"}
	succeed(t, append([]string{"train", "iris", "--name", "alone"}, settings...)...)
	p := start(t, append([]string{"train", "iris", "--name", "watched", "--serve", "--set", "export={tensorboard: true, openmetrics: true}"}, settings...)...)
	at := address(t, &p.stderr)
	if !strings.HasSuffix(at, "/runs/watched/") {
		t.Errorf("address %s", at)
	}
	until(t, "an epoch in the page", func() bool {
		var d report.Data
		text := get(at + "data.json")
		return text != "" && json.Unmarshal([]byte(text), &d) == nil && d.Runs[0].Epoch > 0
	})
	p.signal(t, os.Interrupt)
	if p.end(t) == 0 {
		t.Log("the run ended before it was interrupted")
	}
	for _, name := range []string{"events.out.tfevents.hessoscope", "metrics.prom"} {
		if info, err := os.Stat(filepath.Join("runs", "watched", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	succeed(t, "train", "runs/watched", "--resume", "--no-progress")
	alone, err1 := record.ReadRun("runs/alone/run.json")
	watched, err2 := record.ReadRun("runs/watched/run.json")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for name, want := range alone.Final {
		if have := watched.Final[name]; have != want && !strings.Contains(name, "seconds") && !strings.Contains(name, "time") {
			t.Errorf("%s is %v; want %v", name, have, want)
		}
	}
	prom := read(t, "runs/watched/metrics.prom")
	for _, want := range []string{`hessoscope_run_epoch{run="watched"} 3000.0`, `state="finished"`} {
		if !strings.Contains(prom, want) {
			t.Errorf("no %q in metrics.prom", want)
		}
	}
}
