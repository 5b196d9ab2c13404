package curvature_test

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// matrix is a stored symmetric matrix as an operator.
type matrix struct{ *mat.SymDense }

func (m matrix) Dim() int { return m.SymmetricDim() }

func (m matrix) Apply(_ context.Context, dst, src *mat.Dense) error {
	dst.Mul(src, m)
	return nil
}

func ExampleSolve() {
	h := matrix{mat.NewSymDense(3, []float64{
		2, 1, 0,
		1, 2, 0,
		0, 0, -1,
	})}
	spectrum, err := curvature.Solve(context.Background(), h, curvature.Settings{Top: 2, Bottom: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("method %v, %d H·v, converged %v\n", spectrum.Method, spectrum.Applications, spectrum.Converged)
	fmt.Printf("top    %.3f\n", spectrum.Top.Values)
	fmt.Printf("v₁     %.3f\n", spectrum.Top.Vectors.RawRowView(0))
	fmt.Printf("bottom %.3f\n", spectrum.Bottom.Values)
	fmt.Printf("trace  %.3f\n", spectrum.Trace.Value)
	// Output:
	// method dense, 3 H·v, converged true
	// top    [3.000 1.000]
	// v₁     [0.707 0.707 0.000]
	// bottom [-1.000]
	// trace  3.000
}
