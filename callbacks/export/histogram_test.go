package export

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// The histogram is of the most that is known of the spectrum, and says what that is.
func TestHistogramOf(t *testing.T) {
	ends := curvature.Spectrum{Top: curvature.Pairs{Values: []float64{5, 4}}, Bottom: curvature.Pairs{Values: []float64{-1}}}
	resolved, incomplete, density, all := ends, ends, ends, ends
	resolved.Resolved = &curvature.Eigenspace{Complete: true, Values: []float64{5, 4, 3, -1}}
	incomplete.Resolved = &curvature.Eigenspace{Values: []float64{5, 4, 3, -1}}
	density.Density = &curvature.Density{Dim: 8, Nodes: []float64{-1, 5}, Weights: []float64{0.25, 0.75}}
	all.All = []float64{5, 4, 3, 0, 0, -1}
	for _, c := range []struct {
		spectrum        curvature.Spectrum
		meaning         string
		values, weights []float64
	}{
		{ends, "that were searched", []float64{-1, 4, 5}, nil},
		{incomplete, "that were searched", []float64{-1, 4, 5}, nil},
		{resolved, "that rounding does not hide", []float64{-1, 3, 4, 5}, nil},
		{density, "estimate of their density", []float64{-1, 5}, []float64{2, 6}},
		{all, "all eigenvalues", []float64{-1, 0, 0, 3, 4, 5}, nil},
	} {
		h := newHistogram(&c.spectrum)
		if !strings.Contains(h.meaning, c.meaning) || !slices.Equal(h.values, c.values) || !slices.Equal(h.weights, c.weights) {
			t.Errorf("%+v; want %s %v, %v of each", h, c.meaning, c.values, c.weights)
		}
	}
	for _, values := range [][]float64{{1, 1}, {math.Nextafter(1, 2), 1}, {5e-324, 0}} { // too near for bins
		edges, counts := newHistogram(&curvature.Spectrum{All: values}).binned()
		if !slices.Equal(edges, []float64{values[1], values[0]}) || !slices.Equal(counts, []float64{2}) {
			t.Errorf("edges %v and counts %v of %v; want a single bin", edges, counts, values)
		}
	}
	if h := newHistogram(&curvature.Spectrum{}); h != nil {
		t.Errorf("%+v of no eigenvalues", h)
	}
}
