package models_test

import (
	"context"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// gauss is the paper's three-class Gaussian set with the network it is learned
// with: 10,703 parameters, 150 samples.
func gauss(b *testing.B) (*models.MLP, *models.Objective) {
	b.Helper()
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		b.Fatal(err)
	}
	train, err := data.Split("train")
	if err != nil {
		b.Fatal(err)
	}
	m := newMLP(b, models.MLPConfig{Input: 2, Hidden: []int{100, 100}, Classes: 3})
	return m, newObjective(b, m, models.CrossEntropy, train, 1)
}

func BenchmarkGradient(b *testing.B) {
	b.Run("gauss", func(b *testing.B) {
		_, o := gauss(b)
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
func BenchmarkHVPFresh(b *testing.B) { benchmarkHVP(b, true) }

func BenchmarkHVPAgain(b *testing.B) { benchmarkHVP(b, false) }

func benchmarkHVP(b *testing.B, fresh bool) {
	b.Run("gauss", func(b *testing.B) {
		_, o := gauss(b)
		dst, src := mat.NewDense(1, o.Dim(), nil), mat.NewDense(1, o.Dim(), normal(o.Dim(), 1))
		if err := o.HessianProducts(context.Background(), dst, src); err != nil { // builds the graph
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if fresh {
				if err := o.Refresh(); err != nil {
					b.Fatal(err)
				}
			}
			if err := o.HessianProducts(context.Background(), dst, src); err != nil {
				b.Fatal(err)
			}
		}
	})
}
