package curvature_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
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
