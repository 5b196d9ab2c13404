package op_test

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// A sample of logit gap d has 1 − p ≈ e⁻ᵈ: far below the spacing of float64
// at 1 for d = 60, and still a number that loss, gradient and curvature must
// give to full relative accuracy.
func TestConfidentSamplesKeepTheirAccuracy(t *testing.T) {
	for _, gap := range []float64{1, 10, 30, 60, 300} {
		g := G.NewGraph()
		z := G.NewMatrix(g, tensor.Float64, G.WithShape(1, 2), G.WithName("z"),
			G.WithValue(tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float64{gap, 0}))))
		y := G.NewMatrix(g, tensor.Float64, G.WithShape(1, 2), G.WithName("y"),
			G.WithValue(tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float64{1, 0}))))
		w := G.NewVector(g, tensor.Float64, G.WithShape(1), G.WithName("w"),
			G.WithValue(tensor.New(tensor.WithShape(1), tensor.WithBacking([]float64{1}))))
		u := G.NewMatrix(g, tensor.Float64, G.WithShape(1, 2), G.WithName("u"),
			G.WithValue(tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float64{3, 2}))))
		loss, err := op.SoftmaxCrossEntropy(z, y)
		if err != nil {
			t.Fatal(err)
		}
		grad, err := symbolic.Pullback(G.Nodes{loss}, G.Nodes{w}, G.Nodes{z})
		if err != nil {
			t.Fatal(err)
		}
		curvature, err := symbolic.Pullback(grad, G.Nodes{u}, G.Nodes{z})
		if err != nil {
			t.Fatal(err)
		}
		program, err := symbolic.Compile(loss, grad[0], curvature[0])
		if err != nil {
			t.Fatal(err)
		}
		plan, err := program.Plan(loss, grad[0], curvature[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Run(); err != nil {
			t.Fatal(err)
		}
		e := math.Exp(-gap)
		q := e / (1 + e) // 1 − p
		for _, c := range []struct {
			what string
			node *G.Node
			want []float64
		}{
			{"loss", loss, []float64{math.Log1p(e)}},
			{"gradient", grad[0], []float64{-q, q}},
			// (diag p − ppᵀ)·u = q(1−q)·(u₀ − u₁)·(1, −1)
			{"curvature", curvature[0], []float64{q / (1 + e), -q / (1 + e)}},
		} {
			for i, got := range program.Value(c.node).(*tensor.Dense).Float64s() {
				if math.Abs(got-c.want[i]) > 1e-14*math.Abs(c.want[i]) {
					t.Errorf("gap %g: %s[%d] = %g, want %g", gap, c.what, i, got, c.want[i])
				}
			}
		}
	}
}

func TestRectifierPassesNaNOn(t *testing.T) {
	g := G.NewGraph()
	z := G.NewVector(g, tensor.Float64, G.WithShape(2), G.WithName("z"))
	out, err := op.ReLU(z)
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, out, map[*G.Node]G.Value{
		z: tensor.New(tensor.WithShape(2), tensor.WithBacking([]float64{math.NaN(), math.Inf(-1)})),
	})
	if !math.IsNaN(got[0]) || got[1] != 0 {
		t.Errorf("ReLU(NaN, −Inf) = %v, want [NaN 0]", got)
	}
}
