package boundary_test

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
)

// The three largest eigenvalues of a network with 1,000 parameters, and the
// alignments of four samples' gradients with their eigenvectors.
func Example() {
	pairs := &boundary.Eigenpairs{
		Values: []float64{4, 0.2, 0.1}, Parameters: 1000, Top: 3,
		Alignments: mat.NewDense(4, 3, []float64{
			0.98, 0.15, 0.05,
			0.96, 0.25, 0.05,
			-0.97, 0.2, 0.01,
			-0.99, 0.1, 0.01,
		}),
	}
	outliers, err := pairs.Outliers(2, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	sections, err := pairs.ClassPairs([]int{0, 0, 1, 1}, outliers.Ratio.Count)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := pairs.Complexity(boundary.ComplexitySettings{Epsilon: 0.15})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d outlier, resolved %v\n", outliers.Ratio.Count, outliers.Ratio.Resolved)
	fmt.Printf("it is about the boundary between classes %d and %d\n", sections[0].Along, sections[0].Against)
	fmt.Printf("complexity from %.3f to %.3f: the rest of the gradients has too little energy\n", c.Low, c.High)
	// Output:
	// 1 outlier, resolved true
	// it is about the boundary between classes 0 and 1
	// complexity from 0.002 to 0.002: the rest of the gradients has too little energy
}
