package boundary_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
)

func TestOutliersOfTrainedNets(t *testing.T) {
	content, err := os.ReadFile("testdata/outliers.json")
	if err != nil {
		t.Fatal(err)
	}
	var nets map[string]struct {
		Parameters, Classes, Ratio, Gap int
		Top                             []float64
	}
	if err := json.Unmarshal(content, &nets); err != nil {
		t.Fatal(err)
	}
	for name, net := range nets {
		for _, known := range []int{6, 10, 30} { // 6 do not reach the bulk
			e := &boundary.Eigenpairs{Values: net.Top[:known], Parameters: net.Parameters, Top: known}
			o, err := e.Outliers(net.Classes, nil)
			if err != nil {
				t.Fatal(err)
			}
			if o.Ratio.Count != net.Ratio || !o.Ratio.Resolved || o.Ratio.Excess != net.Ratio-net.Classes+1 {
				t.Errorf("%s, %d known: ratio %+v, want %d", name, known, o.Ratio, net.Ratio)
			}
			if name == "intro1D_seed29" && known == 30 { // half of these 42 values are rounding
				continue
			}
			if o.Gap.Count != net.Gap || !o.Gap.Resolved {
				t.Errorf("%s, %d known: gap %+v, want %d", name, known, o.Gap, net.Gap)
			}
			if o.Edge.Resolved || o.Complete || o.Known != known {
				t.Errorf("%s, %d known: %+v, want an edge that is not resolved", name, known, o)
			}
		}
	}
}

func TestOutliersOfTheSmallGaussianNet(t *testing.T) {
	g := gauss(t)
	o, err := g.pairs.Outliers(3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Ratio.Count != 2 || o.Gap.Count != 1 || !o.Ratio.Resolved || !o.Gap.Resolved || !o.Edge.Resolved || !o.Complete {
		t.Errorf("outliers %+v, want 2 by ratio and 1 by gap, all resolved", o)
	}
	pairs, err := g.pairs.ClassPairs(g.predicted, o.Ratio.Count)
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) != 2 {
		t.Fatalf("%d pairs of classes, want 2", len(pairs))
	}
	// Expected: of the reference implementation's alignments with v₁, the means
	// over the classes are −0.01418, −0.60091 and 0.59546.
	first := []int{min(pairs[0].Along, pairs[0].Against), max(pairs[0].Along, pairs[0].Against)}
	if !slices.Equal(first, []int{1, 2}) || math.Abs(pairs[0].MeanAlong-pairs[0].MeanAgainst-1.1963705) > 1e-6 {
		t.Errorf("first pair %+v, want classes 1 and 2 with means 1.19637 apart", pairs[0])
	}
}

func TestOutlierRules(t *testing.T) {
	outlier := func(count int, threshold float64, resolved bool) boundary.Outlier {
		return boundary.Outlier{Count: count, Threshold: threshold, Resolved: resolved, Excess: count - 1}
	}
	for name, c := range map[string]struct {
		pairs            boundary.Eigenpairs
		bulk             *boundary.Bulk
		ratio, gap, edge boundary.Outlier
	}{
		"complete": {
			// Median 2; deviations 0, 0, 1, 1, 14, 98: MAD 1.
			pairs: boundary.Eigenpairs{Values: []float64{1, 100, 1, 16, 2, 2}, Parameters: 9, Complete: true},
			ratio: outlier(2, 10, true), gap: outlier(2, math.Sqrt(32), true), edge: outlier(2, 8, true),
		},
		"negative and tiny values are not the bulk": {
			pairs: boundary.Eigenpairs{
				Values: []float64{-3, 100, 16, 2, 1, 1, 2, 1e-11, 0, -50}, Parameters: 10,
			},
			ratio: outlier(2, 10, true), gap: outlier(2, math.Sqrt(32), true), edge: outlier(2, 8, true),
		},
		"the last ratio does not count": {
			// Median 8.5; deviations 0.5, 0.5, 1.5, 1.5, 8.5, 91.5: MAD 1.5.
			pairs: boundary.Eigenpairs{Values: []float64{100, 10, 9, 8, 7, 1e-6}, Parameters: 9, Complete: true},
			ratio: outlier(1, 10, false), gap: outlier(1, math.Sqrt(1000), true), edge: outlier(1, 17.5, true),
		},
		"bulk given": {
			pairs: boundary.Eigenpairs{Values: []float64{100, 16, 5}, Parameters: 900, Top: 3},
			bulk:  &boundary.Bulk{Median: 1, MAD: 1.5, Error: 0.5},
			ratio: outlier(2, 10, true), gap: outlier(1, 40, true), edge: outlier(2, 10, true),
		},
		"bulk given, uncertain": {
			pairs: boundary.Eigenpairs{Values: []float64{100, 16, 5}, Parameters: 900, Top: 3, Residuals: []float64{0, 1, 0}},
			bulk:  &boundary.Bulk{Median: 1, MAD: 1.5, Error: 5},
			ratio: outlier(2, 10, true), gap: outlier(1, 40, true), edge: outlier(2, 10, false),
		},
		"more may be above": {
			pairs: boundary.Eigenpairs{Values: []float64{100, 50, 20}, Parameters: 900, Top: 3},
			ratio: outlier(3, 10, false), gap: outlier(2, math.Sqrt(1000), false), edge: outlier(0, 230, false),
		},
		"bottom pairs are no top pairs": {
			pairs: boundary.Eigenpairs{Values: []float64{100, 50, 20, -1, 5}, Parameters: 900, Top: 3},
			ratio: outlier(3, 10, false), gap: outlier(2, math.Sqrt(1000), false), edge: outlier(0, 230, false),
		},
		"error bars": {
			pairs: boundary.Eigenpairs{
				Values: []float64{100, 16, 9.5, 1}, Residuals: []float64{1, 0.1, 0.41, 0.4}, Parameters: 900, Top: 4,
			},
			ratio: outlier(2, 10, false), gap: outlier(3, math.Sqrt(9.5), false), edge: outlier(1, 12.75+6*7.5, false),
		},
		"one value": {
			pairs: boundary.Eigenpairs{Values: []float64{7}, Parameters: 900, Top: 1},
			ratio: outlier(1, 0.7, false), gap: outlier(1, 7e-10, false), edge: outlier(0, 7, false),
		},
		"no positive value": {
			pairs: boundary.Eigenpairs{Values: []float64{-1, -2}, Parameters: 2},
			ratio: outlier(0, -0.1, true), gap: outlier(0, 1e-10, false), edge: outlier(0, 0, false),
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := c.pairs.Outliers(2, c.bulk)
			if err != nil {
				t.Fatal(err)
			}
			near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }) // rounding
			got := []boundary.Outlier{o.Ratio, o.Gap, o.Edge}
			if diff := cmp.Diff([]boundary.Outlier{c.ratio, c.gap, c.edge}, got, near); diff != "" {
				t.Errorf("ratio, gap and edge: −want +got\n%s", diff)
			}
		})
	}
}

func TestClassPairs(t *testing.T) {
	e := &boundary.Eigenpairs{
		Values: []float64{1, 4, -2, 3}, Parameters: 50, Top: 3,
		Alignments: mat.NewDense(5, 4, []float64{
			0.0, +0.9, 0, 0.1,
			0.1, +0.7, 0, 0.3,
			0.0, -0.5, 0, 0.6,
			0.0, -0.7, 0, 0.6,
			0.0, -0.8, 0, 0.2,
		}),
	}
	got, err := e.ClassPairs([]int{0, 0, 2, 2, 7}, 2)
	want := []boundary.ClassPair{
		{Eigenvalue: 4, Along: 0, Against: 7, MeanAlong: 0.8, MeanAgainst: -0.8},
		{Eigenvalue: 3, Along: 2, Against: 0, MeanAlong: 0.6, MeanAgainst: 0.2}, // the tie goes to the first class
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-15 }) // rounding of a mean
	if diff := cmp.Diff(want, got, near); err != nil || diff != "" {
		t.Errorf("%v; −want +got\n%s", err, diff)
	}
	if got, err := e.ClassPairs([]int{0, 0, 2, 2, 7}, 9); len(got) != 3 || err != nil {
		t.Errorf("%d pairs of 9, %v; want the 3 that are known to be the largest", len(got), err)
	}
	if got, err := e.ClassPairs([]int{3, 3, 3, 3, 3}, 2); len(got) != 0 || err != nil {
		t.Errorf("pairs %v, %v of a net that predicts one class; want none", got, err)
	}
	if _, err := e.ClassPairs([]int{0}, 2); err == nil || !strings.Contains(err.Error(), "1 predictions") {
		t.Errorf("error %v, want one about 1 predictions", err)
	}
}

func TestMeasurable(t *testing.T) {
	for _, c := range []struct {
		pairs boundary.Eigenpairs
		want  bool
	}{
		{boundary.Eigenpairs{Values: []float64{2, -1}, Top: 1}, true},
		{boundary.Eigenpairs{Values: []float64{2, -1}, Complete: true}, true},
		{boundary.Eigenpairs{Values: []float64{2, -1}}, false}, // there may be larger ones
		{boundary.Eigenpairs{Values: []float64{0, -1}, Top: 1, Complete: true}, false},
		{boundary.Eigenpairs{Top: 1, Complete: true}, false},
	} {
		if got := c.pairs.Measurable(); got != c.want {
			t.Errorf("%+v: measurable %v, want %v", c.pairs, got, c.want)
		}
	}
}
