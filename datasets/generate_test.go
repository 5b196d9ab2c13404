package datasets

import (
	"math"
	"slices"
	"testing"
)

// The paper's points are draws from the models: divided by the model's deviation, the residuals of each coordinate have
// mean 0 and variance 1 to within 4 standard errors, 4/√n and 4·√(2/n).
func TestPaperPointsAreDrawsFromTheModels(t *testing.T) {
	for _, e := range catalog() {
		switch e.name {
		case "intro1D", "iris", mnistName, "fashion_mnist", "cifar10": // the points are the centres, or there is no model
			continue
		case "circle", "half_moon": // the source is shuffled; TestMomentsOfGenerated compares these
			continue
		}
		x, n := bySource(mustLoad(t, e.name, Options{}))
		centres := centresOf(e.model, n)
		for col := range 2 {
			var sum, squares float64
			for i := range n {
				r := (x[2*i+col] - centres[i].mean[col]) / centres[i].std[col]
				sum, squares = sum+r, squares+r*r
			}
			mean, variance := sum/float64(n), squares/float64(n)
			if math.Abs(mean) > 4/math.Sqrt(float64(n)) || math.Abs(variance-1) > 4*math.Sqrt(2/float64(n)) {
				t.Errorf("%s x%d: residuals have mean %.3f, variance %.3f", e.name, col, mean, variance)
			}
		}
	}
}

// bySource returns the values of all splits in the order of the source.
func bySource(d *Dataset) (x []float64, n int) {
	for _, s := range d.Splits {
		n += s.Len()
	}
	w := d.Width()
	x = make([]float64, n*w)
	for _, s := range d.Splits {
		for i, row := range s.Index {
			copy(x[row*w:(row+1)*w], s.X[i*w:(i+1)*w])
		}
	}
	return x, n
}

func centresOf(m model, n int) []component {
	c := make([]component, n)
	for i := range c {
		c[i] = m(i, n)
	}
	return c
}

// For each class and coordinate, mean and deviation of 20,000 generated samples agree with those of the paper's n points
// to within 4 standard errors of the latter: 4·σ/√n for the mean, and 4·√((m₄−σ⁴)/n)/(2σ) for the deviation, with the
// fourth central moment m₄ of the generated. So does the mean radius of the two circles, whose spread is the noise.
func TestMomentsOfGenerated(t *testing.T) {
	for _, e := range catalog() {
		if e.model == nil {
			continue
		}
		paper := mustLoad(t, e.name, Options{})
		drawn := mustLoad(t, e.name, Options{Samples: 20000, Seed: 3})
		for class := range e.classes {
			for col := range paper.Width() {
				compareMoments(t, e.name, class, column(paper, class, col), column(drawn, class, col))
			}
			if paper.Width() == 2 {
				compareMoments(t, e.name+" radius", class, radii(paper, class), radii(drawn, class))
			}
		}
	}
}

func compareMoments(t *testing.T, what string, class int, paper, drawn []float64) {
	t.Helper()
	n := float64(len(paper))
	mean, std := momentsOf(drawn)
	var fourth float64
	for _, v := range drawn {
		fourth += math.Pow(v-mean, 4) / float64(len(drawn))
	}
	paperMean, paperStd := momentsOf(paper)
	if d := math.Abs(paperMean - mean); d > 4*std/math.Sqrt(n) {
		t.Errorf("%s class %d: mean %.4f, the paper's %.4f", what, class, mean, paperMean)
	}
	if d := math.Abs(paperStd - std); d > 4*math.Sqrt((fourth-math.Pow(std, 4))/n)/(2*std)+0.02*std { // 2 %: n = 3 in intro1D
		t.Errorf("%s class %d: deviation %.4f, the paper's %.4f", what, class, std, paperStd)
	}
}

func momentsOf(x []float64) (mean, std float64) {
	m := (&Split{X: x, Labels: make([]int, len(x))}).moments(1, 1)
	return m.Mean[0], m.Scale[0]
}

func column(d *Dataset, class, col int) []float64 {
	var v []float64
	for _, s := range d.Splits {
		for i, l := range s.Labels {
			if l == class {
				v = append(v, s.X[i*d.Width()+col])
			}
		}
	}
	return v
}

func radii(d *Dataset, class int) []float64 {
	x, y := column(d, class, 0), column(d, class, 1)
	for i := range x {
		x[i] = math.Hypot(x[i], y[i])
	}
	return x
}

func TestGeneratedSplits(t *testing.T) {
	for _, e := range catalog() {
		if e.model == nil {
			continue
		}
		d := mustLoad(t, e.name, Options{Samples: 300, Seed: 5})
		var index []int
		counts := make([]int, len(e.classes))
		for i, want := range []int{150, 90, 60} { // as the paper splits its 300
			s := d.Splits[i]
			if s.Len() != want {
				t.Errorf("%s %s: %d samples, want %d", e.name, s.Name, s.Len(), want)
			}
			index = append(index, s.Index...)
			for c, n := range classCounts(s.Labels, len(counts)) {
				counts[c] += n
			}
		}
		slices.Sort(index)
		if !slices.Equal(index, rowNumbers(300)) {
			t.Errorf("%s: a sample is in two splits or in none", e.name)
		}
		for _, n := range counts {
			if n != 300/len(counts) {
				t.Errorf("%s: %v samples a class", e.name, counts)
				break
			}
		}
		other := mustLoad(t, e.name, Options{Samples: 300, Seed: 6})
		if other.Fingerprint() == d.Fingerprint() {
			t.Errorf("%s: the seed does not matter", e.name)
		}
	}
}

// Fresh test points are of the paper's distribution, as many a class, drawn by a stream of their own, and change nothing
// else. 4 standard errors, as above.
func TestFreshTestPoints(t *testing.T) {
	for _, e := range catalog() {
		if !slices.Contains(e.options(), "TestSamples") {
			continue
		}
		const n = 6000
		paper, fresh := mustLoad(t, e.name, Options{}), mustLoad(t, e.name, Options{TestSamples: n, Seed: 4})
		for i := range 2 {
			if a, b := paper.Splits[i], fresh.Splits[i]; !slices.Equal(a.X, b.X) || !slices.Equal(a.Labels, b.Labels) || !slices.Equal(a.Index, b.Index) {
				t.Errorf("%s: the %s split has changed", e.name, a.Name)
			}
		}
		test := fresh.Splits[2]
		for _, count := range classCounts(test.Labels, len(e.classes)) {
			if count != n/len(e.classes) {
				t.Errorf("%s: %v test points a class", e.name, classCounts(test.Labels, len(e.classes)))
			}
		}
		if test.Len() != n || slices.Max(paper.Splits[0].Index) >= test.Index[0] || test.Index[n-1] != test.Index[0]+n-1 {
			t.Errorf("%s: %d test points, rows %d to %d", e.name, test.Len(), test.Index[0], test.Index[n-1])
		}
		only := &Dataset{Shape: fresh.Shape, Splits: fresh.Splits[2:]}
		for class := range e.classes {
			for col := range 2 {
				compareMoments(t, e.name+" test", class, column(paper, class, col), column(only, class, col))
			}
		}
		other, drawn := mustLoad(t, e.name, Options{TestSamples: n, Seed: 5}), mustLoad(t, e.name, Options{Samples: n, Seed: 4})
		if slices.Equal(other.Splits[2].X, test.X) || slices.Contains(drawn.Splits[0].X, test.X[0]) {
			t.Errorf("%s: the seed does not matter, or the points are those that Samples draws", e.name)
		}
	}
}

// The smallest and odd sizes give finite values and no empty split.
func TestGeneratedSmall(t *testing.T) {
	for _, e := range catalog() {
		for n := 10 * len(e.classes); e.model != nil && n < 10*len(e.classes)+7; n++ {
			d := mustLoad(t, e.name, Options{Samples: n, Noise: 1e-3})
			total := 0
			for _, s := range d.Splits {
				total += s.Len()
				for _, v := range s.X {
					if math.IsNaN(v) || math.Abs(v) > 10 {
						t.Fatalf("%s, %d samples: value %v", e.name, n, v)
					}
				}
			}
			if total != n || d.Splits[2].Len() == 0 {
				t.Errorf("%s: %d samples of %d", e.name, total, n)
			}
		}
	}
}

// Twice the noise with the same seed moves each point twice as far from its centre.
func TestNoiseScalesResiduals(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model model
		noise float64 // the paper's
	}{{"gauss", gauss, 0.5}, {"checkerboard_noisy", checkerboardNoisy, 0.3}, {"half_moon", halfMoon, 0.1}} {
		a, n := bySource(mustLoad(t, tt.name, Options{Samples: 100, Seed: 1, Noise: tt.noise}))
		b, _ := bySource(mustLoad(t, tt.name, Options{Samples: 100, Seed: 1, Noise: 2 * tt.noise}))
		plain, _ := bySource(mustLoad(t, tt.name, Options{Samples: 100, Seed: 1}))
		if !slices.Equal(a, plain) {
			t.Errorf("%s: noise %v is not the default", tt.name, tt.noise)
		}
		for i, c := range centresOf(tt.model, n) {
			for col := range 2 {
				ra, rb := a[2*i+col]-c.mean[col], b[2*i+col]-c.mean[col]
				if math.Abs(rb-2*ra) > 1e-14 { // rounding of values of about 3
					t.Fatalf("%s sample %d: residuals %v and %v", tt.name, i, ra, rb)
				}
			}
		}
	}
}
