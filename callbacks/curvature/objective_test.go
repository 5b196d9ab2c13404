package curvature_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// mean is an objective of one's own: the mean loss over samples that several
// objectives share, as if each of them were on a machine of its own.
type mean struct{ parts []*models.Objective }

func (m mean) Dim() int { return m.parts[0].Dim() }

func (m mean) HessianProducts(ctx context.Context, dst, src *mat.Dense) error {
	return m.products(ctx, dst, src, (*models.Objective).HessianProducts)
}

func (m mean) GaussNewtonProducts(ctx context.Context, dst, src *mat.Dense) error {
	return m.products(ctx, dst, src, (*models.Objective).GaussNewtonProducts)
}

func (m mean) products(ctx context.Context, dst, src *mat.Dense, product func(o *models.Objective, ctx context.Context, dst, src *mat.Dense) error) error {
	samples := 0
	for _, o := range m.parts {
		samples += o.Samples()
	}
	var part mat.Dense
	part.CloneFrom(src)
	dst.Zero()
	for _, o := range m.parts {
		if err := product(o, ctx, &part, src); err != nil {
			return err
		}
		part.Scale(float64(o.Samples())/float64(samples), &part)
		dst.Add(dst, &part)
	}
	return nil
}

// The spectra of H and G are the same for an objective and for the mean of the
// objectives of two parts of its data.
func TestObjectiveInParts(t *testing.T) {
	model, err := models.LoadMLP("testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		t.Fatal(err)
	}
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train, err := data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	objective := func(rows []int) *models.Objective {
		t.Helper()
		split, err := train.Subset(rows)
		if err != nil {
			t.Fatal(err)
		}
		o, err := models.NewObjective(model, models.CrossEntropy, split, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	rows := make([]int, train.Len())
	for i := range rows {
		rows[i] = i
	}
	whole := objective(rows)
	parts := mean{[]*models.Objective{objective(rows[:50]), objective(rows[50:])}}
	for name, test := range map[string]struct {
		whole, parts curvature.Operator
		bottom       int
	}{
		"Hessian":      {curvature.Hessian{Objective: whole}, curvature.Hessian{Objective: parts}, 2},
		"Gauss-Newton": {curvature.GaussNewton{Objective: whole}, curvature.GaussNewton{Objective: parts}, -1},
	} {
		settings := curvature.Settings{Method: curvature.Lanczos, Top: 5, Bottom: test.bottom}
		want, err := curvature.Solve(t.Context(), test.whole, settings)
		if err != nil {
			t.Fatal(err)
		}
		got, err := curvature.Solve(t.Context(), test.parts, settings)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Converged || got.Dim != want.Dim {
			t.Errorf("%s: converged %v, P = %d, want %d", name, got.Converged, got.Dim, want.Dim)
		}
		wanted := slices.Concat(want.Top.Values, want.Bottom.Values)
		for i, v := range slices.Concat(got.Top.Values, got.Bottom.Values) {
			// An eigenvalue's error is of the order of the squared residual, at most
			// 1e-8, over a gap.
			if math.Abs(v-wanted[i]) > 1e-12*wanted[0] {
				t.Errorf("%s: eigenvalue %d of the parts is %v, of the whole %v", name, i, v, wanted[i])
			}
		}
	}
}
