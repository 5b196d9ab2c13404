package symbolic_test

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// The function f(w) = ‖w‖⁴ has the gradient 4‖w‖²·w and the Hessian
// 4‖w‖²·I + 8·wwᵀ, which is
//
//	28 16
//	16 52
//
// at w = (1, 2).
func Example() {
	g := G.NewGraph()
	row := func(name string, values ...float64) *G.Node {
		return G.NewMatrix(g, tensor.Float64, G.WithShape(1, len(values)), G.WithName(name),
			G.WithValue(tensor.New(tensor.WithShape(1, len(values)), tensor.WithBacking(values))))
	}
	w, v := row("w", 1, 2), row("v", 1, 0)
	one := G.NewVector(g, tensor.Float64, G.WithShape(1), G.WithName("one"),
		G.WithValue(tensor.New(tensor.WithShape(1), tensor.WithBacking([]float64{1}))))
	squared, err := op.RowDot(w, w)
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := op.Mul(squared, squared)
	if err != nil {
		fmt.Println(err)
		return
	}

	gradient, err := symbolic.Pullback(G.Nodes{f}, G.Nodes{one}, G.Nodes{w})
	if err != nil {
		fmt.Println(err)
		return
	}
	product, err := symbolic.Pullback(gradient, G.Nodes{v}, G.Nodes{w}) // H·v
	if err != nil {
		fmt.Println(err)
		return
	}

	program, err := symbolic.Compile(gradient[0], product[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := program.Plan(gradient[0], product[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, direction := range [][]float64{{1, 0}, {0, 1}} {
		// Only what depends on v is computed again.
		copy(v.Value().Data().([]float64), direction)
		program.Changed(v)
		if err := plan.Run(); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("gradient", program.Value(gradient[0]).Data(), "and H·v", program.Value(product[0]).Data())
	}
	// Output:
	// gradient [20 40] and H·v [28 16]
	// gradient [20 40] and H·v [16 52]
}
