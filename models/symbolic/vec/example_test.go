package vec_test

import (
	"fmt"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

func Example() {
	z := []float64{-1, 2, -3, 4}
	g := []float64{10, 20, 30, 40}
	dst := make([]float64, 4)
	vec.Float64.Gate(dst, z, g)
	fmt.Println(dst)
	// Output: [0 20 0 40]
}
