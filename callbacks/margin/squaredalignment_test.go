package margin

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
)

// The gradient agrees with difference quotients, and an ascent along it ends where it is
// higher, or with an error.
func TestSquaredAlignment(t *testing.T) {
	const width = 3
	rng := rand.New(rand.NewPCG(6, 7))
	m, err := models.NewMLP(models.MLPConfig{Input: width, Hidden: []int{5}, Classes: 3, Activation: models.Tanh}, rng)
	if err != nil {
		t.Fatal(err)
	}
	q, err := newSquaredAlignment(m, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	v, x := make([]float64, q.point.Dim()), make([]float64, width)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	floats.Scale(1/floats.Norm(v, 2), v)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	at := func(x []float64) float64 {
		value, err := q.at(t.Context(), v, x)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	want := make([]float64, width)
	for i := range x {
		const h = 1e-5
		shifted := append([]float64(nil), x...)
		shifted[i] = x[i] + h
		want[i] = at(shifted)
		shifted[i] = x[i] - h
		want[i] = (want[i] - at(shifted)) / (2 * h)
	}
	start := at(x)
	if err := q.differentiate(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if off := floats.Distance(q.gradient, want, 2) / floats.Norm(want, 2); !(off < 1e-6) {
		t.Errorf("gradient %v, want %v", q.gradient, want)
	}

	a := &ascent{x: append([]float64(nil), x...)}
	if err := q.ascend(t.Context(), a, v, 1); err != nil || a.steps == 0 || a.alignment <= start || math.Abs(at(a.x)-a.alignment) > 1e-15 {
		t.Errorf("from %g to %+v, error %v", start, a, err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if q, err = newSquaredAlignment(m, models.ObjectiveSettings{}); err != nil {
		t.Fatal(err)
	}
	if err := q.ascend(cancelled, a, v, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
