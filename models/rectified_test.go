package models_test

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// outside is a network 2-6-5-3 of Gorgonia's operations for batches of 16, with act
// between the layers.
func outside(t *testing.T, act func(*G.Node) (*G.Node, error), skip bool) models.Model {
	t.Helper()
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(16, 2), G.WithName("x"))
	var learnables G.Nodes
	h, widths := x, []int{2, 6, 5, 3}
	rng := rand.New(rand.NewPCG(3, 4))
	for l, out := range widths[1:] {
		w := G.NewMatrix(g, G.Float64, G.WithShape(widths[l], out), G.WithName("w"+string(rune('1'+l))), G.WithValue(random(rng, widths[l], out)))
		b := G.NewMatrix(g, G.Float64, G.WithShape(1, out), G.WithName("b"+string(rune('1'+l))), G.WithValue(random(rng, 1, out)))
		learnables = append(learnables, w, b)
		if l > 0 {
			h = G.Must(act(h))
		}
		h = G.Must(G.BroadcastAdd(G.Must(G.Mul(h, w)), b, nil, []byte{0}))
	}
	if skip {
		w := G.NewMatrix(g, G.Float64, G.WithShape(2, 3), G.WithName("skip"), G.WithValue(random(rng, 2, 3)))
		learnables = append(learnables, w)
		h = G.Must(G.Add(h, G.Must(G.Mul(x, w))))
	}
	m, err := models.FromNodes(x, h, learnables)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func random(rng *rand.Rand, rows, cols int) *tensor.Dense {
	values := make([]float64, rows*cols)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(values))
}

// The layers of a graph from outside are read from its values, if they are dense layers
// with rectifiers between them.
func TestDenseOfGraphs(t *testing.T) {
	leaky := func(h *G.Node) (*G.Node, error) { return G.LeakyRelu(h, 0.01) }
	clipped := func(h *G.Node) (*G.Node, error) { // no larger than 6
		six := G.NewConstant(6.0)
		over := G.Must(G.Rectify(G.Must(G.Sub(h, six))))
		return G.Sub(G.Must(G.Rectify(h)), over)
	}
	for name, test := range map[string]struct {
		act  func(*G.Node) (*G.Node, error)
		skip bool
		want models.Activation
	}{
		"rectifiers":             {G.Rectify, false, models.ReLU},
		"leaky rectifiers":       {leaky, false, models.LeakyReLU},
		"tanh":                   {G.Tanh, false, ""},
		"clipped":                {clipped, false, ""},
		"squares of rectifiers":  {func(h *G.Node) (*G.Node, error) { return G.Square(G.Must(G.Rectify(h))) }, false, ""},
		"a way round the layers": {G.Rectify, true, ""},
		"another slope":          {func(h *G.Node) (*G.Node, error) { return G.LeakyRelu(h, 0.2) }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := outside(t, test.act, test.skip)
			f, err := models.NewField(m, models.ObjectiveSettings{})
			if err != nil {
				t.Fatal(err)
			}
			layers, act, ok := f.Dense()
			if act != test.want || ok != (test.want != "") {
				t.Fatalf("activation %q, %t; want %q", act, ok, test.want)
			}
			for l, layer := range layers {
				params := m.Parameters()
				w, b := params[2*l].Value, params[2*l+1].Value
				in, out := w.Shape()[0], w.Shape()[1]
				want := make([]float64, 0, in*out) // transposed
				for k := range out {
					for i := range in {
						want = append(want, w.Float64s()[i*out+k])
					}
				}
				if !floats.EqualApprox(layer.Weight, want, 1e-14) || !floats.EqualApprox(layer.Bias, b.Float64s(), 1e-14) {
					t.Errorf("layer %d: %v, want %v and %v", l+1, layer, want, b)
				}
			}
		})
	}
}
