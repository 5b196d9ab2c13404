package models_test

import (
	"context"
	"math"
	"testing"

	"github.com/hessoscope/hessoscope/models"
)

func TestKinks(t *testing.T) {
	split := blobs(300, 1, 2, 1)
	split.X[5], split.X[299] = 0, 1e-7
	m := newMLP(t, models.MLPConfig{Input: 1, Hidden: []int{1}, Classes: 2})
	w, b := m.Parameters()[0].Value.Float64s(), m.Parameters()[1].Value.Float64s()
	w[0], b[0] = 2, 0 // z = 2x
	k, err := newObjective(t, m, models.CrossEntropy, split, 2).Kinks(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if k.Units != 300 || k.On != 1 || math.Abs(k.Nearest-2e-7) > 1e-20 || !(k.Typical > 0.5) {
		t.Errorf("kinks %+v, want 300 units, 1 on the kink, the nearest 2e-7 away", k)
	}
	smooth := newMLP(t, models.MLPConfig{Input: 1, Hidden: []int{3}, Classes: 2, Activation: models.Tanh})
	if k, err := newObjective(t, smooth, models.CrossEntropy, split, 1).Kinks(context.Background()); err != nil || k.Units != 0 {
		t.Errorf("tanh: kinks %+v, error %v; want none", k, err)
	}
}
