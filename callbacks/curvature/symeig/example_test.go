package symeig_test

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/symeig"
)

func Example() {
	a := mat.NewSymDense(3, []float64{
		2, 1, 0,
		1, 2, 0,
		0, 0, -1,
	})
	d, ok := symeig.Decompose(a)
	if !ok {
		fmt.Println("did not converge")
		return
	}
	fmt.Printf("%.3f\n", d.Values)
	largest := d.Vectors([]int{2}).RawRowView(0) // its sign is not fixed
	fmt.Printf("%.3f\n", largest[0]/largest[1])
	// Output:
	// [-1.000 1.000 3.000]
	// 1.000
}
