package report_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
	"github.com/hessoscope/hessoscope/trainer"
)

// entry returns what was recorded at an epoch.
func entry(epoch int, metrics map[string]float64) record.Entry {
	return record.Entry{Epoch: epoch, Metrics: metrics}
}

// measured returns the metrics of a spectrum with so many outliers.
func measured(outliers float64, more map[string]float64) map[string]float64 {
	m := map[string]float64{
		"spectrum/lambda_max": 5, "spectrum/outliers": outliers, "spectrum/outliers_resolved": 1,
		"spectrum/hvps": 80, "spectrum/residual": 3.2e-9, "spectrum/converged": 1, "spectrum/samples": 1500,
	}
	for name, v := range more {
		m[name] = v
	}
	return m
}

func TestSummary(t *testing.T) {
	certain := []record.Entry{
		entry(200, measured(3, nil)), entry(400, measured(2, nil)), entry(600, measured(2, nil)),
		entry(800, measured(2, map[string]float64{
			"train/loss": 0.0341, "train/accuracy": 1, "test/loss": 0.2, "test/accuracy": 0.9,
			"boundary/complexity": 0.01, "boundary/complexity_low": 0.01, "boundary/complexity_high": 0.01, "boundary/directions": 2.461,
			"boundary/margin": 0.3512, "boundary/margin_q05": 0.6, "boundary/margin_median": 1.25, "boundary/margin_lower": 0.3512,
			"boundary/margin_unconverged": 0, "boundary/misclassified": 1,
			"spectrum/edge_of_stability": 0.9531, "spectrum/time_share": 0.0512,
		})),
	}
	for name, c := range map[string]struct {
		edit    func(*record.Run)
		history []record.Entry
		want    string // the summary, a sentence a line; those of caution begin with "!"
	}{
		"all is certain": {nil, certain, `
			Boundary: Two outliers for three classes, unchanged since epoch 400: as simple as can be.
			Complexity: G = 0.01: 10 of 1,000 eigenvectors are aligned with a sample's gradient. 2.46 directions share the gradients' energy.
			Margin: Margin 0.351, 5 % of the samples within 0.6, half within 1.25. It is certified to be at least 0.351. One sample on the wrong side is not counted.
			Fit: Train loss 0.0341, accuracy 100 %; test loss 0.2, accuracy 90 % ± 4.7.
			Stability: η·λ₁/2 = 0.953 at epoch 800, about 1: at the edge of stability.
			Measured: Measured four times, last at epoch 800 by 80 H·v on 1,500 samples, residuals below 1e-8 of the largest eigenvalue. It took 5.1 % of the run's time.`},
		"intervals, a sample of distances": {
			nil,
			[]record.Entry{entry(800, measured(5, map[string]float64{
				"spectrum/outliers_resolved": 0, "boundary/complexity_low": 0.001, "boundary/complexity_high": 0.4,
				"boundary/directions_low": 3, "boundary/directions_high": 4.5,
				"boundary/margin_high": 0.5, "boundary/margin_samples": 200, "boundary/margin_median_low": 1, "boundary/margin_median_high": 2,
				"boundary/margin_unconverged": 3, "spectrum/edge_of_stability": 1.5,
			}))},
			`
			! Boundary: Five outliers for three classes: three more than the simplest boundary has. The count is not certain: error bars or unknown eigenvalues could change it.
			! Complexity: G lies between 0.001 and 0.4: not all eigenpairs that may count are known. Between 3 and 4.5 directions share the gradients' energy.
			! Margin: The margin is at most 0.5: only 200 samples could be measured. Half of all are within 1 to 2 (95 %). Three samples could be nearer to the boundary than was found.
			Stability: η·λ₁/2 = 1.5 at epoch 800, above 1: plain gradient descent is unstable along v₁.
			Measured: Measured once, last at epoch 800 by 80 H·v on 1,500 samples, residuals below 1e-8 of the largest eigenvalue.`,
		},
		"not converged, no margin yet": {
			nil,
			[]record.Entry{entry(700, measured(1, map[string]float64{"spectrum/converged": 0, "spectrum/residual": 0.02}))},
			`
			Boundary: One outlier for three classes at epoch 700: one fewer than a simple boundary between all classes has, as where some of its sections hardly curve the loss.
			! Margin: The margin was not measured up to here.
			! Measured: Measured once, last at epoch 700 by 80 H·v on 1,500 samples, residuals below 1e-1 of the largest eigenvalue. The eigenpairs have not converged: all that rests on them is less certain.`,
		},
		"diverged": {func(r *record.Run) {
			r.Status, r.Epoch, r.Error = record.StatusNotFinite, 12, "epoch 13: loss [NaN](x)"
		}, []record.Entry{entry(12, map[string]float64{"train/loss": 1e9})}, `
			! Run: Diverged after epoch 12 of 800: a loss or gradient was not finite. All below is from before. epoch 13: loss [NaN](x)
			! Boundary: The spectrum was not measured in full, so how many outliers there are is not known.
			! Margin: The margin was not measured up to here.
			Fit: Train loss 1e+09.
			! Measured: The spectrum was not measured up to here.`},
		"interrupted before the first epoch": {func(r *record.Run) { r.Status, r.Epoch = record.StatusInterrupted, 0 }, nil, `
			! Run: Interrupted at epoch 0 of 800; it can be resumed. All below is of the run so far.
			! Boundary: The spectrum was not measured in full, so how many outliers there are is not known.
			! Margin: The margin was not measured up to here.
			! Measured: The spectrum was not measured up to here.`},
		"failed": {func(r *record.Run) { r.Status, r.Error = record.StatusFailed, "disk full" }, nil, `
			! Run: Failed after epoch 800 of 800. All below is from before. disk full
			! Boundary: The spectrum was not measured in full, so how many outliers there are is not known.
			! Margin: The margin was not measured up to here.
			! Measured: The spectrum was not measured up to here.`},
		"nothing to measure, stopped by a rule": {func(r *record.Run) {
			r.Metrics, r.Epoch = r.Metrics[:1], 30
			r.Stop = &trainer.Stop{Reason: trainer.Requested, By: "early_stopping", Detail: "validation/loss not better"}
			r.Restored = &trainer.Restored{Metric: "validation/loss", Reading: trainer.Reading{Epoch: 25}}
		}, []record.Entry{entry(30, map[string]float64{"train/loss": 0.5, "validation/loss": 0.25, "validation/accuracy": 1})}, `
			Run: Stopped at epoch 30 of 800 by early_stopping: validation/loss not better. The network that was kept is that of epoch 25, where validation/loss was best.
			Fit: Train loss 0.5; validation loss 0.25, accuracy 100 % of 30 samples.
			! Measured: Nothing was measured beside the metrics of training.`},
	} {
		t.Run(name, func(t *testing.T) {
			if have, want := summary(t, c.edit, c.history), strings.ReplaceAll(c.want, "\t", ""); have != want {
				t.Errorf("summary:%s\nwant:%s", have, want)
			}
		})
	}
}

// summary returns the summary of a run with a history.
func summary(t *testing.T, edit func(*record.Run), history []record.Entry) string {
	run := record.Run{
		Status: record.StatusFinished, Epoch: 800, Epochs: 800, Model: record.RunModel{Parameters: 1000, Classes: 3},
		Data: record.RunData{Samples: map[string]int{"train": 90, "validation": 30, "test": 40}}, Final: make(map[string]trainer.Reading),
		Metrics: []trainer.Metric{{Name: "train/loss"}, {Name: "spectrum/lambda_max"}, {Name: "boundary/margin"}},
	}
	folder := record.Folder(t.TempDir())
	var lines strings.Builder
	for _, e := range history {
		for name, v := range e.Metrics {
			run.Final[name] = trainer.Reading{Value: v, Epoch: e.Epoch}
		}
		line, err := json.Marshal(e)
		check(t, err)
		fmt.Fprintf(&lines, "%s\n", line)
	}
	if edit != nil {
		edit(&run)
	}
	data, err := json.Marshal(run)
	check(t, err)
	check(t, os.WriteFile(folder.Run(), data, 0o644))
	check(t, os.WriteFile(folder.History(), []byte(lines.String()), 0o644))
	d, err := report.Collect(folder)
	check(t, err)
	var text strings.Builder
	for _, s := range d.Runs[0].Summary {
		mark := ""
		if s.Caution {
			mark = "! "
		}
		fmt.Fprintf(&text, "\n%s%s: %s", mark, s.Topic, s)
	}
	return text.String()
}

// Every number of a sentence has a term that the page explains.
func TestSummaryTerms(t *testing.T) {
	d, err := report.Collect(testRun{epochs: 9, metrics: 13, spectra: 2}.write(t, t.TempDir()))
	check(t, err)
	run := d.Runs[0]
	known := make(map[string]bool)
	for _, m := range run.Metrics {
		known[m.Name] = true
	}
	for word := range d.Words {
		known[word] = true
	}
	terms := 0
	for _, s := range run.Summary {
		for _, p := range s.Parts {
			if p.Term != "" {
				terms++
			}
			if p.Term != "" && !known[p.Term] {
				t.Errorf("%q is explained by %q, which is neither a metric of the run nor a word", p.Text, p.Term)
			}
		}
	}
	if terms < 8 {
		t.Errorf("%d terms; want at least 8", terms)
	}
}
