package op_test

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// The loss of one confident sample, and its gradient in the logits: 1 − p is
// 9.4e-14, which p − 1 would give to three digits.
func ExampleSoftmaxCrossEntropy() {
	g := G.NewGraph()
	matrix := func(name string, values ...float64) *G.Node {
		t := tensor.New(tensor.WithShape(1, len(values)), tensor.WithBacking(values))
		return G.NewMatrix(g, tensor.Float64, G.WithShape(1, len(values)), G.WithName(name), G.WithValue(t))
	}
	logits, target := matrix("logits", 30, 0), matrix("target", 1, 0)
	one := G.NewVector(g, tensor.Float64, G.WithShape(1), G.WithName("one"),
		G.WithValue(tensor.New(tensor.WithShape(1), tensor.WithBacking([]float64{1}))))

	loss, err := op.SoftmaxCrossEntropy(logits, target)
	if err != nil {
		fmt.Println(err)
		return
	}
	gradient, err := symbolic.Pullback(G.Nodes{loss}, G.Nodes{one}, G.Nodes{logits})
	if err != nil {
		fmt.Println(err)
		return
	}
	program, err := symbolic.Compile(loss, gradient[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := program.Plan(loss, gradient[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plan.Run(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.8e\n", program.Value(loss).(*tensor.Dense).Float64s())
	fmt.Printf("%.8e\n", program.Value(gradient[0]).(*tensor.Dense).Float64s())
	// Output:
	// [9.35762297e-14]
	// [-9.35762297e-14 9.35762297e-14]
}

// A kernel that finds horizontal edges, on an image with one, and where its
// response is largest: the gradient of max-pooling.
func ExampleConv2D() {
	g := G.NewGraph()
	images := func(name string, h, w int, values ...float64) *G.Node {
		t := tensor.New(tensor.WithShape(1, 1, h, w), tensor.WithBacking(values))
		return G.NewTensor(g, tensor.Float64, 4, G.WithShape(1, 1, h, w), G.WithName(name), G.WithValue(t))
	}
	image := images("image", 4, 3,
		0, 0, 0,
		0, 0, 1,
		3, 4, 3,
		3, 3, 3)
	kernel := images("kernel", 2, 1, -1, 1)

	edges, err := op.Conv2D(image, kernel, op.Window{Kernel: [2]int{2, 1}}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	largest, err := op.MaxPool2D(edges, op.Window{Kernel: [2]int{3, 3}})
	if err != nil {
		fmt.Println(err)
		return
	}
	gradient, err := symbolic.Pullback(G.Nodes{largest}, G.Nodes{images("one", 1, 1, 1)}, G.Nodes{image})
	if err != nil {
		fmt.Println(err)
		return
	}
	program, err := symbolic.Compile(edges, largest, gradient[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := program.Plan(edges, largest, gradient[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plan.Run(); err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range []*G.Node{edges, largest, gradient[0]} {
		fmt.Println(program.Value(n).(*tensor.Dense).Float64s())
	}
	// Output:
	// [0 0 1 3 4 2 0 -1 0]
	// [4]
	// [0 0 0 0 -1 0 0 1 0 0 0 0]
}
