package models_test

import (
	"context"
	"errors"
	"testing"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// BenchmarkForeignHVP computes H·v anew for a graph from outside, 784-100-10 with
// rectifiers, and for the MLP that is the same network.
func BenchmarkForeignHVP(b *testing.B) {
	const n, width, hidden, classes = 100, 784, 100, 10
	g := G.NewGraph()
	var learnables G.Nodes
	layer := func(x *G.Node, name string, in, out int) *G.Node {
		matrix := func(name string, rows, cols int) *G.Node {
			w := G.NewMatrix(g, G.Float64, G.WithShape(rows, cols), G.WithName(name), G.WithValue(randomTensor(tensor.Float64, 1, rows, cols)))
			learnables = append(learnables, w)
			return w
		}
		return G.Must(G.BroadcastAdd(G.Must(G.Mul(x, matrix("w"+name, in, out))), matrix("b"+name, 1, out), nil, []byte{0}))
	}
	x := G.NewMatrix(g, G.Float64, G.WithShape(n, width), G.WithName("x"))
	logits := layer(G.Must(G.Rectify(layer(x, "0", width, hidden))), "1", hidden, classes)
	foreign, err := models.FromNodes(x, logits, learnables)
	if err != nil {
		b.Fatal(err)
	}
	split := blobs(n, width, classes, 1)
	for name, m := range map[string]models.Model{"graph": foreign, "MLP": newMLP(b, models.MLPConfig{Input: width, Hidden: []int{hidden}, Classes: classes})} {
		b.Run(name, func(b *testing.B) {
			o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Workers: 1})
			if err != nil {
				b.Fatal(err)
			}
			v, hv := mat.NewDense(1, o.Dim(), normal(o.Dim(), 1)), mat.NewDense(1, o.Dim(), nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Refresh(); err != nil {
					b.Fatal(err)
				}
				if err := o.HessianProducts(context.Background(), hv, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("FromNodes", func(b *testing.B) {
		for b.Loop() {
			if _, err := models.FromNodes(x, logits, learnables); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkForeignConvNet computes H·v anew for the network of convNet, written in
// Gorgonia's operations, and for convNet itself.
func BenchmarkForeignConvNet(b *testing.B) {
	own, split, _, _ := mnist017(b, tensor.Float64)
	g := G.NewGraph()
	n := split.Len()
	var learnables G.Nodes
	for _, p := range own.params {
		shape := p.Value.Shape().Clone()
		if p.Value.Dims() == 1 && len(learnables) < 4 {
			shape = tensor.Shape{1, shape[0], 1, 1}
		}
		v := p.Value.Clone().(*tensor.Dense)
		if err := v.Reshape(shape...); err != nil {
			b.Fatal(err)
		}
		learnables = append(learnables, G.NewTensor(g, G.Float64, len(shape), G.WithShape(shape...), G.WithName(p.Name), G.WithValue(v)))
	}
	x := G.NewTensor(g, G.Float64, 4, G.WithShape(n, 1, 28, 28), G.WithName("x"))
	h := x
	for i := range 2 {
		h = G.Must(G.Conv2d(h, learnables[2*i], tensor.Shape{3, 3}, []int{0, 0}, []int{1, 1}, []int{1, 1}))
		h = G.Must(G.Rectify(G.Must(G.BroadcastAdd(h, learnables[2*i+1], nil, []byte{0, 2, 3}))))
		h = G.Must(G.MaxPool2D(h, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	}
	h = G.Must(G.Reshape(h, tensor.Shape{n, 32 * 5 * 5}))
	logits := G.Must(G.BroadcastAdd(G.Must(G.Mul(h, G.Must(G.Transpose(learnables[4])))), learnables[5], nil, []byte{0}))
	foreign, err := models.FromNodes(x, logits, learnables)
	if err != nil {
		b.Fatal(err)
	}
	for name, m := range map[string]models.Model{"graph": foreign, "convNet": own} {
		b.Run(name, func(b *testing.B) {
			o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Workers: 1})
			if err != nil {
				b.Fatal(err)
			}
			v, hv := mat.NewDense(1, o.Dim(), normal(o.Dim(), 1)), mat.NewDense(1, o.Dim(), nil)
			for b.Loop() {
				if err := errors.Join(o.Refresh(), o.HessianProducts(context.Background(), hv, v)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(o.Bytes())/(1<<20), "MiB")
		})
	}
}
