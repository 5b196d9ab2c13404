package models_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

func TestRegister(t *testing.T) {
	for name, b := range map[string]models.Builder{"": newSkipNet, "mlp": newSkipNet, "skip": newSkipNet, "fresh": nil} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", name)
				}
			}()
			models.Register(name, b)
		}()
	}
	if names := models.BuilderNames(); !slices.Contains(names, "skip") || slices.Contains(names, "mlp") || !slices.IsSorted(names) {
		t.Errorf("names %q", names)
	}
	_, err := models.BuilderNamed("mlp")
	wantError(t, err, `is "mlp", which has no Builder; NewMLP makes it`)
}

// The same Spec and the same random numbers make the same model, in both
// precisions, and it can be measured.
func TestBuilder(t *testing.T) {
	spec := models.Spec{InputShape: []int{3}, Classes: 4, Precision: tensor.Float32, Options: func(into any) error {
		into.(*struct {
			Width int `yaml:"width"`
		}).Width = 5
		return nil
	}}
	m, err := newSkipNet(spec, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if models.Size(m) != 5*3+4*5+4*3 || models.Precision(m) != tensor.Float32 {
		t.Errorf("%d parameters of %v", models.Size(m), models.Precision(m))
	}
	split := blobs(150, 3, 4, 3)
	if !slices.Equal(results(t, m, split, 1), results(t, m, split, 2)) {
		t.Error("2 workers: not the same bits")
	}
}
