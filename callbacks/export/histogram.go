package export

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// histogram is a HistogramProto of summary.proto.
type histogram struct {
	values  []float64 // ascending
	weights []float64 // how many eigenvalues each value stands for; 1 if nil
	meaning string
}

// newHistogram returns the histogram of the eigenvalues that a measurement found; nil if
// it found none.
func newHistogram(s *curvature.Spectrum) *histogram {
	h := &histogram{meaning: "all eigenvalues"}
	switch {
	case s.All != nil:
		h.values = slices.Clone(s.All)
	case s.Density != nil:
		h.meaning = "all eigenvalues, by an estimate of their density"
		h.values, h.weights = slices.Clone(s.Density.Nodes), slices.Clone(s.Density.Weights)
		floats.Scale(float64(s.Density.Dim), h.weights)
	case s.Resolved != nil && s.Resolved.Complete:
		h.meaning = "the eigenvalues that rounding does not hide"
		h.values = slices.Clone(s.Resolved.Values)
	default:
		h.meaning = "the largest and smallest eigenvalues that were searched"
		h.values = slices.Concat(s.Top.Values, s.Bottom.Values)
	}
	if len(h.values) == 0 {
		return nil
	}
	stat.SortWeighted(h.values, h.weights)
	return h
}

// bins is the number of intervals of equal width. TensorBoard shows as many.
const bins = 30

// binned returns the edges of the bins, and the eigenvalues in each. There is a single
// one if the eigenvalues are too near to each other for more.
func (h *histogram) binned() (edges, counts []float64) {
	low, high := h.values[0], h.values[len(h.values)-1]
	edges = []float64{low, math.Nextafter(high, math.Inf(1))}
	if width := (high - low) / bins; low+width > low && high-width < high {
		edges = floats.Span(make([]float64, bins+1), low, high)
		edges[bins] = math.Nextafter(high, math.Inf(1)) // intervals are open above
	}
	counts = stat.Histogram(nil, edges, h.values, h.weights)
	edges[len(edges)-1] = high
	return edges, counts
}

// encode encodes the Summary.Value of the histogram.
func (h *histogram) encode() []byte {
	edges, counts := h.binned()
	low, high := edges[0], edges[len(edges)-1]
	var number, sum, squares float64
	for i, v := range h.values {
		w := 1.0
		if h.weights != nil {
			w = h.weights[i]
		}
		number, sum, squares = number+w, sum+w*v, squares+w*v*v
	}
	var m []byte
	for i, v := range []float64{low, high, number, sum, squares} { // min, max, num, sum, sum_squares
		m = protowire.AppendFixed64(protowire.AppendTag(m, protowire.Number(i+1), protowire.Fixed64Type), math.Float64bits(v))
	}
	m = appendMessage(m, 6, packed(edges[1:])) // bucket_limit
	m = appendMessage(m, 7, packed(counts))    // bucket
	v := appendText(nil, 1, "spectrum/eigenvalues")
	v = appendMessage(v, 5, m)
	return appendMessage(v, 9, appendText(nil, 3, h.meaning))
}

func packed(values []float64) []byte {
	var b []byte
	for _, v := range values {
		b = protowire.AppendFixed64(b, math.Float64bits(v))
	}
	return b
}
