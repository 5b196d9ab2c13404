package serve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
	"github.com/hessoscope/hessoscope/callbacks/serve"
	"github.com/hessoscope/hessoscope/trainer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// writeRun writes the record of a run at an epoch, and a history of all epochs.
func writeRun(t *testing.T, dir string, status record.Status, epoch int) {
	t.Helper()
	host, _ := os.Hostname()
	r := record.Run{
		Status: status, Updated: time.Now(), Started: time.Now(), Epoch: epoch, Epochs: 9, Loss: "cross_entropy",
		Host:    record.RunHost{Name: host, Process: os.Getpid()},
		Model:   record.RunModel{Description: "MLP 4-5-3 relu", Parameters: 43, InputShape: []int{4}, Classes: 3},
		Data:    record.RunData{Name: "iris", Samples: map[string]int{"train": 120}},
		Metrics: []trainer.Metric{{Name: "train/loss", Heading: "loss", Meaning: "mean loss", Better: trainer.Lower}},
		Final:   map[string]trainer.Reading{"train/loss": {Value: 1 / float64(epoch+1), Epoch: epoch}},
	}
	if status == record.StatusFinished {
		r.Stop = &trainer.Stop{Reason: trainer.Completed}
	}
	text, err := record.Marshal(r, "  ")
	if err != nil {
		t.Fatal(err)
	}
	write(t, record.Folder(dir).Run(), string(text))
	var lines strings.Builder
	for e := range epoch + 1 {
		fmt.Fprintf(&lines, "{\"epoch\": %d, \"step\": %d, \"seconds\": 1, \"metrics\": {\"train/loss\": %g}}\n", e, e, 1/float64(e+1))
	}
	write(t, record.Folder(dir).History(), lines.String())
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// answer is that of a handler to a request whose host is localhost.
func answer(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func dataOf(t *testing.T, w *httptest.ResponseRecorder) *report.Data {
	t.Helper()
	d := new(report.Data)
	if err := json.Unmarshal(w.Body.Bytes(), d); err != nil || w.Code != 200 {
		t.Fatalf("status %d, %v: %s", w.Code, err, w.Body)
	}
	return d
}

func TestAddresses(t *testing.T) {
	runs, others := t.TempDir(), t.TempDir()
	s := &serve.Server{Paths: []string{runs, filepath.Join(others, "quick")}}
	h := s.Handler()
	if d := dataOf(t, answer(h, "GET", "/data.json")); !d.Compare || len(d.Runs) != 0 {
		t.Errorf("before any run: %+v", d)
	}
	const odd = `<b onclick="x()">&#%2f?`
	writeRun(t, filepath.Join(runs, "quick"), record.StatusRunning, 3)
	writeRun(t, filepath.Join(runs, odd), record.StatusFinished, 9)
	writeRun(t, filepath.Join(others, "quick"), record.StatusFinished, 5)
	write(t, filepath.Join(runs, "broken", "run.json"), "{")
	write(t, filepath.Join(runs, "prepares", "config.yaml"), "name: prepares\n")
	write(t, filepath.Join(runs, "secret.txt"), "secret")

	d := dataOf(t, answer(h, "GET", "/data.json"))
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "broken") {
		t.Errorf("notes %q; want one about the run that cannot be read", d.Notes)
	}
	links := make(map[string]string)
	for _, run := range d.Runs {
		links[run.Name] = run.Link
	}
	if len(links) != 3 || links["quick"] != "runs/quick/" || links["quick (2)"] == "" || links[odd] == "" {
		t.Fatalf("runs %q", links)
	}
	for name, want := range map[string]int{"quick": 3, "quick (2)": 5, odd: 9} {
		page := answer(h, "GET", "/"+links[name])
		if page.Code != 200 || strings.Contains(page.Body.String(), odd) || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
			t.Errorf("page of %q: status %d, %v", name, page.Code, page.Header())
		}
		if have := dataOf(t, answer(h, "GET", "/"+links[name]+"data.json")).Runs[0].Epoch; have != want {
			t.Errorf("%q is at epoch %d; want %d", name, have, want)
		}
	}
	for _, test := range []struct {
		method, target string
		status         int
	}{
		{"HEAD", "/", 200},
		{"HEAD", "/events", 200},
		{"HEAD", "/runs/quick/data.json", 200},
		{"POST", "/", 405},
		{"PUT", "/runs/quick/", 405},
		{"DELETE", "/runs/quick/data.json", 405},
		{"GET", "/runs/nothing/", 404},
		{"GET", "/runs/nothing/events", 404},
		{"GET", "/runs/prepares/data.json", 404},
		{"GET", "/runs/broken/data.json", 500},
		{"GET", "/runs/quick/run.json", 404},
		{"GET", "/secret.txt", 404},
		{"GET", "/runs/..%2fsecret.txt/data.json", 404},
		{"GET", "/runs/%2e%2e/data.json", 404},
		{"GET", "/runs/secret.txt/", 404},
	} {
		w := answer(h, test.method, test.target)
		if w.Code != test.status || strings.Contains(w.Body.String(), "secret\n") {
			t.Errorf("%s %s: status %d, %q; want %d", test.method, test.target, w.Code, w.Body, test.status)
		}
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "Access-Control-Allow-Origin": ""} {
			if have := w.Header().Get(header); have != want {
				t.Errorf("%s %s: %s is %q; want %q", test.method, test.target, header, have, want)
			}
		}
	}
}

// A name that resolves to this computer is no name of this computer.
func TestHosts(t *testing.T) {
	h := (&serve.Server{}).Handler()
	for host, want := range map[string]int{
		"localhost": 200, "localhost:80": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "[::1]": 200,
		"rebound.example": 421, "rebound.example:8080": 421, "localhost.example": 421, "127.0.0.1.example:80": 421, "": 421, "192.168.0.1:80": 421,
	} {
		for _, target := range []string{"/", "/data.json", "/metrics"} {
			r := httptest.NewRequest("GET", target, nil)
			r.Host = host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("host %q, %s: status %d; want %d", host, target, w.Code, want)
			}
		}
	}
}

// /metrics is read by the parser of Prometheus.
func TestMetrics(t *testing.T) {
	runs := t.TempDir()
	writeRun(t, filepath.Join(runs, "quick"), record.StatusRunning, 3)
	writeRun(t, filepath.Join(runs, "slow"), record.StatusFinished, 9)
	w := answer((&serve.Server{Paths: []string{runs}}).Handler(), "GET", "/metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("status %d: %v", w.Code, err)
	}
	have := make(map[string]float64)
	for name, f := range families {
		for _, m := range f.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			have[key] = m.GetGauge().GetValue()
		}
	}
	for key, want := range map[string]float64{
		"hessoscope_train_loss quick": 0.25, "hessoscope_train_loss slow": 0.1,
		"hessoscope_run_state quick running": 1, "hessoscope_run_state slow finished": 1,
		"hessoscope_run_epoch quick": 3, "hessoscope_run_epochs slow": 9,
	} {
		if value, ok := have[key]; !ok || value != want {
			t.Errorf("%s is %v; want %v of %v", key, value, want, have)
		}
	}
	if help := families["hessoscope_train_loss"].GetHelp(); help != "mean loss" {
		t.Errorf("help %q", help)
	}
}

// serving serves runs until the returned function is called.
func serving(t *testing.T, s *serve.Server) (net.Listener, func()) {
	t.Helper()
	l, err := serve.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop := func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server does not end")
		}
	}
	return l, stop
}

func TestEvents(t *testing.T) {
	runs := t.TempDir()
	writeRun(t, filepath.Join(runs, "quick"), record.StatusRunning, 1)
	writeRun(t, filepath.Join(runs, "other"), record.StatusRunning, 1)
	l, stop := serving(t, &serve.Server{Paths: []string{runs}, Every: 10 * time.Millisecond})
	if !strings.HasPrefix(serve.URL(l), "http://127.0.0.1:") {
		t.Errorf("address %s", serve.URL(l))
	}
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	listen := func(address string) (<-chan string, io.Closer) {
		response, err := client.Get(address + "events")
		if err != nil {
			t.Fatal(err)
		}
		if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Errorf("content %q", kind)
		}
		events := make(chan string, 100)
		go func() {
			defer close(events)
			for lines := bufio.NewScanner(response.Body); lines.Scan(); {
				if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
					events <- name
				}
			}
		}()
		return events, response.Body
	}
	next := func(events <-chan string, what string) {
		t.Helper()
		select {
		case e, ok := <-events:
			if !ok || e != "change" {
				t.Errorf("%s: event %q, open %t", what, e, ok)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: no event", what)
		}
	}
	silent := func(events <-chan string, what string) {
		t.Helper()
		select {
		case e := <-events:
			t.Errorf("%s: event %q", what, e)
		case <-time.After(50 * time.Millisecond):
		}
	}
	run, closeRun := listen(serve.RunURL(l, "quick"))
	list, closeList := listen(serve.URL(l))
	defer closeRun.Close()
	next(run, "at first")
	next(list, "at first")
	silent(run, "without a change")
	writeRun(t, filepath.Join(runs, "other"), record.StatusRunning, 2)
	next(list, "another run trains")
	silent(run, "another run trains")
	writeRun(t, filepath.Join(runs, "quick"), record.StatusRunning, 2)
	next(run, "it trains")
	writeRun(t, filepath.Join(runs, "new"), record.StatusRunning, 2)
	next(list, "a run begins")
	if err := closeList.Close(); err != nil {
		t.Error(err)
	}
	for len(run) > 0 { // the two files of a run may be seen one after the other
		<-run
	}
	stop()
	next(run, "at the end")
	if _, open := <-run; open {
		t.Error("the connection is open after the end")
	}
	if _, err := client.Get(serve.URL(l)); err == nil {
		t.Error("the server answers after its end")
	}
}

// A list shows which runs are alive, although no file changes when a process dies.
func TestKilledRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "quick")
	writeRun(t, dir, record.StatusRunning, 1)
	text, err := os.ReadFile(record.Folder(dir).Run())
	if err != nil {
		t.Fatal(err)
	}
	var r record.Run
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	r.Updated, r.Host.Process = time.Now().Add(-record.Quiet), 1<<30
	if text, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	write(t, record.Folder(dir).Run(), string(text))
	d := dataOf(t, answer((&serve.Server{Paths: []string{dir}}).Handler(), "GET", "/data.json"))
	if d.Runs[0].Status != record.Killed {
		t.Errorf("status %s; want killed", d.Runs[0].Status)
	}
}
