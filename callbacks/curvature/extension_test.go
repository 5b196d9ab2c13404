package curvature_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// subspace is a solver of one's own: subspace iteration for the largest
// eigenvalues of a positive semi-definite operator. The k rows of V become
//
//	V ← orthonormalised V·H
type subspace struct{ steps int }

func (it subspace) Solve(ctx context.Context, op curvature.Operator, s curvature.Settings) (*curvature.Spectrum, error) {
	if s.Bottom > 0 {
		return nil, fmt.Errorf("%d smallest eigenvalues: want none", s.Bottom)
	}
	n, k := op.Dim(), s.Top
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	v, image := mat.NewDense(k, n, nil), mat.NewDense(k, n, nil)
	v.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, v)
	for range it.steps {
		var qr mat.QR
		var q mat.Dense
		qr.Factorize(v.T())
		qr.QTo(&q)
		v.Copy(q.Slice(0, n, 0, k).T())
		if err := op.Apply(ctx, image, v); err != nil {
			return nil, err
		}
		v, image = image, v
	}
	v, image = image, v // the last orthonormal vectors, and their images
	found := &curvature.Spectrum{Method: "subspace", Dim: n, Applications: it.steps * k}
	found.Top = curvature.Pairs{Vectors: v}
	for i := range k {
		found.Top.Values = append(found.Top.Values, mat.Dot(v.RowView(i), image.RowView(i)))
	}
	return found, nil
}

func ExampleSolver() {
	h := matrix{mat.NewSymDense(3, []float64{
		2, 1, 0,
		1, 2, 0,
		0, 0, 0.5,
	})}
	for _, steps := range []int{40, 10} {
		s, err := curvature.Solve(context.Background(), h, curvature.Settings{
			Top: 2, Bottom: -1, Tolerance: 1e-6, Solver: subspace{steps},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v: %.2f, %d H·v, converged %v\n", s.Method, s.Top.Values, s.Applications, s.Converged)
	}
	// Output:
	// subspace: [3.00 1.00], 82 H·v, converged true
	// subspace: [3.00 1.00], 22 H·v, converged false
}

func ExampleNewEigenspace() {
	space, err := curvature.NewEigenspace(curvature.Pairs{
		Values:    []float64{3, 1},
		Vectors:   mat.NewDense(2, 3, []float64{0.6, 0.8, 0, -0.8, 0.6, 0}),
		Residuals: []float64{0, 0},
	}, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := mat.NewDense(1, 3, []float64{1, 2, 3})
	fmt.Printf("%d pairs, components of x %.1f\n", space.Len(), space.Project(x).RawRowView(0))
	// Output:
	// 2 pairs, components of x [2.2 0.4]
}

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
