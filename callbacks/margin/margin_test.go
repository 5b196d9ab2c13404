package margin_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"codeberg.org/sbinet/npyio"
	gocmp "github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// skipShort skips a test that takes seconds, and long with the race detector.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
}

// plane is a trained network of the paper and its training samples.
func plane(t testing.TB, weights, data string) (*models.MLP, *datasets.Split) {
	t.Helper()
	m, err := models.LoadMLP(weights, models.ReLU)
	if err != nil {
		t.Fatal(err)
	}
	set, err := datasets.Load(t.Context(), data, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	split, err := set.Split(datasets.Train)
	if err != nil {
		t.Fatal(err)
	}
	return m, split
}

func measure(t testing.TB, m models.Model, split *datasets.Split, workers int, s margin.Settings) (*margin.Distances, *models.Field) {
	t.Helper()
	field, err := models.NewField(m, models.ObjectiveSettings{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	margins, err := margin.Measure(t.Context(), field, split, s)
	if err != nil {
		t.Fatal(err)
	}
	return margins, field
}

func TestMarginsOfReferenceNets(t *testing.T) {
	skipShort(t)
	for _, c := range []struct {
		name, weights, data string
		min                 float64 // truth to ten digits: from the linear piece of the network
		sample              int
	}{
		{"gauss_normal", "../curvature/testdata/gauss_normal.npz", "gauss", 0.34796904880364404, 149},
		{"checker_normal", "testdata/checker_normal.npz", "checkerboard_linear", 0.22051450041576343, 59},
		{"checker_noisyinit", "testdata/checker_noisyinit.npz", "checkerboard_linear", 0.5817426923849829, 59},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, split := plane(t, c.weights, c.data)
			have, _ := measure(t, m, split, 0, margin.Settings{})
			summary := have.Summary()
			if math.Abs(*summary.Min/c.min-1) > 1e-6 || summary.Sample != c.sample || summary.Misclassified != 0 || summary.Unconverged != 0 {
				t.Errorf("minimum %.12g at sample %d, want %.12g at %d; %d misclassified, %d unconverged",
					*summary.Min, summary.Sample, c.min, c.sample, summary.Misclassified, summary.Unconverged)
			}
			for n, want := range readFloats(t, "testdata/"+c.name+"_train_dist_to_boundary.npy") {
				if off := have.Values[n]/want - 1; math.Abs(off) > 1e-5 {
					t.Errorf("sample %d: %.10g, want %.10g", n, have.Values[n], want)
				}
			}
		})
	}
}

func readFloats(t *testing.T, path string) (values []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := npyio.Read(f, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// The network has learned random labels, so its boundary winds around every
// sample; by the true labels most samples are misclassified.
func TestMarginsOfACurvedBoundary(t *testing.T) {
	skipShort(t)
	m, split := plane(t, "testdata/gauss_random_labels.npz", "gauss")
	have, field := measure(t, m, split, 0, margin.Settings{})
	if s := have.Summary(); s.Misclassified < 80 || s.Samples != split.Len() || *s.Min < floats.Min(have.Values) {
		t.Errorf("summary %+v", s)
	}
	g := newGrid(t, field, split, 500)
	z := make([]float64, 3*split.Len())
	if err := field.Logits(t.Context(), z, have.Points); err != nil {
		t.Fatal(err)
	}
	for n, distance := range have.Values {
		x := split.X[2*n : 2*n+2]
		if brute := g.distance(x, have.Predicted[n]); distance > brute*(1+1e-3) {
			t.Errorf("sample %d: %.6g, but a grid has a point at %.6g", n, distance, brute)
		}
		to, gap := floats.Distance(x, have.Points[2*n:2*n+2], 2), z[3*n+have.Predicted[n]]-z[3*n+have.Rivals[n]]
		if math.Abs(to/distance-1) > 1e-9 || math.Abs(gap) > 1e-6 || floats.Max(z[3*n:3*n+3]) > z[3*n+have.Rivals[n]]+1e-6 {
			t.Errorf("sample %d: distance %.12g, but the point is %.12g away and has the logits %v", n, distance, to, z[3*n:3*n+3])
		}
	}
}

// linearClassifier has hyperplanes for boundaries: distances are known.
func linearClassifier(t *testing.T, width, classes int) (*models.MLP, *datasets.Split) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	m, err := models.NewMLP(models.MLPConfig{Input: width, Classes: classes}, rng)
	if err != nil {
		t.Fatal(err)
	}
	split := &datasets.Split{Name: "random"}
	for n := range 60 {
		for range width {
			split.X = append(split.X, 3*rng.NormFloat64())
		}
		split.Labels, split.Index = append(split.Labels, n%classes), append(split.Index, n)
	}
	return m, split
}

// The region of class 1 is the polytope ‖x‖₁ ≤ 1 far from the only sample, which hardly any random direction meets. Newton's steps do.
func TestMarginToASmallRegion(t *testing.T) {
	const width = 20
	m, err := models.NewMLP(models.MLPConfig{Input: width, Hidden: []int{2 * width}, Classes: 2, Activation: models.ReLU}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Parameters() {
		clear(p.Value.Float64s())
	}
	inner, outer, bias := m.Parameters()[0].Value.Float64s(), m.Parameters()[2].Value.Float64s(), m.Parameters()[3].Value.Float64s()
	for i := range width { // z₁ = 1 − Σ|xᵢ| and z₀ = 0
		inner[2*i*width+i], inner[(2*i+1)*width+i] = 1, -1
		outer[2*width+2*i], outer[2*width+2*i+1] = -1, -1
	}
	bias[1] = 1
	split := &datasets.Split{Name: "far", X: slices.Repeat([]float64{-2}, width), Labels: []int{0}, Index: []int{0}}
	have, _ := measure(t, m, split, 0, margin.Settings{})
	want := (width*2 - 1) / math.Sqrt(width) // to the nearest facet
	if math.Abs(have.Values[0]/want-1) > 1e-6 || have.Predicted[0] != 0 || have.Rivals[0] != 1 {
		t.Errorf("of class %d: %g to class %d, want %g from class 0 to 1", have.Predicted[0], have.Values[0], have.Rivals[0], want)
	}
}

// A network whose logits are tanh of linear forms has a hyperplane as its boundary,
// and is smooth, so that the feet of the samples are found by gradients.
func TestMarginToAHyperplaneOfASmoothNetwork(t *testing.T) {
	const width = 30
	m, err := models.NewMLP(models.MLPConfig{Input: width, Hidden: []int{2}, Classes: 2, Activation: models.Tanh}, rand.New(rand.NewPCG(3, 4)))
	if err != nil {
		t.Fatal(err)
	}
	inner, outer := m.Parameters()[0].Value.Float64s(), m.Parameters()[2].Value.Float64s()
	copy(outer, []float64{1, 0, 0, 1})
	clear(m.Parameters()[1].Value.Float64s())
	clear(m.Parameters()[3].Value.Float64s())
	_, split := linearClassifier(t, width, 2)
	have, _ := measure(t, m, split, 0, margin.Settings{})
	normal := floats.SubTo(make([]float64, width), inner[:width], inner[width:])
	for n, distance := range have.Values {
		want := math.Abs(floats.Dot(normal, split.X[n*width:(n+1)*width])) / floats.Norm(normal, 2)
		if math.Abs(distance/want-1) > 1e-5 {
			t.Errorf("sample %d: %g, want %g", n, distance, want)
		}
	}
}

func TestMarginsOfALinearClassifier(t *testing.T) {
	for _, c := range []struct{ width, classes int }{{1, 2}, {2, 3}, {7, 4}, {60, 10}} {
		m, split := linearClassifier(t, c.width, c.classes)
		have, _ := measure(t, m, split, 0, margin.Settings{})
		w, b := m.Parameters()[0].Value.Float64s(), m.Parameters()[1].Value.Float64s()
		row := func(k int) []float64 { return w[k*c.width : (k+1)*c.width] }
		for n, own := range have.Predicted {
			x := split.X[n*c.width : (n+1)*c.width]
			want := math.Inf(1)
			for k := range c.classes {
				if k != own {
					gap := floats.Dot(row(own), x) + b[own] - floats.Dot(row(k), x) - b[k]
					want = min(want, gap/floats.Distance(row(own), row(k), 2))
				}
			}
			if math.Abs(have.Values[n]/want-1) > 1e-8 || !have.Converged[n] || !have.Certified[n] || have.Lower[n] > want {
				t.Errorf("%+v: sample %d: %.10g (converged: %v), at least %.10g; want %.10g", c, n, have.Values[n], have.Converged[n], have.Lower[n], want)
			}
		}
	}
}

func TestMarginsDoNotDependOnWorkers(t *testing.T) {
	m, split := plane(t, "../../models/weights/testdata/gauss_small.npz", "gauss")
	want, _ := measure(t, m, split, 1, margin.Settings{Seed: 3, Samples: 30})
	have, _ := measure(t, m, split, 3, margin.Settings{Seed: 3, Samples: 30})
	if diff := gocmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

// What is done grows with every report, up to all samples.
func TestProgress(t *testing.T) {
	m, split := linearClassifier(t, 2, 3)
	var reports []int
	measure(t, m, split, 2, margin.Settings{Progress: func(done, total int) {
		if total != split.Len() {
			t.Errorf("%d of %d samples", done, total)
		}
		reports = append(reports, done)
	}})
	if !slices.IsSorted(reports) || !slices.Contains(reports, split.Len()/2) || reports[len(reports)-1] != split.Len() {
		t.Errorf("reports %v; want them to %d by %d", reports, split.Len(), split.Len()/2)
	}
}

func TestMarginsOfSomeSamples(t *testing.T) {
	m, split := plane(t, "../../models/weights/testdata/gauss_small.npz", "gauss")
	have, _ := measure(t, m, split, 0, margin.Settings{Samples: 20})
	all, _ := measure(t, m, split, 0, margin.Settings{})
	if len(have.Rows) != 20 || !slices.IsSorted(have.Rows) {
		t.Fatalf("rows %v", have.Rows)
	}
	for i, row := range have.Rows {
		if have.Labels[i] != split.Labels[row] || math.Abs(have.Values[i]/all.Values[row]-1) > 1e-4 {
			t.Errorf("row %d: distance %g, label %d; want %g, %d", row, have.Values[i], have.Labels[i], all.Values[row], split.Labels[row])
		}
	}
	nearest := slices.MinFunc([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
		func(i, j int) int { return cmp.Compare(have.Values[i], have.Values[j]) })
	if s := have.Summary(); s.Sample != have.Rows[nearest] || s.Samples != 20 {
		t.Errorf("summary is of sample %d of %d, want %d of 20", s.Sample, s.Samples, have.Rows[nearest])
	}
}

func TestMarginsWithoutABoundary(t *testing.T) {
	m, split := linearClassifier(t, 2, 3)
	clear(m.Parameters()[0].Value.Float64s())
	copy(m.Parameters()[1].Value.Float64s(), []float64{2, 1, 0})
	have, field := measure(t, m, split, 0, margin.Settings{})
	s := have.Summary()
	if s.Min != nil || s.Median != nil || s.Sample != -1 || s.Unbounded != 20 || s.Misclassified != 40 {
		t.Errorf("a constant prediction has %+v", s)
	}
	cheap, err := margin.MeasureCompanions(t.Context(), field, split)
	if err != nil || len(cheap.Input) != 0 || *cheap.LogitQuantiles().Min != -2 || *cheap.LogitQuantiles().Median != -1 {
		t.Errorf("companions %+v, error %v", cheap, err)
	}
	for _, value := range have.Arrays()[1].Data {
		if value != -1 {
			t.Errorf("distance %g in a file, want -1", value)
		}
	}
}

// A tie is broken for the first class; the sample lies on the boundary.
func TestMarginOnTheBoundary(t *testing.T) {
	m, split := linearClassifier(t, 2, 2)
	copy(m.Parameters()[0].Value.Float64s(), []float64{1, 0, -1, 0})
	clear(m.Parameters()[1].Value.Float64s())
	split.X[0], split.X[1], split.Labels[0] = 0, 5, 0
	have, _ := measure(t, m, split, 0, margin.Settings{})
	if s := have.Summary(); *s.Min != 0 || *s.Harmonic != 0 || *s.MinLower != 0 || s.Sample != 0 || s.Rival != 1 || s.Unconverged != 0 || !have.Certified[0] {
		t.Errorf("summary %+v", s)
	}
}

func TestQuantilesAsNumpys(t *testing.T) {
	m := &margin.Distances{
		Rows: []int{0, 1, 2, 3, 4}, Labels: []int{0, 0, 0, 0, 1}, Predicted: []int{0, 0, 0, 0, 0}, Rivals: []int{1, 1, 1, 1, 1},
		Values: []float64{4, 1, 2, 8, 0.1}, Points: make([]float64, 5), Converged: []bool{true, true, false, true, true},
		Lower: []float64{3, 0.5, 1, 2, 0.1}, Certified: make([]bool, 5),
	}
	s := m.Summary()
	have := []float64{*s.Min, *s.Q05, *s.Q25, *s.Median, *s.Harmonic, float64(s.Sample), *s.MinLower, float64(s.Misclassified), float64(s.Unconverged)}
	want := []float64{1, 1.15, 1.75, 3, 4 / 1.875, 1, 0.5, 1, 1} // numpy.quantile([1, 2, 4, 8], …)
	if !floats.EqualApprox(have, want, 1e-12) {
		t.Errorf("have %v, want %v", have, want)
	}
}

func TestMarginErrors(t *testing.T) {
	m, split := linearClassifier(t, 2, 3)
	field, err := models.NewField(m, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := margin.Measure(cancelled, field, split, margin.Settings{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if _, err := margin.Measure(t.Context(), field, &datasets.Split{X: []float64{1}, Labels: []int{0}}, margin.Settings{}); err == nil {
		t.Error("samples of the wrong width: no error")
	}
	if _, err := margin.Measure(t.Context(), field, split, margin.Settings{Samples: -1}); err == nil {
		t.Error("a negative number of samples: no error")
	}
	m.Parameters()[0].Value.Float64s()[0] = math.NaN()
	if err := field.Refresh(); err != nil {
		t.Fatal(err)
	}
	if _, err := margin.Measure(t.Context(), field, split, margin.Settings{}); !errors.Is(err, models.ErrNotFinite) {
		t.Errorf("NaN: error %v", err)
	}
}

func TestCompanions(t *testing.T) {
	m, split := plane(t, "../../models/weights/testdata/gauss_small.npz", "gauss")
	_, field := measure(t, m, split, 0, margin.Settings{Samples: 1})
	have, err := margin.MeasureCompanions(t.Context(), field, split)
	if err != nil {
		t.Fatal(err)
	}
	gap := func(x []float64, a, b int) float64 {
		z := make([]float64, 3)
		if err := field.Logits(t.Context(), z, x); err != nil {
			t.Fatal(err)
		}
		return z[a] - z[b]
	}
	z := make([]float64, 3*split.Len())
	if err := field.Logits(t.Context(), z, split.X); err != nil {
		t.Fatal(err)
	}
	kinks := 0 // samples so near a kink of the network that difference quotients are wrong
	for n := range split.Len() {
		own := z[3*n : 3*n+3]
		order := []int{0, 1, 2}
		slices.SortFunc(order, func(i, j int) int { return cmp.Compare(own[j], own[i]) })
		a, b := order[0], order[1]
		const h = 1e-6
		var g [2]float64
		for i := range g {
			x := slices.Clone(split.X[2*n : 2*n+2])
			x[i] += h
			up := gap(x, a, b)
			x[i] -= 2 * h
			g[i] = (up - gap(x, a, b)) / (2 * h)
		}
		if want := (own[a] - own[b]) / math.Hypot(g[0], g[1]); math.Abs(have.Input[n]/want-1) > 1e-4 {
			kinks++
		}
		others := slices.DeleteFunc([]int{0, 1, 2}, func(c int) bool { return c == split.Labels[n] })
		if want := own[split.Labels[n]] - max(own[others[0]], own[others[1]]); have.Logit[n] != want {
			t.Errorf("sample %d: logit margin %g, want %g", n, have.Logit[n], want)
		}
	}
	if kinks > 1 {
		t.Errorf("%d first-order distances differ from those by difference quotients", kinks)
	}
}

// A network that trains in float32 is measured in float64.
func TestMarginsOfAFloat32Net(t *testing.T) {
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{20}, Classes: 2, Precision: tensor.Float32}, rand.New(rand.NewPCG(5, 6)))
	if err != nil {
		t.Fatal(err)
	}
	_, split := linearClassifier(t, 2, 2)
	have, _ := measure(t, m, split, 0, margin.Settings{})
	for n, c := range have.Converged {
		if !c && have.Rivals[n] >= 0 {
			t.Errorf("sample %d has not converged", n)
		}
	}
}

func BenchmarkMargins(b *testing.B) {
	m, split := plane(b, "../curvature/testdata/gauss_normal.npz", "gauss")
	for b.Loop() {
		margins, _ := measure(b, m, split, 0, margin.Settings{})
		b.ReportMetric(float64(margins.Evaluations), "evaluations/op")
	}
}
