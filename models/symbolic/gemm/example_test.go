package gemm_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

func Example() {
	blas64.Use(gemm.Implementation{})
	blas32.Use(gemm.Implementation{})

	a := mat.NewDense(2, 2, []float64{1, 2, 3, 4})
	b := mat.NewDense(2, 2, []float64{0, 1, 1, 0})
	var product mat.Dense
	product.Mul(a, b.T())
	fmt.Println(mat.Formatted(&product))
	// Output:
	// ⎡2  1⎤
	// ⎣4  3⎦
}
