package margin_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// outlierVectors are the eigenvectors of the k largest eigenvalues, and the
// samples' alignments with them.
func outlierVectors(t *testing.T, m models.Model, split *datasets.Split, k int) (vectors, alignments *mat.Dense) {
	t.Helper()
	o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := curvature.Solve(t.Context(), curvature.Hessian{Objective: o}, curvature.Settings{Method: curvature.Lanczos, Top: k, Bottom: -1})
	if err != nil {
		t.Fatal(err)
	}
	gradients, err := boundary.NewReinforcing(t.Context(), m, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if alignments, err = gradients.Alignments(t.Context(), s.Top.Vectors); err != nil {
		t.Fatal(err)
	}
	return s.Top.Vectors, alignments
}

// The published estimate ranks the narrow and the wide checkerboard net in the
// wrong order, the repaired one in the right order.
func TestEigenvectorMargins(t *testing.T) {
	skipShort(t)
	found := make(map[string][3]float64) // direct, repaired, as published
	for _, c := range []struct {
		name  string
		paper float64 // of the published implementation, from other random starts
	}{{"checker_normal", 0.9672}, {"checker_noisyinit", 0.5506}} {
		m, split := plane(t, "testdata/"+c.name+".npz", "checkerboard_linear")
		vectors, alignments := outlierVectors(t, m, split, 2)
		direct, field := measure(t, m, split, 0, margin.Settings{})
		paper, err := margin.Published(t.Context(), m, split, vectors, alignments, 0, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(paper.Value/c.paper-1) > 0.05 || paper.Sample != 59 || paper.Vector != 1 {
			t.Errorf("%s: as published %+v, want %g", c.name, paper, c.paper)
		}
		repaired, err := margin.Repaired(t.Context(), m, split, vectors, alignments, direct, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		repaired.Compare(direct.Summary())
		if repaired.Gap > 1e-6 || *repaired.Excess < 0 || *repaired.Excess > 0.5 {
			t.Errorf("%s: repaired %+v, %+.2f of the direct margin more", c.name, repaired, *repaired.Excess)
		}
		logits := make([]float64, 2)
		if err := field.Logits(t.Context(), logits, repaired.Point); err != nil || math.Abs(logits[0]-logits[1]) != repaired.Gap {
			t.Errorf("%s: logits %v at a boundary point with a gap of %g; error %v", c.name, logits, repaired.Gap, err)
		}
		found[c.name] = [3]float64{*direct.Summary().Min, repaired.Value, paper.Value}
	}
	narrow, wide := found["checker_normal"], found["checker_noisyinit"]
	if !(narrow[0] < wide[0] && narrow[1] < wide[1] && narrow[2] > wide[2]) {
		t.Errorf("margins of the narrow net %v, of the wide one %v", narrow, wide)
	}
}

func TestRepairedMarginWithoutABoundary(t *testing.T) {
	m, split := linearClassifier(t, 2, 3)
	clear(m.Parameters()[0].Value.Float64s())
	copy(m.Parameters()[1].Value.Float64s(), []float64{2, 1, 0})
	direct, _ := measure(t, m, split, 0, margin.Settings{})
	vectors := mat.NewDense(1, models.Size(m), nil)
	vectors.Set(0, 0, 1)
	none, err := margin.Repaired(t.Context(), m, split, vectors, mat.NewDense(split.Len(), 1, nil), direct, models.ObjectiveSettings{})
	if none != nil || err != nil {
		t.Errorf("%+v, error %v; want nothing", none, err)
	}
	none.Compare(direct.Summary())
}

// Where no class ever changes, the gradient of the squared alignment is 0, and the
// weight decay alone moves the point: from a standard normal one towards 0, by the
// factor 1 − 0.01·0.001 a step.
func TestWeightDecayOfThePublishedEstimate(t *testing.T) {
	const width = 400
	m, split := linearClassifier(t, width, 2)
	clear(m.Parameters()[0].Value.Float64s())
	copy(m.Parameters()[1].Value.Float64s(), []float64{1, 0})
	other := mat.NewDense(1, models.Size(m), nil) // no gradient of class 0 has a part in it
	other.Set(0, width, 1)
	e, err := margin.Published(t.Context(), m, split, other, mat.NewDense(split.Len(), 1, nil), 3, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	want := math.Pow(1-1e-5, float64(e.Steps))
	if got := mat.Norm(mat.NewVecDense(width, e.Point), 2) / math.Sqrt(width); e.Steps != 20_000 || math.Abs(got/want-1) > 0.15 { // 4 standard deviations of the start
		t.Errorf("after %d steps the root mean square of x is %.3g, want %.3g", e.Steps, got, want)
	}
}

func TestCompare(t *testing.T) {
	none, zero, least := (*float64)(nil), new(0.0), new(2.0)
	for _, c := range []struct{ min, want *float64 }{{none, nil}, {zero, nil}, {least, new(0.5)}} {
		e := &margin.Eigenvector{Value: 3}
		e.Compare(margin.Summary{Min: c.min})
		if (e.Excess == nil) != (c.want == nil) || c.want != nil && *e.Excess != *c.want {
			t.Errorf("a margin of %v: excess %v, want %v", c.min, e.Excess, c.want)
		}
	}
}
