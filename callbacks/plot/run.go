package plot

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/record"
)

// Run is what was recorded of a run, as far as figures show it.
type Run struct {
	Name    string
	Record  *record.Run
	History []record.Entry
	Spectra []Spectrum // in the order of epochs
	Margins []Margin   // in the order of epochs
	// Samples are those of the training split, in the plane; nil if they have other
	// dimensions or are not known. Read does not set it: data are not part of the
	// folder of a run.
	Samples *Samples
}

// Spectrum is a stored measurement of the spectrum.
type Spectrum struct {
	Epoch  int
	Values []float64 // the known eigenvalues, descending
	// Nodes and Weights are an estimate of the distribution of all eigenvalues, with
	// weights that add up to 1; nil if it was not asked for.
	Nodes, Weights []float64
	Plane          *Plane // nil if the inputs have other dimensions
	// Aligned are the eigenpairs whose alignments are known, and Predicted the classes
	// of the samples; only of the last spectrum, and nil if there is no complexity.
	Aligned   *boundary.Eigenpairs
	Predicted []int
}

// Outliers returns the eigenvalues above λ₁/10.
func (s *Spectrum) Outliers() []float64 {
	n := 0
	for n < len(s.Values) && s.Values[n] > 0 && s.Values[n] > s.Values[0]*outlierShare {
		n++
	}
	return s.Values[:n]
}

const outlierShare = 0.1

// Margin holds the stored distances of one epoch.
type Margin struct {
	Epoch     int
	Rows      []int     // of the samples in the training split
	Distances []float64 // −1 where no boundary was found
	Points    []float64 // nearest boundary points, a row for each sample
	Predicted []int
}

// Read reads the folder of a run. The eigenvectors are left where they are.
func Read(folder record.Folder) (*Run, error) {
	run := &Run{Name: filepath.Base(string(folder))}
	var err error
	if run.Record, err = record.ReadRun(folder.Run()); err != nil {
		return nil, err
	}
	if run.History, err = run.Record.History(folder); err != nil {
		return nil, err
	}
	epochs, err := folder.Spectra()
	if err != nil {
		return nil, err
	}
	for i, epoch := range epochs {
		s, err := readSpectrum(folder, epoch, i == len(epochs)-1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(folder.Measurements(), record.SpectrumFile(epoch)), err)
		}
		run.Spectra = append(run.Spectra, *s)
	}
	if epochs, err = folder.Margins(); err != nil {
		return nil, err
	}
	for _, epoch := range epochs {
		m, err := readMargin(folder, epoch)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(folder.Measurements(), record.MarginFile(epoch)), err)
		}
		run.Margins = append(run.Margins, *m)
	}
	return run, nil
}

func readSpectrum(folder record.Folder, epoch int, last bool) (*Spectrum, error) {
	names := []string{
		"top_values", "bottom_values", "all_values", "resolved_values", "density_nodes", "density_weights",
		"plane_box", "plane_predicted", "plane_gap", "plane_alignments",
	}
	if last {
		names = append(names, "aligned_values", "alignments", "predicted")
	}
	arrays, err := folder.ReadSpectrum(epoch, names...)
	if err != nil {
		return nil, err
	}
	s := &Spectrum{Epoch: epoch}
	for _, kind := range [][]string{{"all_values"}, {"resolved_values"}, {"top_values", "bottom_values"}} {
		for _, name := range kind {
			values, err := arrays.Vector(name)
			if err != nil {
				return nil, err
			}
			s.Values = append(s.Values, values...)
		}
		if len(s.Values) > 0 {
			break
		}
	}
	slices.SortFunc(s.Values, func(a, b float64) int { return cmp.Compare(b, a) })
	if s.Nodes, err = arrays.Vector("density_nodes"); err != nil {
		return nil, err
	}
	if s.Weights, err = arrays.Vector("density_weights"); err != nil {
		return nil, err
	}
	if len(s.Weights) != len(s.Nodes) {
		return nil, fmt.Errorf("%d density_nodes and %d density_weights", len(s.Nodes), len(s.Weights))
	}
	if s.Plane, err = readPlane(arrays); err != nil {
		return nil, err
	}
	return s, s.readAlignments(arrays)
}

func (s *Spectrum) readAlignments(arrays record.Arrays) error {
	a, ok := arrays["alignments"]
	if !ok {
		return nil
	}
	values, predicted := arrays["aligned_values"].Data, arrays["predicted"].Data
	if len(a.Shape) != 2 || len(a.Data) == 0 || a.Shape[0] != len(predicted) || a.Shape[1] != len(values) {
		return fmt.Errorf("alignments have the shape %v, with %d aligned_values and %d predicted classes", a.Shape, len(values), len(predicted))
	}
	s.Aligned = &boundary.Eigenpairs{Values: values, Alignments: mat.NewDense(a.Shape[0], a.Shape[1], a.Data), Parameters: len(values), Complete: true}
	var err error
	s.Predicted, err = indices(arrays, "predicted")
	return err
}

func readMargin(folder record.Folder, epoch int) (*Margin, error) {
	arrays, err := folder.ReadMargin(epoch, "margin_rows", "margin_distances", "margin_points", "margin_predicted")
	if err != nil {
		return nil, err
	}
	m := &Margin{Epoch: epoch, Distances: arrays["margin_distances"].Data, Points: arrays["margin_points"].Data}
	if m.Rows, err = indices(arrays, "margin_rows"); err != nil {
		return nil, err
	}
	if m.Predicted, err = indices(arrays, "margin_predicted"); err != nil {
		return nil, err
	}
	n := len(m.Distances)
	if n == 0 || len(m.Rows) != n || len(m.Predicted) != n || len(m.Points)%n != 0 {
		return nil, fmt.Errorf("%d margin_distances with %d margin_rows, %d margin_predicted and %d values of margin_points", n, len(m.Rows), len(m.Predicted), len(m.Points))
	}
	return m, nil
}

// indices returns an array of whole numbers from 0, such as classes or rows.
func indices(arrays record.Arrays, name string) ([]int, error) {
	values := arrays[name].Data
	n := make([]int, len(values))
	for i, v := range values {
		if v != math.Trunc(v) || v < 0 || v > math.MaxInt32 {
			return nil, fmt.Errorf("array %q: %v; want whole numbers from 0", name, v)
		}
		n[i] = int(v)
	}
	return n, nil
}

// rightly returns the distances of the samples that are classified rightly, ascending,
// and the index of the nearest one; −1 if there is none. Without labels all samples
// count.
func (m *Margin) rightly(samples *Samples) (distances []float64, nearest int) {
	nearest = -1
	least := math.Inf(1)
	for i, d := range m.Distances {
		if d < 0 || samples != nil && (m.Rows[i] >= len(samples.Labels) || samples.Labels[m.Rows[i]] != m.Predicted[i]) {
			continue
		}
		distances = append(distances, d)
		if d < least {
			nearest, least = i, d
		}
	}
	slices.Sort(distances)
	return distances, nearest
}
