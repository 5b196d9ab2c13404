package check_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/check"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// layer is a function of a matrix, which stands between the two layers of net
// or before a loss.
type layer func(z *G.Node) (*G.Node, error)

// net is a Model with one hidden layer of 5, f(x) = layer(x·Aᵀ)·Bᵀ, for samples
// of 2 values and 3 classes.
type net struct {
	params []models.Parameter
	layer  layer
}

func newNet(l layer) *net {
	rng := rand.New(rand.NewPCG(2, 0))
	m := &net{layer: l}
	for _, p := range []struct {
		name    string
		out, in int
	}{{"a", 5, 2}, {"b", 3, 5}} {
		values := make([]float64, p.out*p.in)
		for i := range values {
			values[i] = rng.NormFloat64()
		}
		m.params = append(m.params, models.Parameter{Name: p.name, Value: tensor.New(tensor.WithShape(p.out, p.in), tensor.WithBacking(values))})
	}
	return m
}

func (m *net) Parameters() []models.Parameter { return m.params }
func (m *net) InputShape() []int              { return []int{2} }
func (m *net) Classes() int                   { return 3 }

func (m *net) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	h, err := m.layer(z)
	if err != nil {
		return nil, err
	}
	return op.MatMul(h, params[1], false, true)
}

// altered is an operation of package op with another derivative or value.
type altered struct {
	G.SDOp
	diff func(in G.Nodes, out, grad *G.Node) (G.Nodes, error) // nil: that of SDOp
	do   func(G.Value)                                        // changes the value
}

func (a altered) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	if a.diff == nil {
		return a.SDOp.SymDiff(in, out, grad)
	}
	return a.diff(in, out, grad)
}

func (a altered) Do(in ...G.Value) (G.Value, error) {
	v, err := a.SDOp.Do(in...)
	if err == nil && a.do != nil {
		a.do(v)
	}
	return v, err
}

func (a altered) Hashcode() uint32 { return a.SDOp.Hashcode() + 1 }

// alter applies the operation of l with another derivative or value.
func alter(l layer, a altered) layer {
	return func(z *G.Node) (*G.Node, error) {
		n, err := l(z)
		if err != nil {
			return nil, err
		}
		a.SDOp = n.Op().(G.SDOp)
		return G.ApplyOp(a, z)
	}
}

// steeper is the derivative of l, a little too large.
func steeper(l layer) layer {
	return alter(l, altered{diff: func(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
		more, err := op.Scale(grad, 1.0001)
		if err != nil {
			return nil, err
		}
		return out.Op().(altered).SDOp.SymDiff(in, out, more)
	}})
}

// wrongTwice is a softplus whose derivative is right, and the derivative of
// that is not.
func wrongTwice(z *G.Node) (*G.Node, error) {
	return alter(op.Softplus, altered{diff: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
		gate, err := steeper(op.Sigmoid)(in[0])
		if err != nil {
			return nil, err
		}
		dz, err := op.Mul(gate, grad)
		return G.Nodes{dz}, err
	}})(z)
}

// drifting is tanh with a value that changes from run to run.
func drifting() layer {
	var runs atomic.Int64
	return alter(op.Tanh, altered{do: func(v G.Value) {
		for i, x := range v.Data().([]float64) {
			v.Data().([]float64)[i] = x * (1 + 1e-14*float64(runs.Add(1)%100))
		}
	}})
}

// centred subtracts the mean of the batch, so that samples depend on others.
func centred(z *G.Node) (*G.Node, error) {
	sum, err := op.ColSum(z)
	if err != nil {
		return nil, err
	}
	mean, err := op.Scale(sum, -1/float64(z.Shape()[0]))
	if err != nil {
		return nil, err
	}
	if z, err = op.AddRow(z, mean); err != nil {
		return nil, err
	}
	return op.Tanh(z)
}

// steepLoss is the cross-entropy with a gradient that is a little too large.
type steepLoss struct{}

func (steepLoss) Name() string { return "steep" }

func (steepLoss) Losses(logits, target *G.Node) (*G.Node, error) {
	steep, err := steeper(func(z *G.Node) (*G.Node, error) { return op.Scale(z, 1) })(logits)
	if err != nil {
		return nil, err
	}
	return op.SoftmaxCrossEntropy(steep, target)
}

// lopsided is a net whose gradient is a little too large for b, and not for a.
type lopsided struct{ *net }

func (m lopsided) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	n, err := m.net.Logits(x, params)
	if err != nil {
		return nil, err
	}
	return G.ApplyOp(altered{SDOp: n.Op().(G.SDOp), diff: func(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
		grads, err := out.Op().(altered).SDOp.SymDiff(in, out, grad)
		if err != nil {
			return nil, err
		}
		grads[1], err = op.Scale(grads[1], 1.0001)
		return grads, err
	}}, symbolic.Children(n)...)
}

// points are n samples of 2 values, more than one chunk of them; the last is
// the origin, which is on the kinks of rectifiers of a net without bias.
func points(n int, origin bool) *datasets.Split {
	rng := rand.New(rand.NewPCG(3, 0))
	s := &datasets.Split{Name: datasets.Train}
	for i := range n {
		s.X = append(s.X, rng.NormFloat64(), rng.NormFloat64())
		s.Labels, s.Index = append(s.Labels, i%3), append(s.Index, i)
	}
	if origin {
		clear(s.X[len(s.X)-2:])
	}
	return s
}

// Each fault is found, by the checks that are for it and by no other.
func TestFaultsAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		model  models.Model
		loss   models.Loss
		failed []string
	}{
		"sound":                     {newNet(op.Tanh), models.CrossEntropy, nil},
		"squared error":             {newNet(op.Sigmoid), models.SquaredError, nil},
		"derivative of a layer":     {newNet(steeper(op.Tanh)), models.CrossEntropy, []string{"gradient", "H·v"}},
		"derivative of the loss":    {newNet(op.Tanh), steepLoss{}, []string{"gradient", "H·v"}},
		"derivative of one operand": {lopsided{newNet(op.Tanh)}, models.CrossEntropy, []string{"gradient", "H·v", "symmetry"}},
		"second derivative":         {newNet(wrongTwice), models.CrossEntropy, []string{"H·v"}},
		"values that do not repeat": {newNet(drifting()), models.CrossEntropy, []string{"repeatability"}},
		"samples that are mixed":    {newNet(centred), models.CrossEntropy, []string{"ragged batches"}},
	} {
		t.Run(name, func(t *testing.T) {
			var failed []string
			for _, f := range run(t, test.model, test.loss, points(301, false)) {
				if f.Name == "repeatability" && !strings.HasSuffix(f.Detail, "by 1 and by 3 workers") {
					t.Errorf("%+v; want it with 1 and with 3 workers", f)
				}
				if f.Verdict != check.OK {
					failed = append(failed, f.Name)
					t.Log(f)
				}
			}
			if !slices.Equal(failed, test.failed) {
				t.Errorf("failed: %q; want %q", failed, test.failed)
			}
		})
	}
}

// The error of the gradient is that of a step of length 1 in a random direction, as a
// share of ‖∇L‖, the most that any such step can change.
func TestErrorOfTheGradient(t *testing.T) {
	const steep = 1e-4 // share that is too much
	for seed := range uint64(4) {
		random := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
		c, err := check.New(newNet(op.Tanh), steepLoss{}, points(20, false), random(), 1)
		if err != nil {
			t.Fatal(err)
		}
		findings, err := c.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		g, v, rng := make([]float64, c.Objective().Dim()), make([]float64, c.Objective().Dim()), random()
		for i := range 2 * len(v) { // the first direction is for the symmetry
			v[i%len(v)] = rng.NormFloat64()
		}
		if _, err := c.Objective().Gradient(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		cos := floats.Dot(g, v) / floats.Norm(g, 2) / floats.Norm(v, 2)
		want := fmt.Sprintf("%.1g relative", steep/(1+steep)*math.Abs(cos))
		if f := findings[1]; f.Name != "gradient" || !strings.HasPrefix(f.Detail, want) {
			t.Errorf("seed %d: %+v; want %s", seed, f, want)
		}
	}
}

func run(t *testing.T, m models.Model, loss models.Loss, split *datasets.Split) []check.Finding {
	t.Helper()
	c, err := check.New(m, loss, split, rand.New(rand.NewPCG(4, 0)), 2)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := c.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

func TestKinks(t *testing.T) {
	for _, test := range []struct {
		layer   layer
		origin  bool
		verdict check.Verdict
		detail  string
	}{
		{op.GELU, true, check.OK, "none: the activations are smooth"},
		{op.ReLU, false, check.OK, "the nearest of 100 rectified values is "},
		{op.ReLU, true, check.Note, "5 of 100 rectified values are 0: there the loss has no second derivative"},
	} {
		findings := run(t, newNet(test.layer), models.CrossEntropy, points(20, test.origin))
		f := findings[len(findings)-1]
		if f.Name != "kinks" || f.Verdict != test.verdict || !strings.HasPrefix(f.Detail, test.detail) {
			t.Errorf("%+v; want %s, %s…", f, test.verdict, test.detail)
		}
	}
}

func TestUnsoundOperationIsRefused(t *testing.T) {
	m := newNet(func(z *G.Node) (*G.Node, error) { return G.SoftMax(z) })
	_, err := check.New(m, models.CrossEntropy, points(20, false), rand.New(rand.NewPCG(4, 0)), 1)
	if err == nil || !strings.Contains(err.Error(), "use op.Softmax") {
		t.Errorf("error %v", err)
	}
}
