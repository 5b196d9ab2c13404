package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
)

func TestCollect(t *testing.T) {
	folder := testRun{epochs: 10, metrics: 13, spectra: 3, plane: true}.write(t, filepath.Join(t.TempDir(), "run"))
	d, err := report.Collect(folder)
	check(t, err)
	run := d.Runs[0]
	if len(run.Grids) != 1 || len(run.Grids[0]) != 11 || len(run.Series) != 13 {
		t.Errorf("%d grids and %d series; want one of 11 epochs for all 13", len(run.Grids), len(run.Series))
	}
	if len(run.Frames) != 3 || run.Frames[1].Epoch != 5 || run.Frames[1].Threshold != 0.2 {
		t.Fatalf("%d frames; want 3, the second of epoch 5 with a threshold of 0.2", len(run.Frames))
	}
	if p := run.Frames[0].Plane; p == nil || p.Side != 32 || len(p.Alignments) != 5 || p.Alignments[0][0] != 127 {
		t.Errorf("plane %v; want 5 maps of 32 × 32 cells that begin with 0", p)
	}
	stored, err := folder.ReadSpectrum(0, "plane_predicted")
	check(t, err)
	for i, class := range stored["plane_predicted"].Data { // not more cells than a page has
		if run.Frames[0].Plane.Predicted[i] != byte(class) {
			t.Fatalf("class %d in cell %d, want %v", run.Frames[0].Plane.Predicted[i], i, class)
		}
	}
	check(t, run.SetPoints([]float64{1, 2, 3, 4}, []int{0, 1}))
	if m := run.Frames[0].Margins; !slices.Equal(m.From, report.Floats{3, 4, 1, 2}) || !slices.Equal(m.To, report.Floats{0.2, 0, 0.1, 0}) {
		t.Errorf("segments from %v to %v; want the shorter one, of sample 1, first", m.From, m.To)
	}
	if err := run.SetPoints([]float64{1, 2}, []int{0}); err == nil || !strings.Contains(err.Error(), "sample 1, and there are 1") {
		t.Errorf("error %v; want one that names the sample without a point", err)
	}
	if err := run.SetPoints([]float64{1, 2, 3}, []int{0}); err == nil {
		t.Error("no error for 3 coordinates of one sample")
	}
}

// A run that is training has newer lines in its history than its run.json says.
func TestCollectRunning(t *testing.T) {
	folder := testRun{epochs: 10, metrics: 2}.write(t, filepath.Join(t.TempDir(), "run"))
	text, err := os.ReadFile(folder.Run())
	check(t, err)
	text = bytes.Replace(text, []byte(`"finished"`), []byte(`"running"`), 1)
	text = bytes.Replace(text, []byte(`"epoch":10,"epochs":10`), []byte(`"epoch":4,"epochs":20`), 1)
	check(t, os.WriteFile(folder.Run(), text, 0o644))
	d, err := report.Collect(folder) // its record is old, and of no computer that is known
	check(t, err)
	if run := d.Runs[0]; run.Status != record.Silent || !strings.HasPrefix(run.Summary[0].String(), "Not heard of for some time: epoch 10 of 20") {
		t.Errorf("status %s, summary %v; want silent", run.Status, run.Summary[0])
	}
	now, err := json.Marshal(time.Now())
	check(t, err)
	text = regexp.MustCompile(`"updated": ?"[^"]*"`).ReplaceAll(text, append([]byte(`"updated":`), now...))
	check(t, os.WriteFile(folder.Run(), text, 0o644))
	d, err = report.Collect(folder)
	check(t, err)
	if run := d.Runs[0]; run.Epoch != 10 || run.Final["train/loss"].Epoch != 10 || !strings.HasPrefix(run.Summary[0].String(), "Not ended: epoch 10 of 20") {
		t.Errorf("epoch %d, summary %v; want those of epoch 10, the last in the history", run.Epoch, run.Summary[0])
	}
	check(t, os.Remove(folder.History())) // before the first epoch
	if _, err := report.Collect(folder); err != nil {
		t.Error(err)
	}
}

func TestCollectRefuses(t *testing.T) {
	damage := func(damage func(f record.Folder) error) record.Folder {
		f := testRun{epochs: 2, metrics: 2, spectra: 1}.write(t, filepath.Join(t.TempDir(), "run"))
		check(t, damage(f))
		return f
	}
	spectrum := func(f record.Folder) string { return filepath.Join(f.Measurements(), record.SpectrumFile(0)) }
	for name, c := range map[string]struct {
		folder record.Folder
		want   string
	}{
		"no run.json":      {damage(func(f record.Folder) error { return os.Remove(f.Run()) }), "run.json: no such file"},
		"broken history":   {damage(func(f record.Folder) error { return os.WriteFile(f.History(), []byte("{\n"), 0o644) }), "metrics.jsonl:1"},
		"damaged spectrum": {damage(func(f record.Folder) error { return os.WriteFile(spectrum(f), []byte("PK"), 0o644) }), "spectrum-000000.npz"},
	} {
		if _, err := report.Collect(c.folder); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want one with %q", name, err, c.want)
		}
	}
}

// A comparison leaves out what cannot be read, and says so.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	a := testRun{epochs: 5, metrics: 20}.write(t, filepath.Join(dir, "a"))
	b := testRun{epochs: 8, metrics: 20}.write(t, filepath.Join(dir, "b"))
	broken := record.Folder(filepath.Join(dir, "c"))
	d, err := report.Compare([]record.Folder{a, broken, b})
	check(t, err)
	if len(d.Runs) != 2 || d.Runs[1].Name != "b" || len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "c") {
		t.Errorf("%d runs, notes %q; want a and b, and a note of c", len(d.Runs), d.Notes)
	}
	if _, ok := d.Runs[0].Series["own/metric_14"]; ok {
		t.Error("a comparison has a metric that it does not show")
	}
	if _, err := report.Compare([]record.Folder{broken}); err == nil {
		t.Error("no error although no run can be read")
	}
	if _, err := report.Compare(nil); err == nil {
		t.Error("no error for no runs")
	}
}

// A page of 2,000 epochs of 50 metrics is complete, below 2 MB, and written within
// 2 s; one of 20,000 epochs is not larger, and says what it leaves out.
func TestPageIsSmall(t *testing.T) {
	for _, c := range []struct {
		epochs, recorded int
		whole            bool
	}{{1999, 2000, true}, {8000, 8001, false}} {
		folder := testRun{epochs: c.epochs, metrics: 50, spectra: 60, plane: true}.write(t, filepath.Join(t.TempDir(), "run"))
		start := time.Now()
		d, err := report.Collect(folder)
		check(t, err)
		var page bytes.Buffer
		check(t, report.Write(&page, d))
		took := time.Since(start)
		t.Logf("%d epochs: %d bytes in %v, %d frames, notes %q", c.recorded, page.Len(), took, len(d.Runs[0].Frames), d.Runs[0].Notes)
		if page.Len() > 2_000_000 {
			t.Errorf("%d epochs: %d bytes; want at most 2 MB", c.recorded, page.Len())
		}
		if c.whole && took > 2*time.Second {
			t.Errorf("%d epochs took %v; want at most 2 s", c.recorded, took)
		}
		if n := len(d.Runs[0].Grids[0]); (n == c.recorded) != c.whole {
			t.Errorf("%d of %d epochs are in the page", n, c.recorded)
		}
		noted := slices.ContainsFunc(d.Runs[0].Notes, func(note string) bool { return strings.HasPrefix(note, "Charts have 2000 of the 8001") })
		if noted == c.whole {
			t.Errorf("%d epochs: notes %q", c.recorded, d.Runs[0].Notes)
		}
		if f := d.Runs[0].Frames; f[0].Epoch != 0 || f[len(f)-1].Epoch != c.epochs {
			t.Errorf("frames from epoch %d to %d; want from the first to the last", f[0].Epoch, f[len(f)-1].Epoch)
		}
	}
}

func TestFloats(t *testing.T) {
	for v, want := range map[report.Float]string{0.0340819678: "0.034082", 1e-13: "1e-13", 123456789: "1.2346e+08", -2: "-2", 0: "0"} {
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("%v is %s, error %v; want %s", float64(v), got, err, want)
		}
	}
	if got, err := json.Marshal(report.Floats{1, 0.5}); err != nil || string(got) != "[1,0.5]" {
		t.Errorf("%s, error %v", got, err)
	}
	if got, err := json.Marshal(report.Floats(nil)); err != nil || string(got) != "[]" {
		t.Errorf("%s, error %v", got, err)
	}
}
