package difftest_test

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// The Swish activation z·σ(z), composed of operations that may be trusted, has
// derivatives that may be trusted.
func ExampleCheck() {
	swish := func(in G.Nodes) (*G.Node, error) {
		gate, err := op.Sigmoid(in[0])
		if err != nil {
			return nil, err
		}
		return op.Mul(in[0], gate)
	}
	z := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{-2, -1, -0.5, 0.5, 1, 2}))
	errs, err := difftest.Check(difftest.Function{Build: swish, At: []*tensor.Dense{z}}, 3, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, e := range errs {
		fmt.Printf("derivative %d agrees with finite differences: %t\n", i+1, e < 1e-9)
	}
	// Output:
	// derivative 1 agrees with finite differences: true
	// derivative 2 agrees with finite differences: true
	// derivative 3 agrees with finite differences: true
}
