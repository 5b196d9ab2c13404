package analysis_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// linear returns a classifier in the plane with the logits ±(x₀ + x₁/2 + offset).
func linear(t *testing.T, offset float64) models.Model {
	t.Helper()
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Classes: 2}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	copy(m.Parameters()[0].Value.Float64s(), []float64{1, 0.5, -1, -0.5})
	copy(m.Parameters()[1].Value.Float64s(), []float64{offset, -offset})
	return m
}

func randomSplit(n int) *datasets.Split {
	rng := rand.New(rand.NewPCG(3, 4))
	s := &datasets.Split{Name: "train", Labels: make([]int, n), Index: make([]int, n)}
	for range 2 * n {
		s.X = append(s.X, 2*rng.NormFloat64())
	}
	return s
}

// closed is what is known of the linear classifier in closed form. With
// x̃ = (x₀, x₁, 1), its Hessian is M ⊗ (e₀ − e₁)(e₀ − e₁)ᵀ/2, M = mean 2p(1 − p)·x̃x̃ᵀ,
// and with the eigenvectors u of M, the size of the alignments is |⟨u, x̃⟩|/‖x̃‖.
type closed struct {
	vectors  *mat.Dense // u as columns, by ascending eigenvalues
	outliers int
}

func solveClosed(x []float64, offset float64) closed {
	m := mat.NewSymDense(3, nil)
	for i := 0; i < len(x); i += 2 {
		p := 1 / (1 + math.Exp(2*(x[i]+x[i+1]/2+offset)))
		m.SymRankOne(m, 2*p*(1-p)/float64(len(x)/2), mat.NewVecDense(3, []float64{x[i], x[i+1], 1}))
	}
	var e mat.EigenSym
	e.Factorize(m, true)
	c := closed{vectors: new(mat.Dense)}
	e.VectorsTo(c.vectors)
	for _, v := range e.Values(nil) {
		if v > e.Values(nil)[2]/10 {
			c.outliers++
		}
	}
	return c
}

// at returns Σᵢ Aᵢ² over the outliers, and |A₁|, at (x₀, x₁).
func (c closed) at(x0, x1 float64) (energy, first float64) {
	for i := range c.outliers {
		u := mat.Col(nil, 2-i, c.vectors)
		a := (u[0]*x0 + u[1]*x1 + u[2]) / math.Sqrt(x0*x0+x1*x1+1)
		energy += a * a
		if i == 0 {
			first = math.Abs(a)
		}
	}
	return energy, first
}

// The boundary points of a linear classifier are the feet of the samples on a line.
func TestAlignmentLinear(t *testing.T) {
	const offset, n = 0.3, 40
	split := randomSplit(n)
	want := solveClosed(split.X, offset)
	r, err := analysis.Analyze(t.Context(), linear(t, offset), split, analysis.Settings{
		Alignment: &analysis.AlignmentSettings{Points: []float64{1, 2, -1, -2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := r.Alignment
	if a.Outliers != want.outliers || a.Vectors != a.Outliers || r.Margin != nil || r.Distances != nil {
		t.Fatalf("%d vectors, %d outliers, margin %v; want %d outliers and no margin", a.Vectors, a.Outliers, r.Margin, want.outliers)
	}
	var on, onFirst, off, offFirst []float64
	for i := range n {
		x0, x1 := split.X[2*i], split.X[2*i+1]
		energy, first := want.at(x0, x1)
		off, offFirst = append(off, energy), append(offFirst, first)
		step := (x0 + x1/2 + offset) / 1.25
		energy, first = want.at(x0-step, x1-step/2)
		on, onFirst = append(on, energy), append(onFirst, first)
	}
	check := func(what string, m analysis.Mean, values []float64, tolerance float64) {
		t.Helper()
		if m.Value == nil || math.Abs(*m.Value-stat.Mean(values, nil)) > tolerance {
			t.Errorf("%s: mean %v, want %v", what, m, stat.Mean(values, nil))
		}
		if e := stat.StdDev(values, nil) / math.Sqrt(n); m.Error == nil || math.Abs(*m.Error-e) > tolerance {
			t.Errorf("%s: error %v, want %v", what, m, e)
		}
	}
	if a.Boundary.Points != n || a.Samples.Points != n || a.Far.Points != 100 {
		t.Errorf("%d, %d and %d points; want %d, %[4]d and 100", a.Boundary.Points, a.Samples.Points, a.Far.Points, n)
	}
	check("samples", a.Samples.Energy, off, 1e-12)
	check("samples, |A₁|", a.Samples.First, offFirst, 1e-12)
	check("boundary", a.Boundary.Energy, on, 1e-6) // the points' displacement
	check("boundary, |A₁|", a.Boundary.First, onFirst, 1e-6)
	for i, x := range [][2]float64{{1, 2}, {-1, -2}} {
		if energy, _ := want.at(x[0], x[1]); math.Abs(a.At.OutlierEnergy[i]-energy) > 1e-12 || a.At.Predicted[i] != i {
			t.Errorf("at %v: class %d, energy %v; want class %d, %v", x, a.At.Predicted[i], a.At.OutlierEnergy[i], i, energy)
		}
	}
	// The farther half of a box with the boundary in its middle.
	if a.FarDistance == nil || !(*a.FarDistance > 0.5) {
		t.Errorf("far points from %v on", a.FarDistance)
	}
}

// The samples' means are those of the alignments that the complexity rests on, and
// the boundary points are those of the margin.
func TestAlignmentAgrees(t *testing.T) {
	few := curvature.Settings{Method: curvature.Lanczos, Top: 4, Bottom: -1}
	r := analyze(t, analysis.Settings{
		Spectrum: few, Margin: &margin.Settings{Samples: 30}, Alignment: &analysis.AlignmentSettings{Vectors: 4},
	})
	a := r.Alignment
	if a.Vectors != 4 || a.Outliers != 2 || a.Boundary.Points != 30 || a.Samples.Points != 150 || a.At != nil {
		t.Errorf("%+v; want 4 vectors, 2 outliers, 30 boundary points and 150 samples", a)
	}
	if math.Abs(*a.Samples.Energy.Value-r.Complexity.OutlierEnergy) > 1e-12 {
		t.Errorf("energy at the samples %v, of the complexity %v", *a.Samples.Energy.Value, r.Complexity.OutlierEnergy)
	}
	pairs, err := r.Measurement.Aligned(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := mat.Col(nil, 0, pairs.Alignments)
	if want := floats.Norm(first, 1) / 150; math.Abs(*a.Samples.First.Value-want) > 1e-12 {
		t.Errorf("|A₁| at the samples %v, want %v", *a.Samples.First.Value, want)
	}
	if *a.Boundary.Energy.Value < *a.Samples.Energy.Value+3**a.Samples.Energy.Error {
		t.Errorf("energy %v on the boundary and %v at samples; want more on it", a.Boundary.Energy, a.Samples.Energy)
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"on the boundary", "(30 boundary points, from both sides)", "(150 samples)", "(100 random points far from the boundary)"} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("no %q in\n%s", line, &table)
		}
	}
}

// A constant classifier has curvature, but no boundary.
func TestAlignmentWithoutBoundary(t *testing.T) {
	constant := linear(t, 0.3)
	clear(constant.Parameters()[0].Value.Float64s())
	r, err := analysis.Analyze(t.Context(), constant, randomSplit(20), analysis.Settings{Alignment: new(analysis.AlignmentSettings)})
	if err != nil {
		t.Fatal(err)
	}
	if a := r.Alignment; a.Boundary != (analysis.AlignmentMeans{}) || a.Samples.Points != 20 || a.Far.Points != 100 || a.FarDistance != nil {
		t.Errorf("%+v; want no boundary points, and far points at no distance", a)
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil || !strings.Contains(table.String(), "no boundary points") {
		t.Errorf("error %v, and no word of missing boundary points in\n%s", err, &table)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func TestAlignmentWithoutCurvature(t *testing.T) {
	_, err := analysis.Analyze(t.Context(), linear(t, 1e9), randomSplit(20), analysis.Settings{Alignment: new(analysis.AlignmentSettings)})
	if err == nil || !strings.Contains(err.Error(), "no positive eigenvalue is known") {
		t.Errorf("error %v of a loss without curvature", err)
	}
}

func TestAlignmentRefusesUnknownVectors(t *testing.T) {
	model, split := load(t)
	_, err := analysis.Analyze(t.Context(), model, split, analysis.Settings{
		Spectrum: curvature.Settings{Method: curvature.Lanczos, Top: 3, Bottom: -1}, NoComplexity: true,
		Alignment: &analysis.AlignmentSettings{Vectors: 4},
	})
	if err == nil || !strings.Contains(err.Error(), "alignment with 4 eigenvectors: those of the 3 largest eigenvalues are known") {
		t.Errorf("error %v of 4 vectors among 3 known ones", err)
	}
}
