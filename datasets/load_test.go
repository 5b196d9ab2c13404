package datasets

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func mustLoad(t *testing.T, name string, opt Options) *Dataset {
	t.Helper()
	d, err := Load(t.Context(), name, opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestListAgreesWithLoad(t *testing.T) {
	for _, info := range List() {
		if info.Files != "" {
			continue // they are not part of the tests
		}
		d := mustLoad(t, info.Name, Options{})
		var splits []SplitInfo
		for _, s := range d.Splits {
			splits = append(splits, SplitInfo{s.Name, s.Len()})
			if err := s.fits(d.Width()); err != nil {
				t.Error(err)
			}
			if slices.Min(s.Labels) < 0 || slices.Max(s.Labels) >= len(d.Classes) {
				t.Errorf("%s: a label of split %s has no class", d.Name, s.Name)
			}
		}
		if d.Name != info.Name || !slices.Equal(splits, info.Splits) || !slices.Equal(d.Shape, info.Shape) ||
			!slices.Equal(d.Classes, info.Classes) || len(d.Features) != d.Width() || !info.Fetched {
			t.Errorf("loaded %s %v %v %v, listed %+v", d.Name, splits, d.Shape, d.Classes, info)
		}
	}
}

// Counts of the classes in each split, and the first rows of the train split, as in the CSV files of the reference.
func TestPaperPoints(t *testing.T) {
	tests := []struct {
		name   string
		counts [][]int // split, class
		index  []int   // of the first two train rows
		x      []float64
		labels []int
	}{
		{"intro1D", [][]int{{3, 3}}, []int{0, 1}, []float64{0.5, 1}, []int{0, 1}},
		{
			"gauss",
			[][]int{{54, 49, 47}, {35, 27, 28}, {11, 24, 25}},
			[]int{42, 61},
			[]float64{1.5957531929016113, -1.2508785724639893, 2.701397180557251, -1.700925588607788},
			[]int{0, 0},
		},
		{
			"gauss_random_labels",
			[][]int{{50, 52, 48}, {37, 28, 25}, {13, 20, 27}},
			[]int{42, 61},
			[]float64{1.5957531929016113, -1.2508785724639893, 2.701397180557251, -1.700925588607788},
			[]int{1, 1},
		},
		{"hierarchical", [][]int{{46, 31, 39, 34}, {20, 29, 20, 21}, {9, 15, 16, 20}}, nil, nil, nil},
		{"circle", [][]int{{47, 53}, {32, 28}, {21, 19}}, nil, nil, nil},
		{
			"half_moon",
			[][]int{{47, 53}, {32, 28}, {21, 19}},
			[]int{142, 56},
			[]float64{-0.6486865282058716, 0.6607285737991333, 0.6721808314323425, -0.5690366625785828},
			[]int{0, 1},
		},
		{"checkerboard_linear", [][]int{{90, 110}, {66, 54}, {44, 36}}, nil, nil, nil},
		{
			"checkerboard_noisy",
			[][]int{{90, 110}, {66, 54}, {44, 36}},
			[]int{342, 318},
			[]float64{-0.5799031853675842, 3.0747439861297607, -0.30122825503349304, 3.3019235134124756},
			[]int{1, 1},
		},
		{
			"iris",
			[][]int{{44, 40, 36}, {6, 10, 14}},
			[]int{42, 95},
			[]float64{4.400000095367432, 3.200000047683716, 1.2999999523162842},
			[]int{0, 1},
		},
	}
	for _, tt := range tests {
		d := mustLoad(t, tt.name, Options{})
		for i, s := range d.Splits {
			if got := classCounts(s.Labels, len(d.Classes)); !slices.Equal(got, tt.counts[i]) {
				t.Errorf("%s %s: %v samples a class, want %v", tt.name, s.Name, got, tt.counts[i])
			}
		}
		train := d.Splits[0]
		if !slices.Equal(train.Index[:len(tt.index)], tt.index) || !slices.Equal(train.X[:len(tt.x)], tt.x) ||
			!slices.Equal(train.Labels[:len(tt.labels)], tt.labels) {
			t.Errorf("%s starts with rows %v, values %v, labels %v", tt.name, train.Index[:2], train.X[:2], train.Labels[:2])
		}
	}
}

func classCounts(labels []int, classes int) []int {
	n := make([]int, classes)
	for _, l := range labels {
		n[l]++
	}
	return n
}

func TestSharedSet(t *testing.T) {
	d := mustLoad(t, "intro1D", Options{})
	if !d.Shared || len(d.Splits) != 1 {
		t.Fatalf("Shared %v, %d splits", d.Shared, len(d.Splits))
	}
	for _, name := range []string{"train", "val", "test"} {
		if s, err := d.Split(name); err != nil || s != &d.Splits[0] || !d.Has(name) {
			t.Errorf("Split(%q): %v, %v", name, s, err)
		}
	}
	if d.Has("holdout") {
		t.Error("a made-up split is there")
	}
	if g := mustLoad(t, "intro1D", Options{Samples: 60}); g.Shared || len(g.Splits) != 3 {
		t.Errorf("generated: Shared %v, %d splits", g.Shared, len(g.Splits))
	}
}

func TestLoadIsRepeatableAndFresh(t *testing.T) {
	for _, opt := range []Options{{}, {Samples: 200, Seed: 7}, {RandomLabels: true, Seed: 7}} {
		a := mustLoad(t, "gauss", opt)
		fingerprint := a.Fingerprint()
		for i := range a.Splits {
			a.Splits[i].X[0], a.Splits[i].Labels[0], a.Splits[i].Index[0] = 99, 99, 99
		}
		a.Classes[0], a.Features[0], a.Shape[0] = "spoilt", "spoilt", 99
		b := mustLoad(t, "gauss", opt)
		if b.Fingerprint() != fingerprint || b.Features[0] != "x0" || b.Splits[0].Index[0] == 99 {
			t.Errorf("%+v: a change of one data set shows in the next", opt)
		}
	}
}

func TestRandomLabels(t *testing.T) {
	plain := mustLoad(t, "gauss", Options{})
	a := mustLoad(t, "gauss", Options{RandomLabels: true, Seed: 1})
	b := mustLoad(t, "gauss", Options{RandomLabels: true, Seed: 2})
	if slices.Equal(a.Splits[0].Labels, plain.Splits[0].Labels) || slices.Equal(a.Splits[0].Labels, b.Splits[0].Labels) {
		t.Error("labels are not permuted, or not by the seed")
	}
	if !slices.Equal(classCounts(a.Splits[0].Labels, 3), classCounts(plain.Splits[0].Labels, 3)) {
		t.Error("the number of samples of a class has changed: no permutation")
	}
	if !slices.Equal(a.Splits[0].X, plain.Splits[0].X) || !slices.Equal(a.Splits[2].Labels, plain.Splits[2].Labels) {
		t.Error("more than the train labels has changed")
	}
}

func TestClassesAndPerClass(t *testing.T) {
	d := mustLoad(t, "iris", Options{Classes: []int{2, 0}, PerClass: 10})
	if !slices.Equal(d.Classes, []string{"virginica", "setosa"}) {
		t.Errorf("classes %v", d.Classes)
	}
	// The test split has 14 virginica and 6 setosa.
	for i, want := range [][]int{{10, 10}, {10, 6}} {
		if got := classCounts(d.Splits[i].Labels, 2); !slices.Equal(got, want) {
			t.Errorf("split %d: %v a class, want %v", i, got, want)
		}
	}
	whole := mustLoad(t, "iris", Options{})
	at := slices.Index(whole.Splits[0].Index, d.Splits[0].Index[3])
	if whole.Splits[0].X[4*at] != d.Splits[0].X[12] || d.Classes[d.Splits[0].Labels[3]] != whole.Classes[whole.Splits[0].Labels[at]] {
		t.Error("Index does not lead back to the sample")
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name string
		opt  Options
		want string
	}{
		{"", Options{}, "want one of checkerboard_linear"},
		{"guass", Options{}, "did you mean \"gauss\"?"},
		{"half-moons", Options{}, "did you mean \"half_moon"},
		{"moons", Options{}, "did you mean \"half_moon"},
		{"checkerboard", Options{}, "did you mean \"checkerboard_linear"},
		{"MNIST", Options{}, "did you mean \"mnist"},
		{"imagenet-21k", Options{}, "want one of checkerboard_linear"},
		{strings.Repeat("x", 10000), Options{}, "want one of checkerboard"},
		{"iris", Options{Samples: 100}, "iris: option Samples does not apply"},
		{"iris", Options{Noise: 1}, "option Noise does not apply"},
		{"iris", Options{DataDir: "x"}, "option DataDir does not apply"},
		{"iris", Options{Classes: []int{1}}, "want at least 2"},
		{"iris", Options{Classes: []int{1, 3}}, "want 0 to 2"},
		{"iris", Options{Classes: []int{-1, 1}}, "want 0 to 2"},
		{"iris", Options{Classes: []int{1, 1}}, "has 1 twice"},
		{"iris", Options{PerClass: -1}, "want a positive number"},
		{"gauss", Options{Classes: []int{0, 1}}, "option Classes does not apply"},
		{"gauss", Options{PerClass: 3}, "option PerClass does not apply"},
		{"gauss", Options{Samples: 29}, "want 30 to 10000000"},
		{"gauss", Options{Samples: -1}, "want 30 to 10000000"},
		{"gauss", Options{Samples: math.MaxInt}, "want 30 to 10000000"},
		{"gauss", Options{Noise: 1}, "option Noise has no effect without Samples"},
		{"gauss", Options{TestSamples: 29}, "option TestSamples is 29, want 30 to 10000000"},
		{"gauss", Options{TestSamples: -1}, "want 30 to 10000000"},
		{"gauss", Options{TestSamples: 300, Noise: 1}, "option Noise has no effect without Samples"},
		{"intro1D", Options{TestSamples: 300}, "intro1D: option TestSamples does not apply to this set"},
		{"iris", Options{TestSamples: 300}, "option TestSamples does not apply"},
		{"gauss", Options{Seed: 1}, "option Seed has no effect without Samples, TestSamples or RandomLabels"},
		{"gauss", Options{Samples: 300, Noise: -1}, "option Noise is -1"},
		{"gauss", Options{Samples: 300, Noise: math.NaN()}, "option Noise is NaN"},
		{"gauss", Options{Samples: 300, Noise: math.Inf(1)}, "option Noise is +Inf"},
		{"mnist", Options{Samples: 300}, "option Samples does not apply"},
	}
	for _, tt := range tests {
		_, err := Load(t.Context(), tt.name, tt.opt)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Load(%.20q, %+v): %v, want %q in it", tt.name, tt.opt, err, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, "gauss", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
