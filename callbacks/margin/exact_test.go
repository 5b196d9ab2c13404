package margin_test

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// randomNet returns a network and samples, with the labels that it predicts but for
// the first, which is misclassified.
func randomNet(t *testing.T, c models.MLPConfig, samples int) (*models.MLP, *datasets.Split) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	c.Init = models.Kaiming
	m, err := models.NewMLP(c, rng)
	if err != nil {
		t.Fatal(err)
	}
	field, err := models.NewField(m, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	split := &datasets.Split{Name: "random"}
	for n := range samples {
		for range c.Input {
			split.X = append(split.X, rng.NormFloat64())
		}
		split.Index = append(split.Index, n)
	}
	if split.Labels, err = field.Predict(t.Context(), split.X); err != nil {
		t.Fatal(err)
	}
	split.Labels[0] = (split.Labels[0] + 1) % c.Classes
	return m, split
}

// The margins of a graph from outside are those of the MLP that it is.
func TestExactMarginsOfAGraph(t *testing.T) {
	m, split := randomNet(t, models.MLPConfig{Input: 3, Hidden: []int{8, 6}, Classes: 3}, 32)
	want, _ := measure(t, m, split, 0, margin.Settings{})

	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(8, 3), G.WithName("x"))
	var learnables G.Nodes
	h := x
	for l, p := range m.Parameters() {
		n := G.NewTensor(g, G.Float64, p.Value.Dims(), G.WithShape(p.Value.Shape()...), G.WithName(p.Name), G.WithValue(p.Value))
		learnables = append(learnables, n)
		switch {
		case l%2 == 1:
			h = G.Must(G.BroadcastAdd(h, G.Must(G.Reshape(n, tensor.Shape{1, n.Shape()[0]})), nil, []byte{0}))
			continue
		case l > 0:
			h = G.Must(G.Rectify(h))
		}
		h = G.Must(G.Mul(h, G.Must(G.Transpose(n))))
	}
	outside, err := models.FromNodes(x, h, learnables)
	if err != nil {
		t.Fatal(err)
	}
	have, _ := measure(t, outside, split, 0, margin.Settings{})
	if s := have.Summary(); s.Certified != 31 || s.Unconverged != 0 || !floats.EqualApprox(have.Values, want.Values, 1e-9) {
		t.Errorf("%+v, distances %v; want %v", s, have.Values, want.Values)
	}
}

func TestExactMarginsOfSmallRectifiedNets(t *testing.T) {
	for _, c := range []models.MLPConfig{
		{Input: 2, Hidden: []int{8, 8}, Classes: 3},
		{Input: 2, Hidden: []int{6, 6, 6}, Classes: 2, Activation: models.LeakyReLU},
		{Input: 40, Hidden: []int{16, 16}, Classes: 10},
		{Input: 40, Hidden: []int{16}, Classes: 4, Activation: models.LeakyReLU},
	} {
		m, split := randomNet(t, c, 20)
		have, field := measure(t, m, split, 0, margin.Settings{})
		s := have.Summary()
		if s.Certified != 19 || s.Misclassified != 1 || s.Unconverged != 0 || *s.MinLower > *s.Min || *s.MinLower < *s.Min*(1-1e-6) {
			t.Errorf("%v: %+v", m, s)
		}
		if c.Input > 2 {
			continue
		}
		g := newGrid(t, field, split, 400)
		for n, distance := range have.Values {
			brute := g.distance(split.X[2*n:2*n+2], have.Predicted[n])
			// A point beyond the samples' box is not the grid's.
			if distance > brute*(1+1e-9) || brute < 1 && distance < brute*(1-1e-3) || have.Lower[n] > brute {
				t.Errorf("%v: sample %d: between %.6g and %.6g, but a grid says %.6g", m, n, have.Lower[n], distance, brute)
			}
		}
	}
}

// besideRectifiers has the rectified input beside the layers, so that they are no chain.
type besideRectifiers struct{ models.Model }

func (m besideRectifiers) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := m.Model.Logits(x, params)
	if err != nil {
		return nil, err
	}
	rectified, err := op.ReLU(x)
	if err != nil {
		return nil, err
	}
	return op.Add(z, rectified)
}

// The linear regions of a model that is no chain of layers are not known: a point at a
// kink may not be the nearest.
func TestOtherNetsWithKinksDoNotConverge(t *testing.T) {
	known, split := randomNet(t, models.MLPConfig{Input: 3, Hidden: []int{8, 8}, Classes: 3}, 20)
	other := besideRectifiers{known}
	have, _ := measure(t, other, split, 0, margin.Settings{})
	for n := range have.Values {
		if have.Converged[n] || have.Certified[n] || have.Lower[n] != 0 {
			t.Errorf("sample %d: converged %v, at least %g", n, have.Converged[n], have.Lower[n])
		}
	}
	if s := have.Summary(); s.MinLower != nil || s.Certified != 0 || s.Unconverged != s.Samples-s.Misclassified {
		t.Errorf("summary %+v", s)
	}
}

// The search of a smooth net knows nothing of the bounds.
func TestLowerBoundsOfSmoothNets(t *testing.T) {
	for _, a := range []models.Activation{models.Tanh, models.Sigmoid, models.Softplus, models.GELU} {
		known, split := randomNet(t, models.MLPConfig{Input: 3, Hidden: []int{8, 8}, Classes: 3, Activation: a}, 20)
		have, _ := measure(t, known, split, 0, margin.Settings{})
		want, _ := measure(t, struct{ models.Model }{known}, split, 0, margin.Settings{})
		if !floats.Equal(have.Values, want.Values) || !floats.Equal(have.Points, want.Points) {
			t.Errorf("%s: the distances depend on whether the layers are known", a)
		}
		for n, lower := range have.Lower {
			if lower > have.Values[n] || lower > 0 != (a != models.GELU) {
				t.Errorf("%s: sample %d: lower bound %g of %g", a, n, lower, have.Values[n])
			}
		}
	}
}
