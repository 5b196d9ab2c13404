package models_test

import (
	"context"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// benchmarkGauss runs a benchmark on the paper's three-class Gaussian set with
// the network it is learned with: 10,703 parameters, 150 samples; in both
// precisions.
func benchmarkGauss(b *testing.B, run func(b *testing.B, o *models.Objective)) {
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		b.Fatal(err)
	}
	train, err := data.Split("train")
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name      string
		precision tensor.Dtype
	}{{"gauss", tensor.Float64}, {"gauss/float32", tensor.Float32}} {
		m := newMLP(b, models.MLPConfig{Input: 2, Hidden: []int{100, 100}, Classes: 3, Precision: bench.precision})
		o, err := models.NewObjective(m, models.CrossEntropy, train, models.ObjectiveSettings{Precision: bench.precision, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bench.name, func(b *testing.B) { run(b, o) })
	}
}

func BenchmarkGradient(b *testing.B) {
	benchmarkGauss(b, func(b *testing.B, o *models.Objective) {
		g := make([]float64, o.Dim())
		if _, err := o.Gradient(context.Background(), g); err != nil { // builds the graph
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := o.Refresh(); err != nil {
				b.Fatal(err)
			}
			if _, err := o.Gradient(context.Background(), g); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkHVPFresh computes H·v after the parameters have changed,
// BenchmarkHVPAgain for another v at the same parameters.
func BenchmarkHVPFresh(b *testing.B) {
	benchmarkProduct(b, true, (*models.Objective).HessianProducts)
}

func BenchmarkHVPAgain(b *testing.B) {
	benchmarkProduct(b, false, (*models.Objective).HessianProducts)
}

// BenchmarkFisherAgain computes F·v for another v at the same parameters.
func BenchmarkFisherAgain(b *testing.B) {
	benchmarkProduct(b, false, (*models.Objective).EmpiricalFisherProducts)
}

func benchmarkProduct(b *testing.B, fresh bool, products func(o *models.Objective, ctx context.Context, dst, src *mat.Dense) error) {
	benchmarkGauss(b, func(b *testing.B, o *models.Objective) {
		dst, src := mat.NewDense(1, o.Dim(), nil), mat.NewDense(1, o.Dim(), normal(o.Dim(), 1))
		if err := products(o, context.Background(), dst, src); err != nil { // builds the graph
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if fresh {
				if err := o.Refresh(); err != nil {
					b.Fatal(err)
				}
			}
			if err := products(o, context.Background(), dst, src); err != nil {
				b.Fatal(err)
			}
		}
	})
}
