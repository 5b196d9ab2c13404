package datasets

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// small has images of two channels of 2 × 3 pixels.
func small() *Dataset { return &Dataset{Name: "small", Shape: []int{2, 2, 3}} }

func augmenter(t *testing.T, a Augmentation, d *Dataset) *Augmenter {
	t.Helper()
	g, err := a.For(d)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAugmentationSteps(t *testing.T) {
	d := small()
	d.Scaling = &Scaling{Mean: []float64{1, -4}, Scale: []float64{0.5, 2}} // black is −2 and 2
	g := augmenter(t, Augmentation{Shift: 1, Crop: 1, Flip: true}, d)
	image := []float64{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}
	for _, test := range []struct {
		name string
		do   func(x []float64)
		want []float64
	}{
		{"down and left", func(x []float64) { g.shift(x, 1, -1) }, []float64{-2, -2, -2, 2, 3, -2, 2, 2, 2, 20, 30, 2}},
		{"up and right", func(x []float64) { g.shift(x, -1, 1) }, []float64{-2, 4, 5, -2, -2, -2, 2, 40, 50, 2, 2, 2}},
		{"flip", g.flip, []float64{3, 2, 1, 6, 5, 4, 30, 20, 10, 60, 50, 40}},
		// The window is row 1, columns 1 and 2. By hand: the centres of three pixels over two are at −1/6, 1/2 and 7/6, the
		// first and the last beyond the centres of the two, whose values they take.
		{"enlarge", func(x []float64) { g.enlarge(x, 1, 1, 1) }, []float64{5, 5.5, 6, 5, 5.5, 6, 50, 55, 60, 50, 55, 60}},
	} {
		x := slices.Clone(image)
		if test.do(x); !near(x, test.want, 1e-14) {
			t.Errorf("%s: %v, want %v", test.name, x, test.want)
		}
	}
}

// All 2·9·… outcomes come up, as often as they should.
func TestAugmentationDraws(t *testing.T) {
	g := augmenter(t, Augmentation{Shift: 1, Flip: true}, small())
	rng := rand.New(rand.NewPCG(1, 2))
	image, counts := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, make(map[[12]float64]int)
	const draws = 18000
	for range draws {
		x := slices.Clone(image)
		g.Apply(rng, x)
		counts[[12]float64(x)]++
	}
	if len(counts) != 18 {
		t.Fatalf("%d outcomes, want 9 shifts, flipped or not", len(counts))
	}
	for x, n := range counts {
		if n < 850 || n > 1150 { // 1000 ± 5 standard deviations
			t.Errorf("%v came up %d times of %d, want about 1000", x, n, draws)
		}
	}
	g = augmenter(t, Augmentation{Crop: 1}, small())
	whole := 0
	for range 1000 {
		x := slices.Clone(image)
		g.Apply(rng, x)
		if slices.Min(x) < 1 || slices.Max(x) > 12 {
			t.Fatalf("%v has values that the image does not have", x)
		}
		if slices.Equal(x, image) {
			whole++
		}
	}
	if whole < 420 || whole > 580 { // 500 ± 5 standard deviations
		t.Errorf("%d of 1000 are not cropped, want about half", whole)
	}
	x := slices.Clone(image)
	if n := testing.AllocsPerRun(10, func() { g.Apply(rng, x) }); n != 0 {
		t.Errorf("an image allocates %v times", n)
	}
}

func TestAugmentationRefuses(t *testing.T) {
	table := &Dataset{Name: "table", Shape: []int{4}}
	columns := small()
	columns.Scaling = &Scaling{Mean: make([]float64, 12), Scale: make([]float64, 12)}
	for _, test := range []struct {
		a    Augmentation
		d    *Dataset
		want string
	}{
		{Augmentation{Flip: true}, table, "table has samples of shape [4]; want images, (channels, rows, columns)"},
		{Augmentation{Shift: 2}, small(), "shift 2 and crop 0 of images of 2 × 3 pixels; want less than a side"},
		{Augmentation{Crop: -1}, small(), "crop is -1"},
		{Augmentation{Shift: -1}, small(), "shift is -1"},
		{Augmentation{Flip: true}, columns, "the Scaling of small is not of 2 channels"},
	} {
		if _, err := test.a.For(test.d); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q in it", test.a, err, test.want)
		}
	}
}
