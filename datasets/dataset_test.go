package datasets

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func toy() *Dataset {
	return &Dataset{
		Name:     "toy",
		Shape:    []int{3},
		Features: []string{"a", "b", "c"},
		Classes:  []string{"no", "yes"},
		Splits: []Split{
			{Name: Train, X: []float64{1, 5, 1e-200, 3, 5, 3e-200}, Labels: []int{0, 1}, Index: []int{10, 11}},
			{Name: Validation, X: []float64{7, 6, 2e-200}, Labels: []int{1}, Index: []int{12}},
		},
	}
}

func TestSplit(t *testing.T) {
	d := toy()
	for _, name := range []string{"val", "valid", "validation"} {
		s, err := d.Split(name)
		if err != nil || s.Name != Validation || !d.Has(name) {
			t.Errorf("Split(%q) = %v, %v", name, s, err)
		}
	}
	if _, err := d.Split("test"); err == nil || !strings.Contains(err.Error(), "train, validation") || d.Has("test") {
		t.Errorf("Split(test): %v, want an error that lists train, validation", err)
	}
}

func TestSubset(t *testing.T) {
	s := &toy().Splits[0]
	sub, err := s.Subset([]int{1, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sub.Labels, []int{1, 0, 1}) || !slices.Equal(sub.Index, []int{11, 10, 11}) || sub.X[0] != 3 || sub.X[3] != 1 {
		t.Errorf("got %+v", sub)
	}
	sub.X[0] = 99
	if s.X[3] != 3 {
		t.Error("a subset shares memory with its split")
	}
	sub, err = (&Split{X: []float64{5, 6, 7}, Labels: make([]int, 3)}).Subset([]int{2, 0})
	if err != nil || !slices.Equal(sub.Index, []int{2, 0}) {
		t.Errorf("without an index: %+v, error %v", sub, err)
	}
	for name, bad := range map[string]func() error{
		"row too large": func() error { _, err := s.Subset([]int{2}); return err },
		"negative row":  func() error { _, err := s.Subset([]int{-1}); return err },
		"ragged split": func() error {
			_, err := (&Split{X: make([]float64, 3), Labels: make([]int, 2), Index: make([]int, 2)}).Subset(nil)
			return err
		},
		"short index": func() error {
			_, err := (&Split{X: make([]float64, 2), Labels: make([]int, 2), Index: make([]int, 1)}).Subset([]int{0})
			return err
		},
	} {
		if bad() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestStandardize(t *testing.T) {
	d := toy()
	z, err := d.Standardize()
	if err != nil {
		t.Fatal(err)
	}
	// By hand: column a has mean 2, deviation 1; b is constant, so that its 6 is only centred; c has squares that
	// underflow.
	want := [][]float64{{-1, 0, -1, 1, 0, 1}, {5, 1, 0}}
	for i := range want {
		for j, w := range want[i] {
			if got := z.Splits[i].X[j]; math.Abs(got-w) > 1e-14 { // a few roundings
				t.Errorf("split %d value %d: %v, want %v", i, j, got, w)
			}
		}
	}
	if d.Splits[0].X[0] != 1 || d.Scaling != nil {
		t.Error("the original has changed")
	}
	if z.Scaling.Scale[1] != 1 || z.Scaling.Mean[1] != 5 {
		t.Errorf("constant column: %+v", z.Scaling)
	}
}

func TestStandardizeTwiceMapsToSource(t *testing.T) {
	d, err := Load(t.Context(), "iris", Options{})
	if err != nil {
		t.Fatal(err)
	}
	once, err := d.Standardize()
	if err != nil {
		t.Fatal(err)
	}
	once.Splits[0].X[0] += 3 // so that the second map is not the identity
	twice, err := once.Standardize()
	if err != nil {
		t.Fatal(err)
	}
	back := slices.Clone(twice.Splits[1].X)
	twice.Scaling.Undo(back, d.Width())
	for i, x := range d.Splits[1].X {
		if math.Abs(back[i]-x) > 1e-13 {
			t.Fatalf("value %d: %v comes back as %v", i, x, back[i])
		}
	}
}

func TestStandardizeMoments(t *testing.T) {
	d, err := Load(t.Context(), "iris", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = d.Standardize(); err != nil {
		t.Fatal(err)
	}
	m := d.Splits[0].moments(4, 4)
	for col, mean := range m.Mean {
		if std := m.Scale[col]; math.Abs(mean) > 1e-14 || math.Abs(std-1) > 1e-14 { // a few roundings
			t.Errorf("column %d: mean %v, deviation %v", col, mean, std)
		}
	}
}

func TestStandardizeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Dataset){
		"no train":      func(d *Dataset) { d.Splits = d.Splits[1:] },
		"empty train":   func(d *Dataset) { d.Splits[0] = Split{Name: Train} },
		"wrong shape":   func(d *Dataset) { d.Shape = []int{2} },
		"NaN":           func(d *Dataset) { d.Splits[0].X[0] = math.NaN() },
		"constant Inf":  func(d *Dataset) { d.Splits[0].X[1], d.Splits[0].X[4] = math.Inf(1), math.Inf(1) },
		"overflow":      func(d *Dataset) { d.Splits[0].X[0], d.Splits[0].X[3] = 1.7e308, 1.6e308 },
		"short Scaling": func(d *Dataset) { d.Scaling = &Scaling{Mean: []float64{1}} },
	} {
		d := toy()
		spoil(d)
		if _, err := d.Standardize(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFingerprint(t *testing.T) {
	same := toy()
	same.Name, same.Splits[0].Index[0] = "other", 99
	if toy().Fingerprint() != same.Fingerprint() {
		t.Error("the name or the index counts")
	}
	for name, change := range map[string]func(*Dataset){
		"shape":      func(d *Dataset) { d.Shape = []int{1, 3} },
		"class":      func(d *Dataset) { d.Classes[0] = "No" },
		"class cut":  func(d *Dataset) { d.Classes = []string{"noy", "es"} },
		"split name": func(d *Dataset) { d.Splits[1].Name = Test },
		"value":      func(d *Dataset) { d.Splits[1].X[0] = math.Nextafter(7, 8) },
		"label":      func(d *Dataset) { d.Splits[0].Labels[0] = 1 },
		"order":      func(d *Dataset) { slices.Reverse(d.Splits) },
	} {
		d := toy()
		change(d)
		if d.Fingerprint() == toy().Fingerprint() {
			t.Errorf("%s does not count", name)
		}
	}
}
