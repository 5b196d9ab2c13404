package models_test

import (
	"context"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// What the network is trained by is what is measured.
func ExampleWithCost() {
	const n = 4
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(n, 1), G.WithName("x"))
	y := G.NewVector(g, G.Float64, G.WithShape(n), G.WithName("y"))
	w := G.NewVector(g, G.Float64, G.WithShape(1), G.WithName("w"), G.WithInit(G.Zeroes()))
	predicted := G.Must(G.Mul(x, w))
	cost := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(predicted, y))))))

	model, err := models.FromNodes(x, predicted, G.Nodes{w}, models.WithCost(cost, y))
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := datasets.FromSlices(datasets.Regression, [][]float64{{1}, {2}, {3}}, []float64{2, 4, 6})
	if err != nil {
		fmt.Println(err)
		return
	}
	loss, err := models.NewObjective(model, models.LossOf(model), &data.Splits[0], models.ObjectiveSettings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := loss.Evaluate(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n", value.Loss) // (4 + 16 + 36)/3
	// Output: 18.6667
}

// A graph with dropout and a mask, which is not trained. Its logits are (n, 2).
func ExampleFromNodes() {
	const n = 4
	g := G.NewGraph()
	matrix := func(name string, rows, cols int) *G.Node {
		ones := tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(tensor.Range(tensor.Float64, 1, rows*cols+1)))
		return G.NewMatrix(g, G.Float64, G.WithShape(rows, cols), G.WithName(name), G.WithValue(ones))
	}
	x := G.NewMatrix(g, G.Float64, G.WithShape(n, 3), G.WithName("x"))
	w, mask := matrix("w", 3, 2), matrix("mask", 1, 2)
	dropped := G.Must(G.Dropout(x, 0.5))
	logits := G.Must(G.BroadcastHadamardProd(G.Must(G.Mul(dropped, w)), mask, nil, []byte{0}))

	_, err := models.FromNodes(x, logits, G.Nodes{w})
	fmt.Println(err)
	model, err := models.FromNodes(x, logits, G.Nodes{w}, models.WithConstants(mask))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(model, models.Notes(model))
	// Output:
	// models: node "mask" feeds the network and is neither the input nor a learnable: it would stay as it is now; add it to the learnables or, if training does not change it, name it by models.WithConstants
	// graph of w, batches of 4 [dropout is left out where it is measured]
}
