package report_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// testRun describes a run to write.
type testRun struct {
	epochs, metrics, spectra int
	plane                    bool
}

// write writes the folder of a run as training would leave it, with series that vary.
func (r testRun) write(t testing.TB, folder string) record.Folder {
	t.Helper()
	f := record.Folder(folder)
	check(t, os.MkdirAll(f.Measurements(), 0o755))
	run := record.Run{
		Status: record.StatusFinished, Stop: &trainer.Stop{Reason: trainer.Completed}, Epoch: r.epochs, Epochs: r.epochs, Seconds: 12.5,
		Model: record.RunModel{Description: "MLP 2-10-3 relu", Parameters: 63, InputShape: []int{4}, Classes: 3, Precision: "float64"},
		Data:  record.RunData{Name: "clouds", Samples: map[string]int{"train": 60, "test": 40}},
		Final: make(map[string]trainer.Reading),
		Confusion: map[string]*record.Confusion{
			"train": record.NewConfusion(3, []string{"red", "green", "blue"}, []int{0, 1, 2}, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}),
			"test":  record.NewConfusion(3, []string{"red", "green", "blue"}, []int{0, 0, 1, 1}, []float64{1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0}),
		},
	}
	if r.plane {
		run.Model.InputShape = []int{2}
	}
	names := []string{
		"train/loss", "train/accuracy", "test/accuracy", record.LambdaMax, record.Outliers, record.Low(record.Complexity), record.High(record.Complexity),
		record.Directions, record.Margin, "boundary/margin_median", "spectrum/edge_of_stability", record.CriticalSharpness, "spectrum/hvps",
	}
	for len(names) < r.metrics {
		names = append(names, fmt.Sprintf("own/metric_%d", len(names)))
	}
	names = names[:r.metrics]
	for _, name := range names {
		run.Metrics = append(run.Metrics, trainer.Metric{Name: name, Meaning: "the meaning of " + name, Better: trainer.Lower})
	}
	run.Metrics = append(run.Metrics, trainer.Metric{Name: record.Complexity, Heading: "G", Meaning: "never certain here"})
	history, err := os.Create(f.History())
	check(t, err)
	for epoch := 0; epoch <= r.epochs; epoch++ {
		e := record.Entry{Epoch: epoch, Step: epoch, Seconds: float64(epoch) / 100, Metrics: make(map[string]float64)}
		for i, name := range names {
			v := math.Exp(-float64(epoch)/300)*(2+math.Sin(float64(epoch*(i+1))/7)) + 1e-3*float64(i)
			if name == record.Outliers {
				v = 2
			}
			e.Metrics[name] = v
			run.Final[name] = trainer.Reading{Value: v, Epoch: epoch, Step: epoch}
		}
		line, err := record.Marshal(e, "")
		check(t, err)
		_, err = fmt.Fprintf(history, "%s\n", line)
		check(t, err)
	}
	check(t, history.Close())
	for i := range r.spectra {
		epoch := i * r.epochs / max(r.spectra-1, 1)
		check(t, weights.Write(filepath.Join(f.Measurements(), record.SpectrumFile(epoch)), r.arrays(float64(i+1))))
		if r.plane {
			check(t, weights.Write(filepath.Join(f.Measurements(), record.MarginFile(epoch)), []weights.Array{
				array("margin_rows", []float64{0, 1}, 2), array("margin_distances", []float64{0.5, 0.25}, 2), array("margin_points", []float64{0.1, 0, 0.2, 0}, 2, 2),
			}))
		}
	}
	data, err := json.Marshal(run)
	check(t, err)
	check(t, os.WriteFile(f.Run(), data, 0o644))
	return f
}

// arrays returns a measurement that differs with t.
func (r testRun) arrays(t float64) []weights.Array {
	const k, side, samples = 12, 32, 60
	values := make([]float64, k)
	for i := range values {
		values[i] = math.Exp(-float64(i)/2) * t
	}
	arrays := []weights.Array{array("top_values", values, k)}
	wave := func(n int) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = math.Sin(float64(i) * t / 50)
		}
		return w
	}
	predicted := func(n int) []float64 {
		p := make([]float64, n)
		for i := range p {
			p[i] = math.Floor(math.Mod(float64(i)/float64(n)*3+t/10, 3))
		}
		return p
	}
	if r.plane {
		return append(arrays, array("plane_box", []float64{-1, 1, -1, 1}, 4), array("plane_predicted", predicted(side*side), side, side),
			array("plane_gap", make([]float64, side*side), side, side), array("plane_alignments", wave(5*side*side), 5, side, side))
	}
	return append(arrays, array("alignments", wave(samples*k), samples, k), array("predicted", predicted(samples), samples))
}

func array(name string, data []float64, shape ...int) weights.Array {
	return weights.Array{Name: name, Shape: shape, Data: data}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
