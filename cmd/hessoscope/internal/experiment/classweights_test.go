package experiment

import (
	"slices"
	"strings"
	"testing"
)

func TestClassWeights(t *testing.T) {
	for text, want := range map[string]struct {
		weights ClassWeights
		name    string
	}{
		"balanced":    {ClassWeights{0}, "cross_entropy weighted by class (0.9091, 1, 1.111)"},
		"[1, 2, 1]":   {ClassWeights{1, 2, 1}, "cross_entropy weighted by class (0.7"},
		"[2, 2.0, 2]": {ClassWeights{2, 2, 2}, "cross_entropy weighted by class (1, 1, 1)"},
	} {
		c, err := Load("iris")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Set("training.class_weights=" + text); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !slices.Equal(c.Training.Weights, want.weights) {
			t.Errorf("%s: got %v", text, c.Training.Weights)
		}
		data, err := c.LoadData(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if loss, err := c.Loss(data); err != nil || !strings.HasPrefix(loss.Name(), want.name) {
			t.Errorf("%s: loss %v, want %s: %v", text, loss.Name(), want.name, err)
		}
		c.Resolve()
		dir := t.TempDir() + "/run"
		lock, err := c.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		lock.Release()
		again, err := ReadRun(dir)
		if err != nil || !slices.Equal(again.Training.Weights, want.weights) {
			t.Errorf("%s: read back as %v: %v", text, again, err)
		}
	}
}
