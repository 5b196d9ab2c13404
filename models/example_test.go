package models_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// A network of the paper, as it was trained there, the loss over its data and
// how that curves along the gradient.
func Example() {
	ctx := context.Background()
	model, err := models.LoadMLP("weights/testdata/gauss_small.npz", models.ReLU)
	if err != nil {
		log.Fatal(err)
	}
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, err := data.Split("train")
	if err != nil {
		log.Fatal(err)
	}
	loss, err := models.NewObjective(model, models.CrossEntropy, train, models.ObjectiveSettings{})
	if err != nil {
		log.Fatal(err)
	}

	g := mat.NewDense(1, loss.Dim(), nil)
	value, err := loss.Gradient(ctx, g.RawRowView(0))
	if err != nil {
		log.Fatal(err)
	}
	hg := mat.NewDense(1, loss.Dim(), nil)
	if err := loss.HessianProducts(ctx, hg, g); err != nil {
		log.Fatal(err)
	}
	curvature := mat.Dot(g.RowView(0), hg.RowView(0)) / mat.Dot(g.RowView(0), g.RowView(0))

	fmt.Println(model)
	fmt.Printf("L = %.6f, ‖∇L‖ = %.6f, gᵀHg/gᵀg = %.4f\n", value, mat.Norm(g, 2), curvature)
	// Output:
	// MLP 2-30-30-3 relu
	// L = 0.000696, ‖∇L‖ = 0.002634, gᵀHg/gᵀg = 0.0092
}

func ExampleNewMLP() {
	m, err := models.NewMLP(models.MLPConfig{
		Input: 4, Hidden: []int{50, 50}, Classes: 3, Activation: models.Tanh, Init: models.Xavier,
	}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m)
	for _, p := range m.Parameters() {
		fmt.Println(p.Name, p.Value.Shape())
	}
	// Output:
	// MLP 4-50-50-3 tanh
	// fc1.weight (50, 4)
	// fc1.bias (50)
	// fc2.weight (50, 50)
	// fc2.bias (50)
	// fc3.weight (3, 50)
	// fc3.bias (3)
}

// How far a point is from the boundary, to first order: the gap between the
// two logits over the length of its gradient.
func ExampleField_Gradients() {
	ctx := context.Background()
	model, err := models.LoadMLP("weights/testdata/intro1D_seed29.npz", models.ReLU)
	if err != nil {
		log.Fatal(err)
	}
	field, err := models.NewField(model, models.ObjectiveSettings{})
	if err != nil {
		log.Fatal(err)
	}
	x := []float64{-1, 0, 1} // three points of one value
	gaps, gradients := make([]float64, 3), make([]float64, 3)
	err = field.Gradients(ctx, gradients, x, func(n int, logits, s []float64) {
		gaps[n] = logits[1] - logits[0]
		s[0], s[1] = -1, 1
	})
	if err != nil {
		log.Fatal(err)
	}
	for n, gap := range gaps {
		fmt.Printf("x = %+.0f: gap %+.3f, about %.3f to the boundary\n", x[n], gap, math.Abs(gap/gradients[n]))
	}
	// Output:
	// x = -1: gap -22.248, about 1.842 to the boundary
	// x = +0: gap -9.583, about 0.734 to the boundary
	// x = +1: gap +3.464, about 0.266 to the boundary
}
