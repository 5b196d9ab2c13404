package analysis_test

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// load returns a trained network of the paper and its training data.
func load(t *testing.T) (models.Model, *datasets.Split) {
	t.Helper()
	model, err := models.LoadMLP("../../models/weights/testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		t.Fatal(err)
	}
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train, err := data.Split(datasets.Train)
	if err != nil {
		t.Fatal(err)
	}
	return model, train
}

func analyze(t *testing.T, s analysis.Settings) *analysis.Result {
	t.Helper()
	model, split := load(t)
	r, err := analysis.Analyze(t.Context(), model, split, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnalyzeMeasuresWhatIsAskedFor(t *testing.T) {
	few := curvature.Settings{Method: curvature.Lanczos, Top: 3, Bottom: -1, Tolerance: 1e-4}
	bare := analyze(t, analysis.Settings{Spectrum: few, NoComplexity: true})
	if bare.Complexity != nil || bare.Margin != nil || bare.Distances != nil || len(bare.Spectrum.Outliers.Pairs) > 0 {
		t.Errorf("complexity %v, margin %v and class pairs %v, none asked for", bare.Complexity, bare.Margin, bare.Spectrum.Outliers.Pairs)
	}
	if len(bare.Spectrum.Top) != 3 || len(bare.Spectrum.Bottom) != 0 {
		t.Errorf("%d and %d eigenvalues, want 3 and none", len(bare.Spectrum.Top), len(bare.Spectrum.Bottom))
	}
	whole := analyze(t, analysis.Settings{Spectrum: few, Margin: &margin.Settings{Samples: 20}})
	if whole.Complexity == nil || whole.Margin == nil || whole.Margin.Samples != 20 || whole.Margin.Eigenvector == nil || whole.Margin.Paper == nil {
		t.Errorf("complexity %v, margin %+v", whole.Complexity, whole.Margin)
	}
	names := make(map[string]bool)
	for _, a := range whole.Arrays() {
		names[a.Name] = true
	}
	for _, want := range []string{"top_values", "top_vectors", "alignments", "predicted"} {
		if !names[want] {
			t.Errorf("no array %s", want)
		}
	}
}

// The table has a line for everything in the JSON except lists.
func TestResultAsTableAndJSON(t *testing.T) {
	r := analyze(t, analysis.Settings{Margin: &margin.Settings{Samples: 10}})
	r.Data.Name = "gauss"
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"model", "gauss, train: 150 samples", "outliers", "complexity", "participation", "margin", "by eigenvectors", "as published", "λ1113"} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("no %q in\n%s", line, &table)
		}
	}
	for _, line := range []string{"batch norm", "none"} {
		if strings.Contains(table.String(), line) {
			t.Errorf("%q in\n%s", line, &table)
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back analysis.Result
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Spectrum, back.Spectrum); diff != "" {
		t.Errorf("the spectrum read back (-want +have):\n%s", diff)
	}
}

func TestAnalyzerRefuses(t *testing.T) {
	model, split := load(t)
	if _, err := analysis.Analyze(t.Context(), model, split, analysis.Settings{Matrix: "fisher"}); err == nil || !strings.Contains(err.Error(), `matrix is "fisher"; want hessian, gauss_newton or empirical_fisher`) {
		t.Errorf("error %v of an unknown matrix", err)
	}
	if _, err := analysis.Analyze(t.Context(), model, split, analysis.Settings{Spectrum: curvature.Settings{Tolerance: 2}}); err == nil {
		t.Error("a tolerance of 2 was taken")
	}
}

// The spectrum of each matrix: λ₁ and trace of the empirical Fisher matrix are those
// of the samples' gradients.
func TestAnalyzeMatrices(t *testing.T) {
	model, split := load(t)
	o, err := models.NewObjective(model, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	trace := 0.0
	if err := o.SampleGradients(t.Context(), func(_ int, g []float64) error {
		trace += floats.Dot(g, g) / float64(o.Samples())
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found := make(map[analysis.Matrix]*analysis.Result)
	for _, m := range []analysis.Matrix{analysis.Hessian, analysis.GaussNewton, analysis.EmpiricalFisher} {
		found[m] = analyze(t, analysis.Settings{Matrix: m})
		if have := found[m].Spectrum.Matrix; have != m || found[m].Complexity == nil {
			t.Errorf("%s: matrix %s, complexity %v", m, have, found[m].Complexity)
		}
	}
	fisher := found[analysis.EmpiricalFisher].Spectrum
	if math.Abs(fisher.Trace.Value-trace) > 1e-12*trace {
		t.Errorf("trace %v, want mean ‖gₙ‖² = %v", fisher.Trace.Value, trace)
	}
	if fisher.Top[0] == found[analysis.Hessian].Spectrum.Top[0] || fisher.Top[0] > trace {
		t.Errorf("λ₁ = %g of trace %g", fisher.Top[0], trace)
	}
	var table bytes.Buffer
	if err := found[analysis.EmpiricalFisher].WriteTable(&table); err != nil || !strings.Contains(table.String(), "empirical-Fisher-vector products") {
		t.Errorf("error %v, table\n%s", err, &table)
	}
}

// With products in float32, values and residuals are those of float64, every value is
// within its residual of the eigenvalue, and the residual is one of float32.
func TestAnalyzeInFloat32(t *testing.T) {
	exact := analyze(t, analysis.Settings{NoComplexity: true})
	r := analyze(t, analysis.Settings{NoComplexity: true, Products: tensor.Float32, Spectrum: curvature.Settings{Bottom: -1}})
	if r.Precision != "float64" || r.Spectrum.Precision != "float32" || exact.Spectrum.Precision != "float64" || r.Spectrum.Method != "lanczos" {
		t.Errorf("%s in %s and %s by %s", r.Precision, r.Spectrum.Precision, exact.Spectrum.Precision, r.Spectrum.Method)
	}
	if !r.Spectrum.Converged || len(r.Spectrum.Top) != 10 {
		t.Errorf("%d pairs, converged: %v, %s", len(r.Spectrum.Top), r.Spectrum.Converged, r.Spectrum.Reason)
	}
	scale := r.Spectrum.Top[0]
	for i, v := range r.Spectrum.Top {
		residual := r.Spectrum.Residuals[i]
		if difference := math.Abs(v - exact.Spectrum.Top[i]); difference > residual+1e-12*scale || residual > 1e-5*scale {
			t.Errorf("λ%d = %g, want %g: differs by %.2g, residual %.2g", i, v, exact.Spectrum.Top[i], difference, residual)
		}
	}
	if slices.Max(r.Spectrum.Residuals) < 1e-12*scale {
		t.Errorf("residuals %g: products are not in float32", r.Spectrum.Residuals)
	}
	vectors := r.Measurement.Spectrum.Top.Vectors
	image := mat.NewDense(10, r.Model.Parameters, nil)
	model, split := load(t)
	o, err := models.NewObjective(model, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.HessianProducts(t.Context(), image, vectors); err != nil {
		t.Fatal(err)
	}
	for i, v := range r.Spectrum.Top {
		floats.AddScaled(image.RawRowView(i), -v, vectors.RawRowView(i))
		if have := floats.Norm(image.RawRowView(i), 2); math.Abs(have-r.Spectrum.Residuals[i]) > 1e-12*scale {
			t.Errorf("pair %d: residual %g, stated %g", i, have, r.Spectrum.Residuals[i])
		}
	}
	arrays := r.Arrays()
	if i := slices.IndexFunc(arrays, func(a weights.Array) bool { return a.Name == "product_bits" }); i < 0 || arrays[i].Data[0] != 32 {
		t.Error("the arrays do not tell the precision")
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil || !strings.Contains(table.String(), "products in float32, residuals in float64") {
		t.Errorf("error %v, table\n%s", err, &table)
	}
	_, err = analysis.Analyze(t.Context(), model, split, analysis.Settings{Products: tensor.Float32, Spectrum: curvature.Settings{Method: curvature.Reduced}})
	if err == nil || !strings.Contains(err.Error(), "want lanczos or density") {
		t.Errorf("reduced in float32: error %v", err)
	}
	// The hooks and the complexity make do with the pairs found.
	if c := analyze(t, analysis.Settings{Products: tensor.Float32}).Complexity; c == nil {
		t.Error("no complexity")
	}
}

// Where the loss rises along the gradient, λ_c is known; without, the table says how
// far the loss falls.
func TestAnalyzeCriticalSharpness(t *testing.T) {
	few := curvature.Settings{Method: curvature.Lanczos, Top: 1, Bottom: -1, Tolerance: 1e-4}
	for loss, want := range map[models.Loss]string{
		models.SquaredError: "λ_c = ",
		models.CrossEntropy: "λ_c is ",
	} {
		r := analyze(t, analysis.Settings{Loss: loss, Spectrum: few, NoComplexity: true})
		c := r.Critical
		if c == nil || c.High == nil || !(c.Low < *c.High) || (c.Value != nil) != (*c.High <= 1.01*c.Low) {
			t.Fatalf("%s: critical sharpness %+v", loss.Name(), c)
		}
		if loss == models.SquaredError && (c.Value == nil || *c.Value > r.Spectrum.Top[0]) {
			t.Errorf("critical sharpness %v, λ₁ = %v", c, r.Spectrum.Top[0])
		}
		var table bytes.Buffer
		if err := r.WriteTable(&table); err != nil || !regexp.MustCompile("critical step .*"+want).Match(table.Bytes()) {
			t.Errorf("%s: error %v, table\n%s", loss.Name(), err, &table)
		}
	}
}

// An objective without products of a matrix is told so.
func TestAnalyzeWithoutFisherProducts(t *testing.T) {
	model, split := load(t)
	lacking := func(m models.Model, loss models.Loss, split *datasets.Split, s models.ObjectiveSettings) (analysis.Objective, error) {
		o, err := models.NewObjective(m, loss, split, s)
		return struct{ analysis.Objective }{o}, err
	}
	_, err := analysis.New(analysis.Subject{Model: model, Split: split, Matrix: analysis.EmpiricalFisher, Objective: lacking})
	if err == nil || !strings.Contains(err.Error(), "has no method EmpiricalFisherProducts") {
		t.Errorf("error %v", err)
	}
}

// The gradients are computed once for the same parameters, and again for others.
func TestAnalyzerFollowsTheModel(t *testing.T) {
	model, split := load(t)
	a, err := analysis.New(analysis.Subject{Model: model, Split: split})
	if err != nil {
		t.Fatal(err)
	}
	before, err := a.Reinforcing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	norm := before.Factors[0]
	if again, err := a.Reinforcing(t.Context()); err != nil || again != before {
		t.Errorf("the gradients were computed twice, error %v", err)
	}
	if err := models.Rescale(model, models.Norm(model)/2); err != nil {
		t.Fatal(err)
	}
	if err := a.Refresh(); err != nil {
		t.Fatal(err)
	}
	after, err := a.Reinforcing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Factors[0] == norm {
		t.Error("the gradients are those of before")
	}
}

// A trace and a norm from random vectors are shown with their intervals, exact ones with
// their errors.
func TestTableOfEstimates(t *testing.T) {
	few := curvature.Settings{Method: curvature.Lanczos, Top: 3, Bottom: -1, TraceSamples: 10}
	for method, want := range map[curvature.Method]string{
		curvature.Lanczos: `trace +\S+, 95 % from \S+ to \S+ by 10 random vectors\nFrobenius norm +\S+, 95 % from \S+ to \S+ by 10 random vectors\n`,
		curvature.Dense:   `trace +\S+ ± \S+\nFrobenius norm +\S+ ± \S+\n`,
	} {
		few.Method = method
		r := analyze(t, analysis.Settings{Spectrum: few, NoComplexity: true})
		var table strings.Builder
		if err := r.WriteTable(&table); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(want).MatchString(table.String()) {
			t.Errorf("%s: want %q in\n%s", method, want, table.String())
		}
		if s := r.Spectrum; !(s.Trace.Low <= s.Trace.Value && s.Trace.Value <= s.Trace.High && *s.FrobeniusLow <= *s.Frobenius && *s.Frobenius <= *s.FrobeniusHigh) || *s.FrobeniusSamples != s.Trace.Samples {
			t.Errorf("%s: trace %+v", method, *s.Trace)
		}
	}
}

// The number of outliers is compared with C − 1 in words.
func TestTableOfOutliers(t *testing.T) {
	for excess, want := range map[int]string{
		2:  ", 2 more than the C − 1 of the simplest boundary\n",
		0:  ", the C − 1 of the simplest boundary\n",
		-1: ", 1 fewer than C − 1: not every section of the boundary stands out\n",
	} {
		var r analysis.Result
		r.Spectrum.Outliers = &boundary.Outliers{Ratio: boundary.Outlier{Count: 2 + excess, Resolved: true, Excess: excess}}
		var table strings.Builder
		if err := r.WriteTable(&table); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
}
