package models_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// BenchmarkHVP shows that the cost of H·v grows linearly in the number of samples
// and in that of parameters, over two decades each, and that workers share it.
func BenchmarkHVP(b *testing.B) {
	for _, samples := range []int{100, 300, 1_000, 3_000, 10_000} {
		b.Run(fmt.Sprintf("samples=%d", samples), func(b *testing.B) { benchmarkScaling(b, samples, 100, 1) })
	}
	b.Run("samples=10000/workers=2", func(b *testing.B) { benchmarkScaling(b, 10_000, 100, 2) })
	for _, hidden := range []int{30, 60, 100, 180, 330} {
		p := 2*hidden + hidden + hidden*hidden + hidden + 3*hidden + 3
		b.Run(fmt.Sprintf("parameters=%d", p), func(b *testing.B) { benchmarkScaling(b, 150, hidden, 1) })
	}
}

// benchmarkScaling is H·v of a net 2–hidden–hidden–3 on random samples.
func benchmarkScaling(b *testing.B, samples, hidden, workers int) {
	rng := rand.New(rand.NewPCG(1, 2))
	split := &datasets.Split{Name: "random", X: make([]float64, 2*samples), Labels: make([]int, samples)}
	for i := range split.X {
		split.X[i] = rng.NormFloat64()
	}
	for i := range split.Labels {
		split.Labels[i] = rng.IntN(3)
	}
	m := newMLP(b, models.MLPConfig{Input: 2, Hidden: []int{hidden, hidden}, Classes: 3})
	o := newObjective(b, m, models.CrossEntropy, split, workers)
	const vectors = 4 // at once, as the solvers have several
	src := mat.NewDense(vectors, o.Dim(), normal(vectors*o.Dim(), 1))
	dst := mat.NewDense(vectors, o.Dim(), nil)
	if err := o.HessianProducts(context.Background(), dst, src); err != nil { // builds the graph
		b.Fatal(err)
	}
	for b.Loop() {
		if err := o.HessianProducts(context.Background(), dst, src); err != nil {
			b.Fatal(err)
		}
	}
	perProduct := float64(b.Elapsed().Microseconds()) / float64(b.N*vectors)
	b.ReportMetric(perProduct, "µs/Hv")
	b.ReportMetric(1e6*perProduct/float64(samples*o.Dim()), "ps/sample/parameter")
}
