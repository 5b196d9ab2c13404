package datasets

import (
	"math"
	"slices"
	"testing"
)

// images returns a set of images of two channels, of one row and three columns, whose values are bytes or, the same
// values, float64.
func images(packed bool) *Dataset {
	bytes := []uint8{0, 51, 102, 7, 7, 7, 255, 204, 153, 7, 7, 7}
	d := &Dataset{Name: "images", Shape: []int{2, 1, 3}, Classes: numbered(2)}
	s := Split{Name: Train, Labels: []int{0, 1}, Packed: PackBytes(bytes)}
	if !packed {
		s.Packed, s.X = nil, s.Values()
	}
	d.Splits = []Split{s}
	return d
}

func TestPackedIsReadAsItsValues(t *testing.T) {
	if got := (&Split{Packed: PackBytes(nil)}).Values(); len(got) != 0 {
		t.Errorf("no samples are read as %v", got)
	}
	packed, plain := images(true), images(false)
	floats := images(false)
	narrow := make([]float32, 12)
	for i, v := range plain.Splits[0].X {
		narrow[i] = float32(v)
	}
	floats.Splits[0].X, floats.Splits[0].Packed = nil, PackFloats(narrow)
	for range 3 { // as they are, standardized, and standardized once more
		want := plain.Splits[0].X
		if got := packed.Splits[0].Values(); !near(got, want, 1e-15) {
			t.Errorf("bytes are read as %v, want %v", got, want)
		}
		if got := floats.Splits[0].Values(); !near(got, want, 1e-6) { // float32 has 24 bits
			t.Errorf("float32 are read as %v, want %v", got, want)
		}
		row := make([]float32, 6)
		CopyRow(row, &packed.Splits[0], 1)
		for i, v := range row {
			if v != float32(packed.Splits[0].Values()[6+i]) {
				t.Errorf("value %d is %v in float32, want the rounded float64", i, v)
			}
		}
		for _, d := range []**Dataset{&packed, &plain, &floats} {
			var err error
			if *d, err = (*d).Standardize(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func near(a, b []float64, within float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) <= within })
}

func TestStandardizeChannels(t *testing.T) {
	// By hand: channel 0 has 0, 51, 102, 255, 204, 153 of 255: mean 0.5, variance (0.5² + 0.3² + 0.1²)/3; channel 1 is
	// constant.
	std := math.Sqrt((0.25 + 0.09 + 0.01) / 3)
	for _, packed := range []bool{true, false} {
		d, err := images(packed).Standardize()
		if err != nil {
			t.Fatal(err)
		}
		if !near(d.Scaling.Mean, []float64{0.5, 7. / 255}, 1e-15) || !near(d.Scaling.Scale, []float64{std, 1}, 1e-15) {
			t.Errorf("packed %v: scaling %+v, want means 0.5 and 7/255, deviations %v and 1", packed, d.Scaling, std)
		}
		want := []float64{-0.5 / std, -0.3 / std, -0.1 / std, 0, 0, 0}
		if got := d.Splits[0].Values()[:6]; !near(got, want, 1e-14) {
			t.Errorf("packed %v: the first image is %v, want %v", packed, got, want)
		}
	}
}

func TestPackedSplits(t *testing.T) {
	d := images(true)
	if got, want := d.Fingerprint(), images(false).Fingerprint(); got != want {
		t.Errorf("fingerprint %s, want that of the same values as float64, %s", got, want)
	}
	s := &d.Splits[0]
	sub, err := s.Subset([]int{1, 1, 0})
	if err != nil || sub.X != nil || !slices.Equal(sub.Values()[6:], append(s.Values()[6:], s.Values()[:6]...)) {
		t.Errorf("subset %+v, %v", sub, err)
	}
	for _, of := range []*Split{s, &images(false).Splits[0]} {
		first, err := of.First(1)
		if err != nil || first.Len() != 1 || !slices.Equal(first.Values(), s.Values()[:6]) {
			t.Errorf("first %+v, %v", first, err)
		}
		if _, err := of.First(3); err == nil {
			t.Error("the first 3 of 2: no error")
		}
	}
	s.X = []float64{1}
	if _, err := s.Width(); err == nil {
		t.Error("X and Packed at once: no error")
	}
	s.X, s.Packed = nil, PackBytes(make([]uint8, 5))
	if _, err := s.Width(); err == nil {
		t.Error("5 values of 2 samples: no error")
	}
	s.Packed = PackBytes(make([]uint8, 12))
	row := make([]float64, 6)
	if n := testing.AllocsPerRun(10, func() { CopyRow(row, s, 1) }); n != 0 {
		t.Errorf("reading a row allocates %v times", n)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	const n, width = 1000, 3072
	d := &Dataset{Shape: []int{3, 32, 32}, Splits: []Split{{Packed: PackBytes(make([]uint8, n*width)), Labels: make([]int, n)}}}
	b.SetBytes(n * width)
	for b.Loop() {
		d.Fingerprint()
	}
}

func BenchmarkCopyRow(b *testing.B) {
	s := &Split{Packed: PackBytes(make([]uint8, 3072)), Labels: make([]int, 1)}
	scaled := &Split{Packed: s.Packed.scaled(&Scaling{Mean: []float64{1, 2, 3}, Scale: []float64{1, 2, 3}}), Labels: s.Labels}
	row := make([]float64, 3072)
	for name, s := range map[string]*Split{"bytes": s, "scaled": scaled} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(3072)
			for b.Loop() {
				CopyRow(row, s, 0)
			}
		})
	}
}

// Where nothing is chosen the data are as they are, without labels too.
func TestChooseAll(t *testing.T) {
	d := images(true)
	d.Splits[0].Labels, d.Classes = nil, nil
	if all, err := d.Choose(nil, 0); err != nil || all != d {
		t.Errorf("%+v, error %v; want %+v", all, err, d)
	}
}
