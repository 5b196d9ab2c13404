package check_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/check"
)

func Example() {
	ctx := context.Background()
	iris, err := datasets.Load(ctx, "iris", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, err := iris.Split(datasets.Train)
	if err != nil {
		log.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 0))
	model, err := models.NewMLP(models.MLPConfig{Input: 4, Hidden: []int{8}, Classes: 3, Activation: models.GELU}, rng)
	if err != nil {
		log.Fatal(err)
	}
	c, err := check.New(model, models.CrossEntropy, train, rng, 0)
	if err != nil {
		log.Fatal(err)
	}
	findings, err := c.Run(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range findings {
		fmt.Printf("%-15s%s\n", f.Name, f.Verdict)
	}
	// Output:
	// operations     ok
	// gradient       ok
	// H·v            ok
	// symmetry       ok
	// repeatability  ok
	// ragged batches ok
	// kinks          ok
}
