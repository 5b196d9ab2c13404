package models_test

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
)

// A weighted loss over samples is the plain one over a split in which samples come as
// often as their weights say: in value, gradient and H·v, and for each activation.
func TestWeightedIsRepeated(t *testing.T) {
	split := blobs(41, 3, 3, 1)
	weights := []float64{1, 4, 2}
	var rows []int
	for i, y := range split.Labels {
		for range int(weights[y]) {
			rows = append(rows, i)
		}
	}
	repeated, err := split.Subset(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []models.Loss{models.CrossEntropy, models.SquaredError, oneAgainstAll{}} {
		loss, err := models.Weighted(base, weights, split.Labels)
		if err != nil {
			t.Fatal(err)
		}
		m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{7, 5}, Classes: 3, Activation: models.Tanh})
		have, want := newObjective(t, m, loss, split, 2), newObjective(t, m, base, repeated, 1)
		v := normal(have.Dim(), 5)
		floats.Scale(1/floats.Norm(v, 2), v)
		g, value := gradient(t, have)
		g = append([]float64(nil), g...)
		wantG, wantValue := gradient(t, want)
		if math.Abs(value-wantValue) > 1e-14*wantValue {
			t.Errorf("%s: loss %g, want %g", loss.Name(), value, wantValue)
		}
		if e := floats.Distance(g, wantG, 2) / floats.Norm(wantG, 2); !(e < 1e-13) {
			t.Errorf("%s: gradient off by %.2g, relative", loss.Name(), e)
		}
		exact := append([]float64(nil), product(t, have, v)...)
		wantHv := product(t, want, v)
		if e := floats.Distance(exact, wantHv, 2) / floats.Norm(wantHv, 2); !(e < 1e-12) {
			t.Errorf("%s: H·v off by %.2g, relative", loss.Name(), e)
		}
		differences(t, have, v, g, exact)
	}
}

// differences compares the slope along v and H·v with the five-point formula, whose
// error is of order h⁴.
func differences(t *testing.T, o *models.Objective, v, g, hv []float64) {
	t.Helper()
	const h = 1e-3
	at, change, slope := make([]float64, o.Dim()), make([]float64, o.Dim()), 0.0
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		loss, err := o.GradientAt(context.Background(), at, v, s.at*h)
		if err != nil {
			t.Fatal(err)
		}
		slope += s.weight / (12 * h) * loss
		floats.AddScaled(change, s.weight/(12*h), at)
	}
	if e := math.Abs(slope-floats.Dot(g, v)) / floats.Norm(g, 2); !(e < 1e-10) {
		t.Errorf("gradient: %.2g off the differences, relative", e)
	}
	if e := floats.Distance(change, hv, 2) / floats.Norm(hv, 2); !(e < 1e-9) {
		t.Errorf("H·v: %.2g off the differences, relative", e)
	}
}

// Over another split than that of the labels, the losses are divided by the same mean
// weight.
func TestWeightedElsewhere(t *testing.T) {
	train, other := blobs(40, 2, 3, 1), blobs(30, 2, 3, 2)
	weights := []float64{2, 1, 5}
	loss, err := models.Weighted(models.CrossEntropy, weights, train.Labels)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for _, y := range train.Labels {
		mean += weights[y] / 40
	}
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 3})
	want := 0.0
	for i, y := range other.Labels {
		one, err := other.Subset([]int{i})
		if err != nil {
			t.Fatal(err)
		}
		e, err := newObjective(t, m, models.CrossEntropy, one, 1).Evaluate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want += weights[y] / mean * e.Loss / 30
	}
	e, err := newObjective(t, m, loss, other, 2).Evaluate(t.Context())
	if err != nil || math.Abs(e.Loss-want) > 1e-14 {
		t.Errorf("loss %v, want %v: %v", e.Loss, want, err)
	}
}

func TestBalancedWeights(t *testing.T) {
	labels := []int{0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2}
	weights, err := models.BalancedWeights(labels, 3)
	if err != nil || !floats.EqualApprox(weights, []float64{12.0 / 18, 2, 1}, 1e-15) {
		t.Errorf("weights %v: %v", weights, err)
	}
	loss, err := models.Weighted(models.CrossEntropy, weights, labels)
	if err != nil || loss.Name() != "cross_entropy weighted by class (0.6667, 2, 1)" {
		t.Errorf("%v: %v", loss, err)
	}
	_, err = models.BalancedWeights(labels, 4)
	wantError(t, err, "models: class 3 has no sample, so that no weight makes it count as the others do")
	_, err = models.BalancedWeights(labels, 2)
	wantError(t, err, "models: sample 8 has the label 2; want one of 2 classes")
}

func TestWeightedRefuses(t *testing.T) {
	for _, tt := range []struct {
		loss    models.Loss
		weights []float64
		labels  []int
		want    string
	}{
		{models.CrossEntropy, []float64{1, 2}, nil, "models: weights of classes, and no labels: they are for classification"},
		{models.CrossEntropy, []float64{1, 2}, []int{0, 2}, "models: 2 weights of classes, and sample 1 has the label 2; want a weight for each class"},
		{models.CrossEntropy, []float64{1, 0}, []int{0, 1}, "models: class 1 has the weight 0; want positive numbers of like size"},
		{models.CrossEntropy, []float64{math.NaN(), 1}, []int{0, 1}, "models: class 0 has the weight NaN; want positive numbers of like size"},
		{models.CrossEntropy, []float64{math.Inf(1), 1}, []int{0, 1}, "models: class 0 has the weight +Inf; want positive numbers of like size"},
		{nil, []float64{1, 1}, []int{0, 1}, "models: weights of classes for the cost of a graph, or none; want CrossEntropy, SquaredError or a loss of your own"},
	} {
		_, err := models.Weighted(tt.loss, tt.weights, tt.labels)
		wantError(t, err, tt.want)
	}
	split := blobs(10, 2, 3, 1)
	loss, err := models.Weighted(models.CrossEntropy, []float64{1, 2, 3}, split.Labels)
	if err != nil {
		t.Fatal(err)
	}
	_, err = models.NewObjective(newMLP(t, models.MLPConfig{Input: 2, Classes: 4}), loss, split, models.ObjectiveSettings{})
	wantError(t, err, "models: building the loss cross_entropy weighted by class ("+"0.5263, 1.053, 1.579): 3 weights for 4 classes")
	split.Targets, split.Labels, split.Index = make([]float64, 30), nil, make([]int, 10)
	_, err = models.NewObjective(newMLP(t, models.MLPConfig{Input: 2, Classes: 3}), loss, split, models.ObjectiveSettings{})
	wantError(t, err, `models: split "train" has no labels, as in a regression, and the loss weighs classes`)
}
