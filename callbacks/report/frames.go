package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
)

// What a page holds of measurements.
const (
	maxFrameBytes = 600_000 // of all frames, about
	maxFrames     = 400
	allRanks      = 40 // eigenvalues that are all kept
	maxRanks      = 90 // eigenvalues in all
	maxSide       = 48 // cells of a plane along a side
	maxSegments   = 150
	maxRows       = 120 // samples in a heatmap
	maxColumns    = 25  // eigenvectors in a heatmap
	maxPoints     = 600
)

// frames reads the measurements of a run. Of more than the page can hold, it takes
// evenly spaced ones with the first and the last, and notes that.
func frames(folder record.Folder, run *Run) ([]*Frame, error) {
	epochs, err := folder.Spectra()
	if err != nil || len(epochs) == 0 {
		return []*Frame{}, err
	}
	margins, err := folder.Margins()
	if err != nil {
		return nil, err
	}
	// The first and the last one tell how large they are.
	size := 0
	for _, epoch := range []int{epochs[0], epochs[len(epochs)-1]} {
		f, err := frame(folder, epoch, margins, run)
		if err != nil {
			return nil, err
		}
		size = max(size, f.size())
	}
	kept := thin(epochs, min(max(maxFrameBytes/size, 2), maxFrames))
	if len(kept) < len(epochs) {
		run.Notes = append(run.Notes, fmt.Sprintf("The slider has %d of the %d epochs whose spectrum was measured; measurements/ has all.", len(kept), len(epochs)))
	}
	result := make([]*Frame, len(kept))
	for i, epoch := range kept {
		if result[i], err = frame(folder, epoch, margins, run); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// size returns about how many bytes the frame has in a page.
func (f *Frame) size() int {
	n := 200 + 12*len(f.Eigenvalues)
	if f.Plane != nil {
		n += len(f.Plane.Predicted) * (2 + len(f.Plane.Alignments)) * 4 / 3
	}
	if f.Alignments != nil {
		n += len(f.Alignments.Values) * 4 / 3
	}
	return n
}

// frame reads the measurement of an epoch.
func frame(folder record.Folder, epoch int, margins []int, run *Run) (*Frame, error) {
	arrays, err := folder.ReadSpectrum(epoch, "top_values", "all_values", "resolved_values",
		"plane_box", "plane_predicted", "plane_gap", "plane_alignments")
	if err != nil {
		return nil, err
	}
	f := &Frame{Epoch: epoch}
	f.setEigenvalues(arrays)
	path := func(err error) error {
		return fmt.Errorf("%s: %w", record.SpectrumFile(epoch), err)
	}
	if f.Plane, err = plane(arrays); err != nil {
		return nil, path(err)
	}
	if f.Plane == nil {
		if arrays, err = folder.ReadSpectrum(epoch, "alignments", "predicted"); err != nil {
			return nil, err
		}
		if f.Alignments, err = heatmap(arrays); err != nil {
			return nil, path(err)
		}
	}
	if _, measured := slices.BinarySearch(margins, epoch); measured && run.InPlane() {
		if f.Margins, err = segments(folder, epoch); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// setEigenvalues takes as many eigenvalues as are known.
func (f *Frame) setEigenvalues(arrays map[string]weights.Array) {
	values := arrays["top_values"].Data
	for _, name := range []string{"resolved_values", "all_values"} {
		if more := arrays[name].Data; len(more) > len(values) {
			values = more
		}
	}
	values = slices.Clone(values)
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(b, a) })
	f.Known, f.Eigenvalues, f.Ranks = len(values), Floats{}, []int{}
	if len(values) == 0 {
		return
	}
	f.Threshold = Float(max(values[0], 0) / 10)
	for _, i := range ranks(len(values)) {
		f.Eigenvalues, f.Ranks = append(f.Eigenvalues, values[i]), append(f.Ranks, i+1)
	}
}

// ranks returns the indices of the eigenvalues to keep of n: the first ones, and then
// evenly spaced ones.
func ranks(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	if n <= maxRanks {
		return indices
	}
	return append(indices[:allRanks:allRanks], thin(indices[allRanks:], maxRanks-allRanks)...)
}

// plane returns what a measurement has of the plane of the inputs, or nil.
func plane(arrays map[string]weights.Array) (*Plane, error) {
	box, predicted, alignments := arrays["plane_box"], arrays["plane_predicted"], arrays["plane_alignments"]
	if len(predicted.Data) == 0 {
		return nil, nil
	}
	if len(predicted.Shape) != 2 || predicted.Shape[0] != predicted.Shape[1] || len(box.Data) != 4 {
		return nil, fmt.Errorf("plane_predicted has the shape %v and plane_box %v; want a square and 4", predicted.Shape, box.Shape)
	}
	side := predicted.Shape[0]
	if n := len(alignments.Data); n > 0 && (len(alignments.Shape) != 3 || alignments.Shape[1] != side || alignments.Shape[2] != side) {
		return nil, fmt.Errorf("plane_alignments has the shape %v; want k maps of %d × %d", alignments.Shape, side, side)
	}
	cells := cells(side)
	p := &Plane{Box: box.Data, Side: len(cells), Predicted: pick(predicted.Data, side, cells, class), Alignments: [][]byte{}}
	if gaps := arrays["plane_gap"].Data; len(gaps) == side*side {
		largest := slices.Max(gaps)
		p.Gaps = pick(gaps, side, cells, func(gap float64) byte {
			return byte(255 * math.Sqrt(max(gap, 0)/max(largest, math.SmallestNonzeroFloat64)))
		})
	}
	for from := 0; from < len(alignments.Data); from += side * side {
		p.Alignments = append(p.Alignments, pick(alignments.Data[from:from+side*side], side, cells, signed))
	}
	return p, nil
}

// cells returns the rows, and columns, of a square map that a page keeps: those whose
// centres are nearest to those of the page's cells.
func cells(side int) []int {
	n := min(side, maxSide)
	kept := make([]int, n)
	for i := range kept {
		kept[i] = (2*i + 1) * side / (2 * n)
	}
	return kept
}

func pick(values []float64, side int, cells []int, quantize func(float64) byte) []byte {
	picked := make([]byte, 0, len(cells)*len(cells))
	for _, row := range cells {
		for _, column := range cells {
			picked = append(picked, quantize(values[row*side+column]))
		}
	}
	return picked
}

// class returns a class as a byte. Colours repeat long before the 256th.
func class(v float64) byte { return byte(int(v)) }

// signed returns an alignment, −1 to 1, as 0 to 254.
func signed(v float64) byte { return byte(math.Round(127 + 127*max(-1, min(1, v)))) }

// heatmap returns the alignments of the samples, or nil if they were not measured.
func heatmap(arrays map[string]weights.Array) (*Heatmap, error) {
	a, predicted := arrays["alignments"], arrays["predicted"].Data
	if len(a.Data) == 0 {
		return nil, nil
	}
	if len(a.Shape) != 2 || len(predicted) != a.Shape[0] {
		return nil, fmt.Errorf("alignments has the shape %v and predicted %d values; want a row for each value", a.Shape, len(predicted))
	}
	n, k := a.Shape[0], a.Shape[1]
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	rows = thin(rows, maxRows) // the same samples at every epoch
	slices.SortStableFunc(rows, func(i, j int) int {
		return cmp.Or(cmp.Compare(predicted[i], predicted[j]), cmp.Compare(a.Data[i*k], a.Data[j*k]))
	})
	h := &Heatmap{Rows: len(rows), Columns: min(k, maxColumns), Samples: n}
	for _, row := range rows {
		h.Predicted = append(h.Predicted, class(predicted[row]))
		for _, v := range a.Data[row*k:][:h.Columns] {
			h.Values = append(h.Values, signed(v))
		}
	}
	return h, nil
}

// segments reads the margins of an epoch, as far as they are without the samples.
func segments(folder record.Folder, epoch int) (*Margins, error) {
	arrays, err := folder.ReadMargin(epoch, "margin_rows", "margin_distances", "margin_points")
	if errors.Is(err, fs.ErrNotExist) { // removed since the folder was listed
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, distances, points := arrays["margin_rows"].Data, arrays["margin_distances"].Data, arrays["margin_points"].Data
	if len(distances) != len(rows) || len(points) != 2*len(rows) {
		return nil, fmt.Errorf("%s: %d rows, %d distances and %d coordinates do not go together", record.MarginFile(epoch), len(rows), len(distances), len(points))
	}
	var found []int
	for i, d := range distances {
		if d >= 0 {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(i, j int) int { return cmp.Compare(distances[i], distances[j]) })
	found = found[:min(len(found), maxSegments)]
	m := &Margins{From: Floats{}, To: Floats{}}
	for _, i := range found {
		m.rows, m.To = append(m.rows, int(rows[i])), append(m.To, points[2*i], points[2*i+1])
	}
	return m, nil
}
