package sharpness

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// twice is tanh(x·Wᵀ)·Wᵀ: no MLP, and its gradients are no outer products.
type twice struct{ weight *tensor.Dense }

func (m twice) Parameters() []models.Parameter {
	return []models.Parameter{{Name: "w", Value: m.weight}}
}
func (m twice) InputShape() []int { return []int{2} }
func (m twice) Classes() int      { return 2 }

func (m twice) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	h, err := op.Tanh(z)
	if err != nil {
		return nil, err
	}
	return op.MatMul(h, params[0], false, true)
}

func newTwice() twice {
	return twice{tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{1.3, -0.2, 0.5, -1.7}))}
}

// newNodes is a linear model of somebody's graph, for batches of 16.
func newNodes(t *testing.T) models.Model {
	t.Helper()
	x := G.NewTensor(G.NewGraph(), tensor.Float64, 2, G.WithShape(16, 2), G.WithName("x"))
	w := G.NewTensor(x.Graph(), tensor.Float64, 2, G.WithName("w"),
		G.WithValue(tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{-1, 2, 0.5, -0.3}))))
	m, err := models.FromNodes(x, G.Must(G.Mul(x, w)), G.Nodes{w})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newMLP(t *testing.T, c models.MLPConfig) *models.MLP {
	t.Helper()
	m, err := models.NewMLP(c, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// blobs is a split of n random points in the plane around the centres of the classes.
func blobs(n, classes int) *datasets.Split {
	rng := rand.New(rand.NewPCG(3, 4))
	s := &datasets.Split{Name: "train"}
	for i := range n {
		s.X = append(s.X, rng.NormFloat64()+3*float64(i%classes), rng.NormFloat64())
		s.Labels = append(s.Labels, i%classes)
		s.Index = append(s.Index, i)
	}
	return s
}

func fisherOf(t *testing.T, m models.Model, split *datasets.Split, of int) Estimate {
	t.Helper()
	f, err := NewFisherTrace(m, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.Measure(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The trace is that of the definition, by the gradients of the loss with every label,
// and that of the Gauss-Newton matrix, column by column.
func TestFisherTrace(t *testing.T) {
	for name, c := range map[string]struct {
		model   models.Model
		classes int
	}{
		"three classes":  {newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{6, 5}, Classes: 3, Activation: models.Tanh}), 3},
		"two classes":    {newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{7}, Classes: 2}), 2},
		"linear":         {newMLP(t, models.MLPConfig{Input: 2, Classes: 5}), 5},
		"no MLP":         {newTwice(), 2},
		"nodes":          {newNodes(t), 2},
		"single numbers": {newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 3, Precision: tensor.Float32}), 3},
	} {
		t.Run(name, func(t *testing.T) {
			split := blobs(150, c.classes) // two chunks
			have := fisherOf(t, c.model, split, split.Len())
			definition, gaussNewton := byLabels(t, c.model, split), byColumns(t, c.model, split)
			// Rounding of sums of some hundred terms.
			if math.Abs(have.Value-definition) > 1e-12*definition || math.Abs(have.Value-gaussNewton) > 1e-12*gaussNewton || have.Error != 0 {
				t.Errorf("trace %v ± %v; want %v by labels, %v by columns, ± 0", have.Value, have.Error, definition, gaussNewton)
			}
		})
	}
}

// byLabels is (1/N) Σₙ Σ_y p(y|xₙ) ‖∇θ log p(y|xₙ)‖².
func byLabels(t *testing.T, m models.Model, split *datasets.Split) float64 {
	t.Helper()
	sum := 0.0
	for y := range m.Classes() {
		labelled := *split
		labelled.Labels = make([]int, split.Len())
		for n := range labelled.Labels {
			labelled.Labels[n] = y
		}
		o, err := models.NewObjective(m, models.CrossEntropy, &labelled, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		logits := make([]float64, split.Len()*m.Classes())
		if err := o.Logits(t.Context(), logits); err != nil {
			t.Fatal(err)
		}
		if err := o.SampleGradients(t.Context(), func(n int, g []float64) error {
			z := logits[n*m.Classes() : (n+1)*m.Classes()]
			sum += math.Exp(z[y]-floats.LogSumExp(z)) * floats.Dot(g, g) / float64(split.Len())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

// byColumns is Σᵢ eᵢᵀ·G·eᵢ.
func byColumns(t *testing.T, m models.Model, split *datasets.Split) float64 {
	t.Helper()
	o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	p := o.Dim()
	identity, product := mat.NewDense(p, p, nil), mat.NewDense(p, p, nil)
	for i := range p {
		identity.Set(i, i, 1)
	}
	if err := o.GaussNewtonProducts(t.Context(), product, identity); err != nil {
		t.Fatal(err)
	}
	return mat.Trace(product)
}

// Of z = (w·x, 0) the trace is the mean of p(1 − p)·2(x² + 1), also where 1 − p is far
// below the rounding of p.
func TestFisherTraceOfConfidentSamples(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 1, Classes: 2})
	models.SetValues(m.Parameters()[0].Value, []float64{1, 0})
	models.SetValues(m.Parameters()[1].Value, []float64{0, 0})
	for _, x := range []float64{0, 3, -50, 300} {
		split := &datasets.Split{Name: "train", X: []float64{x}, Labels: []int{0}, Index: []int{0}}
		have := fisherOf(t, m, split, 1).Value
		q := math.Exp(-math.Abs(x))
		if want := q / (1 + q) / (1 + q) * 2 * (x*x + 1); math.Abs(have-want) > 1e-12*want {
			t.Errorf("x = %v: trace %v, want %v", x, have, want)
		}
	}
}

// The columns make up diag p − ppᵀ, with ties and classes of no probability as well.
func TestFactor(t *testing.T) {
	for _, z := range [][]float64{{0, 0}, {1, -2, 0.5}, {3, 3, 3, -1}, {0, 700, -2000}, {-2000, 0, 1}} {
		c := len(z)
		product := mat.NewDense(c, c, nil)
		column, order := make([]float64, c), make([]int, c)
		for j := range c - 1 {
			factor(column, z, j, order)
			v := mat.NewVecDense(c, column)
			product.RankOne(product, 1, v, v)
		}
		for a := range c {
			for b := range c {
				pa, pb := math.Exp(z[a]-floats.LogSumExp(z)), math.Exp(z[b]-floats.LogSumExp(z))
				want := -pa * pb
				if a == b {
					want += pa
				}
				if math.Abs(product.At(a, b)-want) > 1e-15 {
					t.Errorf("logits %v: entry %d, %d is %v, want %v", z, a, b, product.At(a, b), want)
				}
			}
		}
	}
}

// From samples that are drawn the error is the spread of the estimates.
func TestFisherTraceOfDrawnSamples(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{8}, Classes: 3})
	all := blobs(120, 3)
	truth := fisherOf(t, m, all, 120).Value
	var deviations []float64 // in units of the error
	for seed := range uint64(100) {
		some, err := all.Draw(40, seed)
		if err != nil {
			t.Fatal(err)
		}
		e := fisherOf(t, m, some, 120)
		deviations = append(deviations, (e.Value-truth)/e.Error)
	}
	// The standard error of a deviation of 100 draws is 7 %; that from 40 samples, each,
	// is biased by a few per cent.
	if spread := stat.StdDev(deviations, nil); spread < 0.8 || spread > 1.25 {
		t.Errorf("estimates deviate by %.3f of their errors, want 1", spread)
	}
}

// The mean of n values has the error s/√n, of all of them none. One tells of no spread.
func TestSampling(t *testing.T) {
	for _, test := range []struct {
		values []float64
		of     int
		want   float64
	}{
		{[]float64{1, 3}, 2, 0},
		{[]float64{1, 3}, 1 << 50, 1},
		{[]float64{1, 3}, 4, math.Sqrt(0.5)},
		{[]float64{1}, 1, 0},
		{[]float64{1}, 2, math.Inf(1)},
	} {
		if got := sampling(test.values, test.of); got != test.want && !(math.Abs(got/test.want-1) < 1e-12) {
			t.Errorf("%v of %d: %v, want %v", test.values, test.of, got, test.want)
		}
	}
}
