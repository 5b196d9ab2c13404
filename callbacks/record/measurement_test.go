package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
)

func TestMeasurements(t *testing.T) {
	folder := record.Folder(t.TempDir())
	for _, read := range []func() ([]int, error){folder.Spectra, folder.Margins} {
		if epochs, err := read(); epochs != nil || err != nil {
			t.Errorf("%v, error %v of a run that measured nothing; want neither", epochs, err)
		}
	}
	if err := os.Mkdir(folder.Measurements(), 0o755); err != nil {
		t.Fatal(err)
	}
	arrays := []weights.Array{
		{Name: "top_values", Shape: []int{2}, Data: []float64{3, 1}},
		{Name: "top_vectors", Shape: []int{2, 2}, Data: []float64{1, 0, 0, 1}},
	}
	for _, name := range []string{record.SpectrumFile(1_000_000), record.SpectrumFile(20), record.SpectrumFile(3), record.MarginFile(7), ".spectrum-000001.npz123", "spectrum-new.npz"} {
		if err := weights.WriteArchive(filepath.Join(folder.Measurements(), name), &weights.Archive{Arrays: arrays}); err != nil {
			t.Fatal(err)
		}
	}
	spectra, err := folder.Spectra()
	if diff := cmp.Diff([]int{3, 20, 1_000_000}, spectra); diff != "" || err != nil {
		t.Errorf("error %v, spectra (-want +have):\n%s", err, diff)
	}
	margins, err := folder.Margins()
	if diff := cmp.Diff([]int{7}, margins); diff != "" || err != nil {
		t.Errorf("error %v, margins (-want +have):\n%s", err, diff)
	}
	read, err := folder.ReadSpectrum(20, "top_values", "all_values")
	if diff := cmp.Diff(record.Arrays{"top_values": arrays[0]}, read); diff != "" || err != nil {
		t.Errorf("error %v, arrays (-want +have):\n%s", err, diff)
	}
	if values, err := read.Vector("all_values"); values != nil || err != nil {
		t.Errorf("%v, error %v of a missing array; want neither", values, err)
	}
	if read, err = folder.ReadSpectrum(20, "top_vectors"); err != nil {
		t.Fatal(err)
	}
	if _, err := read.Vector("top_vectors"); err == nil || !strings.Contains(err.Error(), `"top_vectors" has the shape [2 2]`) {
		t.Errorf("error %v; want one of the shape", err)
	}
	if _, err := folder.ReadMargin(20, "margin_distances"); err == nil || !strings.Contains(err.Error(), "margin-000020.npz") {
		t.Errorf("error %v; want one that names the file", err)
	}
}

func TestSeries(t *testing.T) {
	history := []record.Entry{
		{Epoch: 0, Metrics: map[string]float64{"a": 1}},
		{Epoch: 5, Metrics: map[string]float64{"b": 2}},
		{Epoch: 9, Metrics: map[string]float64{"a": 0, "b": 3}},
	}
	if diff := cmp.Diff([]record.Point{{0, 1}, {9, 0}}, record.Series(history, "a")); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
