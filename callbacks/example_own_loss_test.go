package callbacks_test

import (
	"context"
	"fmt"
	"log"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
	"github.com/hessoscope/hessoscope/trainer"
)

// squeezed is the cross-entropy with a penalty on large logits,
// −log softmax(f)_y + c·‖f‖².
type squeezed struct{ c float64 }

func (squeezed) Name() string { return "squeezed" }

func (s squeezed) Losses(logits, target *G.Node) (*G.Node, error) {
	entropy, err := op.SoftmaxCrossEntropy(logits, target)
	if err != nil {
		return nil, err
	}
	squares, err := op.RowDot(logits, logits)
	if err != nil {
		return nil, err
	}
	penalty, err := op.Scale(squares, s.c)
	if err != nil {
		return nil, err
	}
	return op.Add(entropy, penalty)
}

// A user-defined loss, which is both trained and measured. The penalty keeps the
// loss curved where the cross-entropy alone becomes flat.
func Example_ownLoss() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, loss := range []models.Loss{models.CrossEntropy, squeezed{0.01}} {
		model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3}, trainer.Stream(1, "init", 0))
		if err != nil {
			log.Fatal(err)
		}
		t, err := trainer.New(trainer.Config{Epochs: 100, BatchSize: 25, Rate: trainer.Rate{Base: 0.5}, Loss: loss},
			model, data, &callbacks.Spectrum{})
		if err != nil {
			log.Fatal(err)
		}
		if _, err := t.Run(ctx); err != nil {
			log.Fatal(err)
		}
		lambda, _ := t.State().Fresh("spectrum/lambda_max")
		fmt.Printf("%s: λ₁ = %.2g\n", loss.Name(), lambda)
	}
	// Output:
	// cross_entropy: λ₁ = 0.045
	// squeezed: λ₁ = 0.87
}
