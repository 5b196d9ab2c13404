package models_test

import (
	"context"
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
