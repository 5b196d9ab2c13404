package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/report"
)

// pageData returns the data that a page holds.
func pageData(t *testing.T, path string) *report.Data {
	t.Helper()
	found := regexp.MustCompile(`id="data">(.*)</script>`).FindStringSubmatch(read(t, path))
	if found == nil {
		t.Fatalf("%s holds no data", path)
	}
	d := new(report.Data)
	if err := json.Unmarshal([]byte(found[1]), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Every run leaves a page, with its samples if these are in the plane, and report
// writes the same one again.
func TestReport(t *testing.T) {
	chdir(t)
	for _, run := range []string{"a", "b"} {
		succeed(t, "train", "gauss", "--no-progress", "--name", run, "--set", "training.epochs=3", "--set", "model.hidden=[5]", "--set", "spectrum.schedule={every: 1}")
	}
	page := read(t, "runs/a/report.html")
	d := pageData(t, "runs/a/report.html")
	if run := d.Runs[0]; run.Name != "a" || len(run.Frames) != 4 || run.Points == nil || run.Points.Of != 150 {
		t.Errorf("the page of train has the run %s with %d frames and the points %v; want a, 4 and 150", run.Name, len(run.Frames), run.Points)
	}
	if err := os.Remove("runs/a/report.html"); err != nil {
		t.Fatal(err)
	}
	if out := succeed(t, "report", "runs/a"); out != "report runs/a/report.html\n" {
		t.Errorf("output %q", out)
	}
	if read(t, "runs/a/report.html") != page {
		t.Error("report writes another page than train")
	}

	succeed(t, "report", "runs", "--out", "tmp/all.html")
	all := pageData(t, "tmp/all.html")
	if len(all.Runs) != 2 || !all.Compare {
		t.Fatalf("%d runs in the comparison; want 2", len(all.Runs))
	}
	if _, err := os.Stat(filepath.Join("tmp", all.Runs[1].Link)); err != nil || !strings.HasSuffix(all.Runs[1].Link, "b/report.html") {
		t.Errorf("the link of a run, %s, leads nowhere: %v", all.Runs[1].Link, err)
	}
	succeed(t, "report", "runs/a", "runs/b", "--out", "two.html")
	if d := pageData(t, "two.html"); len(d.Runs) != 2 || d.Runs[0].Link != "runs/a/report.html" {
		t.Errorf("the comparison of two has %d runs", len(d.Runs))
	}
}

// A run of another program, or whose data are gone, has a page without samples.
func TestReportWithoutData(t *testing.T) {
	chdir(t)
	trainTwoEpochs(t)
	if err := os.Remove("runs/gauss/config.yaml"); err != nil {
		t.Fatal(err)
	}
	succeed(t, "report", "runs/gauss")
	run := pageData(t, "runs/gauss/report.html").Runs[0]
	if len(run.Notes) != 1 || !strings.HasPrefix(run.Notes[0], "Samples are not shown: runs/gauss is not the folder of a run") || run.Points != nil {
		t.Errorf("notes %q; want one that says why there are no samples", run.Notes)
	}
}

// A run that has ended without its end being told, as one that was killed, has no
// page of train; report writes it.
func TestReportOfKilled(t *testing.T) {
	chdir(t)
	trainTwoEpochs(t)
	succeed(t, "report", "runs/gauss", "--out", "gauss.html")
	if s := pageData(t, "gauss.html").Runs[0].Summary[0].String(); !strings.HasPrefix(s, "Not ended: epoch 2 of 2") {
		t.Errorf("the summary begins with %q", s)
	}
}

func TestReportRefuses(t *testing.T) {
	testBadInputs(t, []badInput{
		{"several without a file", nil, []string{"report", "tmp", "cache"}, []string{"tmp is not the folder of a run"}},
		{"no run", nil, []string{"report", "tmp"}, []string{"tmp is not the folder of a run, nor of runs"}},
		{"killed before it began", func(t *testing.T) { write(t, "r/config.yaml", "x") }, []string{"report", "r"}, []string{"r/run.json: no such file", "before training began"}},
		{"two without --out", func(t *testing.T) {
			write(t, "r/run.json", `{"status": "running"}`)
			write(t, "s/run.json", `{"status": "running"}`)
		}, []string{"report", "r", "s"}, []string{"--out: a comparison of several folders needs the name of its file"}},
		{"broken record", func(t *testing.T) { write(t, "r/run.json", `{"status": `) }, []string{"report", "r"}, []string{"r/run.json: unexpected end of JSON"}},
		{"into a missing folder", func(t *testing.T) { write(t, "r/run.json", `{"status": "running"}`) }, []string{"report", "r", "--out", "a/b.html"}, []string{"a/b.html: there is no folder a"}},
	})
}

// Whoever goes on with a run or a sweep whose process was killed between the end of the
// training and the report gets the report.
func TestReportAfterKill(t *testing.T) {
	asProcess(t)
	write(t, "quick.yaml", quick)
	write(t, "s.yaml", "name: s\nexperiment: quick.yaml\nseeds: 2\n")
	trainQuietly(t, "quick.yaml")
	if r := hessoscope("sweep", "s.yaml"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	reports := []string{"runs/quick/report.html", "sweeps/s/seed_1/report.html"}
	want := make(map[string]string)
	for _, path := range reports {
		want[path] = read(t, path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "runs/quick/.report.html.1.tmp", "<html>")
	out := succeed(t, "train", "runs/quick", "--resume", "--no-progress")
	if !strings.Contains(out, "there is nothing to resume") {
		t.Errorf("output %q", out)
	}
	if r := hessoscope("sweep", "s.yaml"); r.status != 0 || !strings.Contains(r.stderr, "1 finished already") {
		t.Errorf("status %d, error %q", r.status, r.stderr)
	}
	for _, path := range reports {
		if !exists(path) || read(t, path) != want[path] {
			t.Errorf("%s is not what it was", path)
		}
	}
	if exists("runs/quick/.report.html.1.tmp") {
		t.Error("a temporary file was left behind")
	}
}
