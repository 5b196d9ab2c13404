package models_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic"
)

// benchmarkNets runs a benchmark on two of the paper's networks with the data they
// are learned with, on one worker: gauss, an MLP of 10,703 parameters on 150 samples
// in the plane, and mnist017, a convolutional network of 7,203 parameters on 450
// digits. And on wide networks of 784 inputs and ten classes, named by their hidden
// layers and the number of samples, with as many workers as there are processors.
// All are in both precisions.
func benchmarkNets(b *testing.B, run func(b *testing.B, o *models.Objective)) {
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		b.Fatal(err)
	}
	gauss, err := data.Split("train")
	if err != nil {
		b.Fatal(err)
	}
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		suffix := ""
		if precision == tensor.Float32 {
			suffix = "/float32"
		}
		bench := func(name string, m func() models.Model, split func() *datasets.Split, workers int) {
			b.Run(name+suffix, func(b *testing.B) {
				o, err := models.NewObjective(m(), models.CrossEntropy, split(), models.ObjectiveSettings{Precision: precision, Workers: workers})
				if err != nil {
					b.Fatal(err)
				}
				run(b, o)
			})
		}
		mlp := func(c models.MLPConfig) func() models.Model {
			c.Precision = precision
			return func() models.Model { return newMLP(b, c) }
		}
		bench("gauss", mlp(models.MLPConfig{Input: 2, Hidden: []int{100, 100}, Classes: 3}), func() *datasets.Split { return gauss }, 1)
		digits, digitsSplit, _, _ := mnist017(b, precision)
		bench("mnist017", func() models.Model { return digits }, func() *datasets.Split { return digitsSplit }, 1)
		for _, wide := range []struct {
			name    string
			hidden  []int
			samples int
		}{
			{"100-100_300", []int{100, 100}, 300},
			{"100-100_1000", []int{100, 100}, 1000},
			{"100-100_10000", []int{100, 100}, 10_000},
			{"1000_1000", []int{1000}, 1000},
			{"512-512-512_1000", []int{512, 512, 512}, 1000},
		} {
			bench(wide.name, mlp(models.MLPConfig{Input: 784, Hidden: wide.hidden, Classes: 10}),
				func() *datasets.Split { return uniform(wide.samples, 784, 10) }, 0)
		}
	}
}

// uniform returns n samples of random values from 0 to 1, as pixels are, and random
// labels.
func uniform(n, width, classes int) *datasets.Split {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &datasets.Split{Name: "uniform", X: make([]float64, n*width), Labels: make([]int, n)}
	for i := range s.X {
		s.X[i] = rng.Float64()
	}
	for i := range s.Labels {
		s.Labels[i] = rng.IntN(classes)
	}
	return s
}

func BenchmarkGradient(b *testing.B) {
	benchmarkNets(b, func(b *testing.B, o *models.Objective) {
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

// BenchmarkBatchGradient computes the gradient of 64 samples that change from call
// to call, as a step of training does.
func BenchmarkBatchGradient(b *testing.B) {
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		name := "mnist017"
		if precision == tensor.Float32 {
			name += "/float32"
		}
		m, split, _, _ := mnist017(b, precision)
		b.Run(name, func(b *testing.B) {
			step := batchGradient(b, m, split, 64)
			if err := step(); err != nil { // finds its buffers
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := step(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// batchGradient returns a function that computes the gradient of the first n
// samples.
func batchGradient(b *testing.B, m models.Model, split *datasets.Split, n int) func() error {
	e, err := models.Express(m, models.CrossEntropy, n, models.Precision(m))
	if err != nil {
		b.Fatal(err)
	}
	gradient, err := e.Gradient()
	if err != nil {
		b.Fatal(err)
	}
	program, err := symbolic.CompileTogether([]G.Nodes{append(e.Inputs(), e.Params...)}, gradient...)
	if err != nil {
		b.Fatal(err)
	}
	plan, err := program.Plan(gradient...)
	if err != nil {
		b.Fatal(err)
	}
	for i, p := range m.Parameters() {
		if err := program.Set(e.Params[i], p.Value); err != nil {
			b.Fatal(err)
		}
	}
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	changed := append(e.Inputs(), e.Params...)
	return func() error {
		e.Fill(split, rows, 1/float64(n))
		program.Changed(changed...)
		return plan.Run()
	}
}

func benchmarkProduct(b *testing.B, fresh bool, products func(o *models.Objective, ctx context.Context, dst, src *mat.Dense) error) {
	benchmarkNets(b, func(b *testing.B, o *models.Objective) {
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
