package parallel_test

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
)

func Example() {
	squares := make([]int, 5)
	parallel.For(len(squares), func(i int) { squares[i] = i * i })
	fmt.Println(squares)

	c := mat.NewDense(1, 2, []float64{10, 20})
	parallel.AddProduct(c, mat.NewDense(1, 2, []float64{1, 2}), mat.NewDense(2, 2, []float64{1, 0, 0, 1}))
	fmt.Println(c.RawRowView(0))
	// Output:
	// [0 1 4 9 16]
	// [11 22]
}
