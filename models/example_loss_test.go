package models_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// oneAgainstAll is a Loss of one's own: a logistic regression for each class,
//
//	ℓ = Σ_c [softplus(f_c) − y_c·f_c]
//
// It is made of an operation of package op and one of Gorgonia's own.
type oneAgainstAll struct{}

var _ models.Loss = oneAgainstAll{}

func (oneAgainstAll) Name() string { return "one_against_all" }

func (oneAgainstAll) Losses(logits, target *G.Node) (*G.Node, error) {
	s, err := op.Softplus(logits)
	if err != nil {
		return nil, err
	}
	sum, err := G.Sum(s, 1)
	if err != nil {
		return nil, err
	}
	hit, err := op.RowDot(logits, target)
	if err != nil {
		return nil, err
	}
	return G.Sub(sum, hit)
}

func ExampleLoss() {
	ctx := context.Background()
	iris, err := datasets.Load(ctx, "iris", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, err := iris.Split(datasets.Train)
	if err != nil {
		log.Fatal(err)
	}
	m, err := models.NewMLP(models.MLPConfig{Input: 4, Hidden: []int{8}, Classes: 3}, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		log.Fatal(err)
	}
	for _, loss := range []models.Loss{models.CrossEntropy, oneAgainstAll{}} {
		o, err := models.NewObjective(m, loss, train, models.ObjectiveSettings{})
		if err != nil {
			log.Fatal(err)
		}
		e, err := o.Evaluate(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %.4f\n", loss.Name(), e.Loss)
	}
	// Output:
	// cross_entropy: 0.9600
	// one_against_all: 1.8751
}
