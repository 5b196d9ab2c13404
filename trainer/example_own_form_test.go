package trainer_test

import (
	"context"
	"fmt"
	"log"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
	"github.com/hessoscope/hessoscope/trainer"
)

// centred is a linear classifier of centred features, f(x) = (x − m)·Wᵀ. In training m
// is the mean of the mini-batch, and a tenth of the features is dropped; else m is the
// running mean.
type centred struct{ weight, mean *tensor.Dense }

func newCentred(features, classes int) *centred {
	return &centred{
		weight: tensor.New(tensor.WithShape(classes, features), tensor.Of(tensor.Float64)),
		mean:   tensor.New(tensor.WithShape(features), tensor.Of(tensor.Float64)),
	}
}

func (m *centred) Parameters() []models.Parameter {
	return []models.Parameter{{Name: "weight", Value: m.weight}}
}

func (m *centred) Buffers() []models.Parameter {
	return []models.Parameter{{Name: "running_mean", Value: m.mean}}
}
func (m *centred) InputShape() []int { return m.weight.Shape()[1:] }
func (m *centred) Classes() int      { return m.weight.Shape()[0] }

// Logits gets the nodes of the parameter and of the buffer.
func (m *centred) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	x, err := centre(x, params[1])
	if err != nil {
		return nil, err
	}
	return op.MatMul(x, params[0], false, true)
}

func (m *centred) TrainingLogits(x *G.Node, params G.Nodes) (*models.Training, error) {
	n := x.Shape()[0]
	mean, err := op.ColSum(x)
	if err != nil {
		return nil, err
	}
	if mean, err = op.Scale(mean, 1/float64(n)); err != nil {
		return nil, err
	}
	if x, err = centre(x, mean); err != nil {
		return nil, err
	}
	mask := G.NewMatrix(x.Graph(), x.Dtype(), G.WithShape(x.Shape()...), G.WithName("mask"),
		G.WithValue(tensor.New(tensor.WithShape(x.Shape()...), tensor.Of(x.Dtype()))))
	if x, err = op.Dropout(x, mask); err != nil {
		return nil, err
	}
	logits, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	updated, err := running(params[1], mean)
	return &models.Training{Logits: logits, Masks: []models.Mask{{Node: mask, Drop: 0.1}}, Updates: G.Nodes{updated}}, err
}

// running is the new running mean, 0.9·old + 0.1·mean.
func running(old, mean *G.Node) (*G.Node, error) {
	kept, err := op.Scale(old, 0.9)
	if err != nil {
		return nil, err
	}
	added, err := op.Scale(mean, 0.1)
	if err != nil {
		return nil, err
	}
	return op.Add(kept, added)
}

func centre(x, mean *G.Node) (*G.Node, error) {
	minus, err := op.Scale(mean, -1)
	if err != nil {
		return nil, err
	}
	return op.AddRow(x, minus)
}

// A user-defined model that is trained in another form than it is measured in. The
// checkpoint holds its running mean.
func Example_ownTrainingForm() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "iris", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model := newCentred(data.Width(), len(data.Classes))
	t, err := trainer.New(trainer.Config{Epochs: 300, BatchSize: 40, Rate: trainer.Rate{Base: 0.3}}, model, data)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := t.Run(ctx); err != nil {
		log.Fatal(err)
	}
	accuracy, _ := t.State().Last("train/accuracy")
	fmt.Printf("accuracy %.2f\n", accuracy.Value)
	checkpoint, err := t.State().Checkpoint()
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range checkpoint.Arrays {
		fmt.Println(a.Name, a.Shape)
	}
	fmt.Printf("%.1f\n", models.Values(model.mean))
	// Output:
	// accuracy 0.84
	// weight [3 4]
	// running_mean [4]
	// [5.8 3.1 3.6 1.1]
}
