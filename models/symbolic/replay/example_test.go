package replay_test

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/replay"
)

// A product with a vector, of float32, as a product of matrices of float64.
func Example() {
	theirs := G.NewGraph()
	x := G.NewMatrix(theirs, G.Float32, G.WithShape(2, 3), G.WithName("x"))
	w := G.NewVector(theirs, G.Float32, G.WithShape(3), G.WithName("w"))
	z := G.Must(G.Tanh(G.Must(G.Mul(x, w))))

	ours := G.NewGraph()
	input := func(name string, shape ...int) *G.Node {
		return G.NewTensor(ours, G.Float64, len(shape), G.WithShape(shape...), G.WithName(name),
			G.WithValue(tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float64))))
	}
	r := replay.New(ours, tensor.Float64, map[*G.Node]*G.Node{x: input("x", 2, 3), w: input("w", 3)}, nil)
	copied, err := r.Node(z)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.Verify(); err != nil { // both ways give the same
		fmt.Println(err)
		return
	}
	fmt.Println(copied.Op(), copied.Shape(), copied.Dtype())
	// Output: Tanh (2) float64
}
