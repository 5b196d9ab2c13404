package experiment

import (
	"math"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// ClassWeights are the weights of the classes in the loss. In a file they are a list of
// numbers, or the word balanced, which is [0] here: no weight is 0.
type ClassWeights []float64

const balanced = "balanced"

func (w ClassWeights) isBalanced() bool { return slices.Equal(w, ClassWeights{0}) }

// UnmarshalYAML reads the word or the list.
func (w *ClassWeights) UnmarshalYAML(n ast.Node) error {
	if n.GetToken().Value == balanced {
		*w = ClassWeights{0}
		return nil
	}
	var values []float64
	_, isList := n.(*ast.SequenceNode)
	if isList {
		if err := yaml.NodeToValue(n, &values); err != nil {
			return err
		}
	}
	if len(values) < 2 || slices.ContainsFunc(values, func(v float64) bool { return !(v > 0 && v <= math.MaxFloat64) }) {
		return &yaml.SyntaxError{Token: n.GetToken(), Message: "class_weights wants balanced, or a list of a positive number for each class, [1, 2.5, 10]"}
	}
	*w = values
	return nil
}

// MarshalYAML returns what UnmarshalYAML reads.
func (w ClassWeights) MarshalYAML() (any, error) {
	if w.isBalanced() {
		return balanced, nil
	}
	return []float64(w), nil
}

// Loss returns the loss that is trained, which class weights make depend on the labels
// of the training split.
func (c *Config) Loss(data *datasets.Dataset) (models.Loss, error) {
	loss, weights := c.Training.Loss.Loss(), []float64(c.Training.Weights)
	if len(weights) == 0 {
		return loss, nil
	}
	train, err := data.Split(datasets.Train)
	if err != nil {
		return nil, err
	}
	if c.Training.Weights.isBalanced() {
		if weights, err = models.BalancedWeights(train.Labels, len(data.Classes)); err != nil {
			return nil, err
		}
	}
	if loss == nil {
		loss = models.CrossEntropy
	}
	return models.Weighted(loss, weights, train.Labels)
}
