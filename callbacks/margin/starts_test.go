package margin

import (
	"math/rand/v2"
	"testing"

	"github.com/hessoscope/hessoscope/models"
)

// Samples too large for a block are worked on one by one.
func TestAtOnce(t *testing.T) {
	for values, want := range map[int]int{1: blockValues, blockValues / 3: 3, blockValues: 1, blockValues + 1: 1, 5 * blockValues: 1} {
		if got := atOnce(values); got != want {
			t.Errorf("%d samples of %d values each, want %d", got, values, want)
		}
	}
}

// For a linear classifier each first step crosses the boundary with the class that it
// goes towards. A sample on the boundary needs none.
func TestNewtonStepsOfALinearClassifier(t *testing.T) {
	const width, samples, perPoint = 100, 5, 3 // perPoint is the cost of a gradient in evaluations
	for _, test := range []struct {
		classes, towards int
		bound            bool // whether the samples are on the boundary
	}{{2, 1, false}, {4, 3, false}, {80, maxDirections, false}, {4, 0, true}} {
		rng := rand.New(rand.NewPCG(8, 9))
		mlp, err := models.NewMLP(models.MLPConfig{Input: width, Classes: test.classes}, rng)
		if err != nil {
			t.Fatal(err)
		}
		if test.bound {
			clear(mlp.Parameters()[0].Value.Float64s())
			clear(mlp.Parameters()[1].Value.Float64s())
		}
		field, err := models.NewField(mlp, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		m := &search{
			Distances: &Distances{
				Predicted: make([]int, samples), Rivals: make([]int, samples),
				Values: make([]float64, samples), Converged: make([]bool, samples),
			},
			field: field, width: width, classes: test.classes,
		}
		for range samples * width {
			m.x = append(m.x, rng.NormFloat64())
		}
		if err := m.predict(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := m.Evaluations
		rays, err := m.newton(t.Context(), 0, samples)
		if err != nil {
			t.Fatal(err)
		}
		found, spent := make([]int, samples), m.Evaluations-before
		for _, r := range rays {
			found[r.owner]++
		}
		for i, n := range found {
			if n != test.towards {
				t.Errorf("%d classes: %d crossings from sample %d, want %d", test.classes, n, i, test.towards)
			}
		}
		if want := 2 * perPoint * samples * test.towards; spent != want {
			t.Errorf("%d classes: %d evaluations, want %d: of both ends of each step", test.classes, spent, want)
		}
	}
}
