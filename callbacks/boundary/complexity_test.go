package boundary_test

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// gaussSmall has the resolvable eigenpairs of a network 2-30-30-3 on the
// Gaussian set: 1,113 parameters, 150 samples; and the unit gradients.
type gaussSmall struct {
	pairs      *boundary.Eigenpairs // descending
	predicted  []int
	directions *mat.Dense
}

var loadGaussSmall = sync.OnceValues(func() (*gaussSmall, error) {
	ctx := context.Background()
	model, err := models.LoadMLP("../../models/weights/testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		return nil, err
	}
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		return nil, err
	}
	train, err := data.Split("train")
	if err != nil {
		return nil, err
	}
	objective, err := models.NewObjective(model, models.CrossEntropy, train, models.ObjectiveSettings{})
	if err != nil {
		return nil, err
	}
	reinforcing, err := boundary.NewReinforcing(ctx, model, train, models.ObjectiveSettings{})
	if err != nil {
		return nil, err
	}
	g := &gaussSmall{predicted: reinforcing.Predicted}
	if g.directions, err = reinforcing.Directions(ctx); err != nil {
		return nil, err
	}
	spectrum, err := curvature.Solve(ctx, curvature.Hessian{Objective: objective},
		curvature.Settings{Method: curvature.Reduced, Seeds: g.directions})
	if err != nil {
		return nil, err
	}
	g.pairs, err = reinforcing.Align(ctx, spectrum)
	return g, err
})

func gauss(t *testing.T) *gaussSmall {
	t.Helper()
	g, err := loadGaussSmall()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// stable is the reference implementation's measurement of a network.
type stable struct {
	Resolved          int                `json:"resolved"`
	Counts            map[string]int     `json:"counts"`
	Nearest           map[string]float64 `json:"nearest"`
	CalibratedEpsilon float64            `json:"calibrated_epsilon"`
	CalibratedCount   int                `json:"calibrated_count"`
	CalibratedNearest float64            `json:"calibrated_nearest"`
	G                 float64            `json:"G_calibrated"`
	Participation     float64            `json:"participation"`
	UnresolvedEnergy  float64            `json:"unresolved_energy"`
	Energies          []float64          `json:"energy_top12"`
	LargestAlignments []float64          `json:"max_abs_alignment_top25"`
}

func readStable(t *testing.T, path string) *stable {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := new(stable)
	if err := json.Unmarshal(content, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestComplexityOfTheSmallGaussianNet(t *testing.T) {
	want := readStable(t, "testdata/gauss_small_stable.json")
	c, err := gauss(t).pairs.Complexity(boundary.ComplexitySettings{})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, c, want)
}

// compare compares within the tolerances of the reference values.
func compare(t *testing.T, c *boundary.Complexity, want *stable) {
	t.Helper()
	if c.Resolvable != want.Resolved || c.Count != want.CalibratedCount {
		t.Errorf("%d of %d resolvable counted, want %d of %d", c.Count, c.Resolvable, want.CalibratedCount, want.Resolved)
	}
	if c.Value == nil || *c.Value != want.G || c.Low != want.G || c.High != want.G || !c.Resolved || !c.Complete || c.PaperVariant {
		t.Errorf("G = %+v, want %v for certain", c.Tally, want.G)
	}
	if c.EpsilonOrigin != "calibrated" || c.Alpha != 0.05 {
		t.Errorf("ε %s with α = %v, want calibrated with 0.05", c.EpsilonOrigin, c.Alpha)
	}
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	near("ε", c.Epsilon, want.CalibratedEpsilon, 1e-9*want.CalibratedEpsilon)
	near("nearest to ε", c.Nearest, want.CalibratedNearest, 1e-6)
	near("participation", *c.Participation, want.Participation, 1e-6)
	near("unresolved energy", c.UnresolvedEnergy, want.UnresolvedEnergy, 1e-6)
	for i, a := range want.Energies {
		near("energy "+strconv.Itoa(i), c.Energies[i], a, 1e-6)
	}
	for i, a := range want.LargestAlignments {
		near("largest alignment "+strconv.Itoa(i), c.LargestAlignments[i], a, 1e-6)
	}
	if len(c.Sweep) != len(want.Counts) {
		t.Errorf("%d ε in the sweep, want %d", len(c.Sweep), len(want.Counts))
	}
	for key, count := range want.Counts {
		epsilon, err := strconv.ParseFloat(key, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, tally := range c.Sweep {
			if tally.Epsilon != epsilon {
				continue
			}
			if tally.Count != count {
				t.Errorf("%d counted at ε = %s, want %d", tally.Count, key, count)
			}
			near("nearest to "+key, tally.Nearest, want.Nearest[key], 1e-6)
		}
	}
}

// tiny has four eigenvectors, two samples and alignments that are easily
// counted; the last eigenvalue is not resolvable.
func tiny() *boundary.Eigenpairs {
	return &boundary.Eigenpairs{
		Values: []float64{10, 2, 1, 1e-12}, Parameters: 4,
		Alignments: mat.NewDense(2, 4, []float64{
			0.6, -0.8, 0, 0,
			-0.6, 0, 0.48, 0.64,
		}),
	}
}

func TestComplexityVariants(t *testing.T) {
	for name, c := range map[string]struct {
		settings boundary.ComplexitySettings
		count    int
		nearest  float64
		paper    bool
	}{
		"max":           {boundary.ComplexitySettings{Epsilon: 0.5}, 2, 0.02, false},
		"max, at ε":     {boundary.ComplexitySettings{Epsilon: 0.6}, 2, 0, false},
		"mean":          {boundary.ComplexitySettings{Epsilon: 0.5, Statistic: boundary.MeanAlignment}, 1, 0.1, true},
		"all":           {boundary.ComplexitySettings{Epsilon: 0.5, Vectors: boundary.AllVectors}, 3, 0.02, true},
		"all, mean":     {boundary.ComplexitySettings{Epsilon: 0.3, Statistic: boundary.MeanAlignment, Vectors: boundary.AllVectors}, 3, 0.02, true},
		"the paper's ε": {boundary.ComplexitySettings{Epsilon: 1e-6, Vectors: boundary.AllVectors}, 4, 0.479999, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tiny().Complexity(c.settings)
			if err != nil {
				t.Fatal(err)
			}
			want := float64(c.count) / 4
			if got.Count != c.count || got.Value == nil || *got.Value != want || got.Low != want || got.High != want {
				t.Errorf("%+v, want a count of %d", got.Tally, c.count)
			}
			if math.Abs(got.Nearest-c.nearest) > 1e-15 || got.Resolved != (c.nearest > 0) {
				t.Errorf("nearest %v, resolved %v; want %v", got.Nearest, got.Resolved, c.nearest)
			}
			if got.EpsilonOrigin != "given" || got.Alpha != 0 || got.PaperVariant != c.paper {
				t.Errorf("%+v, want a given ε without α, paper's variant %v", got, c.paper)
			}
		})
	}
}

func TestEnergy(t *testing.T) {
	e := tiny()
	c := complexity(t, e, boundary.ComplexitySettings{})
	// Energies .36, .32, .1152: sum .7952, sum of squares .2453...; the outliers
	// are 10 and 2.
	want := boundary.Energy{
		Participation:     new(0.7952 * 0.7952 / (0.36*0.36 + 0.32*0.32 + 0.1152*0.1152)),
		OutlierEnergy:     0.68,
		UnresolvedEnergy:  0.2048,
		Energies:          []float64{0.36, 0.32, 0.1152, 0.2048},
		LargestAlignments: []float64{0.6, 0.8, 0.48, 0.64},
	}
	near := cmpopts.EquateApprox(0, 1e-15) // rounding
	if diff := cmp.Diff(want, c.Energy, near); diff != "" {
		t.Errorf("−want +got\n%s", diff)
	}
	// Residuals that do not separate 2 and 1 make one direction of them.
	e.Residuals = []float64{0, 0.5, 0.5, 0}
	c = complexity(t, e, boundary.ComplexitySettings{})
	want.Participation = new(0.7952 * 0.7952 / (0.36*0.36 + 0.4352*0.4352))
	want.Energies = []float64{0.36, 0.2176, 0.2176, 0.2048}
	if diff := cmp.Diff(want, c.Energy, near); diff != "" {
		t.Errorf("in a cluster: −want +got\n%s", diff)
	}
}

// A count that depends on the basis of a cluster is not resolved: at ε = 0.5 two
// of its vectors, one or none may count.
func TestClusterIsNotResolved(t *testing.T) {
	e := tiny()
	e.Values[2] = 2 // projections of the samples onto the pair: 0.8 and 0.48
	for epsilon, want := range map[float64]bool{0.1: false, 0.5: false, 0.79: false, 0.81: true} {
		c := complexity(t, e, boundary.ComplexitySettings{Epsilon: epsilon})
		if c.Resolved != want || c.Value == nil {
			t.Errorf("%+v, want a value and resolved %v", c.Tally, want)
		}
	}
}

func TestNoResolvableEigenvector(t *testing.T) {
	e := &boundary.Eigenpairs{Values: []float64{0, 0}, Parameters: 2, Alignments: mat.NewDense(1, 2, []float64{1, 0})}
	c := complexity(t, e, boundary.ComplexitySettings{})
	if c.Value == nil || *c.Value != 0 || c.Resolvable != 0 || c.UnresolvedEnergy != 1 || c.Participation != nil {
		t.Errorf("%+v, want G = 0", c)
	}
}

func TestInvalidEigenpairs(t *testing.T) {
	for want, spoil := range map[string]func(*boundary.Eigenpairs, *boundary.ComplexitySettings){
		"0 eigenvalues for 4 parameters": func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Values = nil },
		"4 eigenvalues for 3 parameters": func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Parameters = 3 },
		"eigenvalue 1 is NaN":            func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Values[1] = math.NaN() },
		"3 residuals for 4":              func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Residuals = []float64{0, 0, 0} },
		"residual 2 is -1":               func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Residuals = []float64{0, 0, -1, 0} },
		"largest 0 of 4":                 func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Parameters = 9 },
		"have no alignments":             func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Alignments = nil },
		"want one column for each of 4":  func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Alignments = mat.NewDense(2, 3, nil) },
		"sample 1 with eigenvector 2":    func(e *boundary.Eigenpairs, _ *boundary.ComplexitySettings) { e.Alignments.Set(1, 2, 1.01) },
		"epsilon 2":                      func(_ *boundary.Eigenpairs, s *boundary.ComplexitySettings) { s.Epsilon = 2 },
		"epsilon NaN":                    func(_ *boundary.Eigenpairs, s *boundary.ComplexitySettings) { s.Epsilon = math.NaN() },
		"alpha 1":                        func(_ *boundary.Eigenpairs, s *boundary.ComplexitySettings) { s.Alpha = 1 },
		`unknown statistic "median"`:     func(_ *boundary.Eigenpairs, s *boundary.ComplexitySettings) { s.Statistic = "median" },
		`eigenvectors "some"`:            func(_ *boundary.Eigenpairs, s *boundary.ComplexitySettings) { s.Vectors = "some" },
	} {
		e, s := tiny(), boundary.ComplexitySettings{}
		spoil(e, &s)
		if _, err := e.Complexity(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestComplexityRecord(t *testing.T) {
	record, err := json.Marshal(complexity(t, tiny(), boundary.ComplexitySettings{}))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(record, &fields); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"alpha", "complete", "count", "energies", "epsilon", "epsilon_origin", "high", "largest_alignments", "low", "nearest",
		"outlier_energy", "parameters", "participation", "resolvable", "resolved", "statistic", "sweep", "unresolved_energy", "value", "vectors",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(fields))); diff != "" {
		t.Errorf("fields: −want +got\n%s", diff)
	}
}
