package models

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/datasets"
)

// Chunks of a network with much memory a sample have fewer samples, and give the same
// gradient.
func TestChunksFitMemory(t *testing.T) {
	const n, hidden = 50, 300_000
	m, err := NewMLP(MLPConfig{Input: 1, Hidden: []int{hidden}, Classes: 2, Activation: Tanh}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	split := &datasets.Split{Name: "train"}
	for i := range n {
		split.X, split.Labels, split.Index = append(split.X, float64(i)/n), append(split.Labels, i%2), append(split.Index, i)
	}
	o, err := NewObjective(m, CrossEntropy, split, ObjectiveSettings{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if bytes := o.replicas[0].program.Bytes(); bytes > maxForwardBytes || o.size < 5 {
		t.Errorf("%d samples take %d bytes; want at most %d", o.size, bytes, maxForwardBytes)
	}
	f, err := NewField(m, ObjectiveSettings{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if bytes := f.replicas[0].program.Bytes(); bytes > 4*maxForwardBytes || f.size < 20 {
		t.Errorf("%d points take %d bytes; want at most %d", f.size, bytes, 4*maxForwardBytes)
	}
	whole := make([]float64, o.Dim())
	if _, err := o.Gradient(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	sum := make([]float64, o.Dim())
	if err := o.SampleGradients(t.Context(), func(_ int, g []float64) error {
		floats.AddScaled(sum, 1./n, g)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if off := floats.Distance(whole, sum, math.Inf(1)); off > 1e-12*floats.Norm(whole, math.Inf(1)) {
		t.Errorf("the gradient is %g off", off)
	}
}
