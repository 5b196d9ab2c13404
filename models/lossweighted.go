package models

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Weighted returns a loss in which classes count differently: that of a sample of
// class y is
//
//	w_y·ℓ / w̄,  w̄ = (1/N) Σₙ w_yₙ
//
// with the weights w, one a class, and w̄ their mean over the given labels, those of
// the training split. Its mean over that split is Σ w_y·ℓ / Σ w_y, as of PyTorch's
// CrossEntropyLoss(weight=w) over the whole split. Since w̄ is one number for all
// samples, the mean over a mini-batch is an unbiased estimate of that; PyTorch
// divides by the sum of the weights in the batch, and its estimate is not. Over another
// split the mean is divided by the same w̄.
//
// Samples must have labels. Weights must be positive and finite, and labels below
// their number.
func Weighted(loss Loss, weights []float64, labels []int) (Loss, error) {
	if _, isOwn := loss.(*ownCost); isOwn || loss == nil {
		return nil, errors.New("models: weights of classes for the cost of a graph, or none; want CrossEntropy, SquaredError or a loss of your own")
	}
	if len(labels) == 0 {
		return nil, errors.New("models: weights of classes, and no labels: they are for classification")
	}
	mean := 0.0
	for i, y := range labels {
		if y < 0 || y >= len(weights) {
			return nil, fmt.Errorf("models: %d weights of classes, and sample %d has the label %d; want a weight for each class", len(weights), i, y)
		}
		mean += weights[y] / float64(len(labels))
	}
	relative := make([]float64, len(weights))
	names := make([]string, len(weights))
	for c, w := range weights {
		relative[c] = w / mean
		if !(w > 0 && relative[c] > 0) || math.IsInf(relative[c], 0) {
			return nil, fmt.Errorf("models: class %d has the weight %g; want positive numbers of like size", c, w)
		}
		names[c] = strconv.FormatFloat(relative[c], 'g', 4, 64)
	}
	name := fmt.Sprintf("%s weighted by class (%s)", loss.Name(), strings.Join(names, ", "))
	return &weighted{loss: loss, weights: relative, name: name}, nil
}

// BalancedWeights returns weights in inverse proportion to the number of samples of
// each class, N/(C·n_c): all classes count alike. Their mean over the labels is 1. A
// class without a sample is an error.
func BalancedWeights(labels []int, classes int) ([]float64, error) {
	counts := make([]int, classes)
	for i, y := range labels {
		if y < 0 || y >= classes {
			return nil, fmt.Errorf("models: sample %d has the label %d; want one of %d classes", i, y, classes)
		}
		counts[y]++
	}
	if c := slices.Index(counts, 0); c >= 0 {
		return nil, fmt.Errorf("models: class %d has no sample, so that no weight makes it count as the others do", c)
	}
	weights := make([]float64, classes)
	for c, n := range counts {
		weights[c] = float64(len(labels)) / (float64(classes) * float64(n))
	}
	return weights, nil
}

// weighted is what Weighted returns.
type weighted struct {
	loss    Loss
	weights []float64 // w/w̄
	name    string
}

// Name implements Loss.
func (l *weighted) Name() string { return l.name }

// Losses implements Loss.
func (l *weighted) Losses(logits, target *G.Node) (*G.Node, error) {
	n, classes := target.Shape()[0], len(l.weights)
	if have := target.Shape()[1]; have != classes {
		return nil, fmt.Errorf("%d weights for %d classes", classes, have)
	}
	losses, err := lossesOf(l.loss, logits, target)
	if err != nil {
		return nil, err
	}
	column := tensor.New(tensor.WithShape(classes, 1), tensor.Of(logits.Dtype()))
	for c, w := range l.weights {
		if logits.Dtype() == tensor.Float32 {
			column.Float32s()[c] = float32(w)
		} else {
			column.Float64s()[c] = w
		}
	}
	w := G.NewTensor(logits.Graph(), logits.Dtype(), 2, G.WithShape(classes, 1), G.WithName("class weights"), G.WithValue(column))
	ofSamples, err := op.MatMul(target, w, false, false)
	if err != nil {
		return nil, err
	}
	if ofSamples, err = op.Reshape(ofSamples, tensor.Shape{n}); err != nil {
		return nil, err
	}
	return op.Mul(losses, ofSamples)
}
