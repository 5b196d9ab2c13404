package record_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
)

// The stored epochs come in order, whatever else is in the folder, and of a file
// only the named arrays are read.
func TestMeasurements(t *testing.T) {
	folder := record.Folder(t.TempDir())
	if epochs, err := folder.Spectra(); err != nil || epochs != nil {
		t.Errorf("without a folder of measurements: epochs %v, error %v; want none", epochs, err)
	}
	if err := os.Mkdir(folder.Measurements(), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, arrays ...weights.Array) {
		if err := weights.Write(filepath.Join(folder.Measurements(), name), arrays); err != nil {
			t.Fatal(err)
		}
	}
	values := weights.Array{Name: "top_values", Shape: []int{2}, Data: []float64{2, 1}}
	vectors := weights.Array{Name: "top_vectors", Shape: []int{1, 1}, Data: []float64{1}}
	write(record.SpectrumFile(1000000), values)
	write(record.SpectrumFile(20), values, vectors)
	write("spectrum-best.npz", values)
	write(record.MarginFile(7), weights.Array{Name: "margin_rows", Shape: []int{1}, Data: []float64{3}})
	if err := os.WriteFile(filepath.Join(folder.Measurements(), ".spectrum-000030.npz123"), nil, 0o644); err != nil {
		t.Fatal(err)
	}

	if epochs, err := folder.Spectra(); err != nil || !slices.Equal(epochs, []int{20, 1000000}) {
		t.Errorf("spectra of epochs %v, error %v; want 20 and 1000000", epochs, err)
	}
	if epochs, err := folder.Margins(); err != nil || !slices.Equal(epochs, []int{7}) {
		t.Errorf("margins of epochs %v, error %v; want 7", epochs, err)
	}
	arrays, err := folder.ReadSpectrum(20, "top_values", "all_values")
	if err != nil || len(arrays) != 1 || !slices.Equal(arrays["top_values"].Data, []float64{2, 1}) {
		t.Errorf("arrays %v, error %v; want top_values alone", arrays, err)
	}
	if arrays, err := folder.ReadMargin(7, "margin_rows"); err != nil || arrays["margin_rows"].Data[0] != 3 {
		t.Errorf("arrays %v, error %v; want margin_rows", arrays, err)
	}
	if _, err := folder.ReadSpectrum(21, "top_values"); err == nil {
		t.Error("no error for an epoch without a file")
	}
}
