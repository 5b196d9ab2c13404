package symbolic_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// network is a user's model: a classifier of Gorgonia's operations and ours.
type network struct {
	x, y, weights *G.Node // (n, 2) samples, (n, 3) one-hot labels, (n) weights of the samples
	params        G.Nodes
	loss          *G.Node // (n), a number a sample
	grads         G.Nodes // Σᵢ weightsᵢ·∂lossᵢ/∂params
	v             G.Nodes // directions in the space of params
}

const samples = 7

// newNetwork builds
//
//	h₁ = tanh(x·W₁ + b₁), h₂ = LeakyReLU(h₁·W₂ + b₂), loss = crossEntropy(h₂·W₃, y)
//
// with stock Mul, BroadcastAdd and Tanh, and the rest from package op.
func newNetwork(t *testing.T) *network {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	g := G.NewGraph()
	in := inputs(g, normal(rng)([]int{samples, 2}, []int{2, 5}, []int{5}, []int{5, 4}, []int{4}, []int{4, 3}))
	labels := dense([]int{samples, 3}, make([]float64, samples*3)...)
	for i := range samples {
		labels.Float64s()[i*3+i%3] = 1
	}
	m := &network{
		x: in[0], params: in[1:],
		y:       input(g, "y", labels),
		weights: input(g, "weights", positive(rng, samples)),
	}
	z1 := must(G.BroadcastAdd(must(G.Mul(m.x, m.params[0])), m.params[1], nil, []byte{0}))
	z2 := must(op.AddRow(must(G.Mul(must(G.Tanh(z1)), m.params[2])), m.params[3]))
	logits := must(op.MatMul(must(op.LeakyReLU(z2, 0.1)), m.params[4], false, false))
	m.loss = must(op.SoftmaxCrossEntropy(logits, m.y))
	if err := symbolic.Check(G.Nodes{m.loss}, append(m.params, m.x)); err != nil {
		t.Fatal(err)
	}
	for _, z := range values(t, z2)[0] {
		if math.Abs(z) < 0.01 {
			t.Fatalf("pre-activation %g is too near the kink for difference quotients", z)
		}
	}
	m.grads = pullback(t, G.Nodes{m.loss}, G.Nodes{m.weights}, m.params)
	m.v = likewise(g, "v", m.params, rng)
	return m
}

// vector is the values of nodes, one after the other.
func vector(t *testing.T, p *symbolic.Program, nodes G.Nodes) (all []float64) {
	t.Helper()
	for _, n := range nodes {
		all = append(all, flat(t, p.Value(n))...)
	}
	return all
}

// write stores a vector in the tensors that nodes hold.
func write(p *symbolic.Program, nodes G.Nodes, from []float64) {
	for _, n := range nodes {
		from = from[copy(n.Value().(*tensor.Dense).Float64s(), from):]
	}
	p.Changed(nodes...)
}

// quotient is the five-point difference quotient of f, a function of the
// tensors that nodes hold, along v.
func quotient(p *symbolic.Program, nodes G.Nodes, at, v []float64, h float64, f func() []float64) []float64 {
	var sum []float64
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		moved := slices.Clone(at)
		for i := range moved {
			moved[i] += s.at * h * v[i]
		}
		write(p, nodes, moved)
		value := f()
		if sum == nil {
			sum = make([]float64, len(value))
		}
		for i, d := range value {
			sum[i] += s.weight * d / (12 * h)
		}
	}
	write(p, nodes, at)
	return sum
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return math.Sqrt(sum)
}

func norm(a []float64) float64 { return math.Sqrt(dot(a, a)) }

func TestHessianVectorProduct(t *testing.T) {
	m := newNetwork(t)
	product := pullback(t, m.grads, m.v, m.params)
	program, plan := compile(t, slices.Concat(m.grads, product)...)
	gradPlan := must(program.Plan(m.grads...))
	run(t, plan)
	at, v := vector(t, program, m.params), vector(t, program, m.v)
	hv := vector(t, program, product)

	want := quotient(program, m.params, at, v, 1e-4, func() []float64 {
		run(t, gradPlan)
		return vector(t, program, m.grads)
	})
	// 1e-4⁴ of truncation and 1e-16/1e-4 of rounding leave 1e-11 or so.
	if e := distance(hv, want) / norm(want); !(e <= 1e-8) {
		t.Errorf("H·v is %.2g from the difference quotient of the gradient", e)
	}

	rng := rand.New(rand.NewPCG(13, 14))
	for range 5 {
		u := make([]float64, len(v))
		for i := range u {
			u[i] = rng.NormFloat64()
		}
		write(program, m.v, u)
		run(t, plan)
		hu := vector(t, program, product)
		// The product is exact but for rounding, and H is symmetric.
		if e := math.Abs(dot(u, hv) - dot(v, hu)); !(e <= 1e-12*norm(u)*norm(hv)) {
			t.Errorf("|uᵀHv − vᵀHu| = %.2g, with ‖u‖‖Hv‖ = %.2g", e, norm(u)*norm(hv))
		}
	}
}

func TestDirectionalDerivativeOfEverySample(t *testing.T) {
	m := newNetwork(t)
	slopes := pullback(t, m.grads, m.v, G.Nodes{m.weights})[0]
	program, plan := compile(t, append(slices.Clone(m.grads), slopes)...)
	run(t, plan)
	v, got := vector(t, program, m.v), flat(t, program.Value(slopes))
	for i := range samples {
		one := make([]float64, samples)
		one[i] = 1
		write(program, G.Nodes{m.weights}, one)
		run(t, plan)
		want := dot(vector(t, program, m.grads), v) // the gradient of sample i alone
		if math.Abs(got[i]-want) > 1e-13*math.Max(1, math.Abs(want)) {
			t.Errorf("sample %d: gᵢ·v = %.17g, want %.17g", i, got[i], want)
		}
	}
}

func TestInputGradients(t *testing.T) {
	m := newNetwork(t)
	grad := pullback(t, G.Nodes{m.loss}, G.Nodes{m.weights}, G.Nodes{m.x})[0]
	program, plan := compile(t, m.loss, grad)
	run(t, plan)
	at, got := flat(t, program.Value(m.x)), flat(t, program.Value(grad))
	weights := flat(t, program.Value(m.weights))
	for i := range at {
		direction := make([]float64, len(at))
		direction[i] = 1
		want := quotient(program, G.Nodes{m.x}, at, direction, 1e-4, func() []float64 {
			run(t, plan)
			return []float64{dot(flat(t, program.Value(m.loss)), weights)}
		})
		if math.Abs(got[i]-want[0]) > 1e-9 {
			t.Errorf("∂loss/∂x[%d] = %g, difference quotient %g", i, got[i], want[0])
		}
	}
}

// The loss of a model may be one number, too: stock Mean and Neg of a
// log-softmax built of stock operations.
func TestModelOfStockOperationsWithScalarLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	at := normal(rng)([]int{samples, 2}, []int{2, 5}, []int{1, 5}, []int{5, 3}, []int{samples, 3})
	labels := at[4].Float64s()
	for i := range labels {
		labels[i] = 0
	}
	for i := range samples {
		labels[i*3+i%3] = 1
	}
	loss := func(in G.Nodes) (*G.Node, error) {
		x, w1, b1, w2, y := in[0], in[1], in[2], in[3], in[4]
		h := must(G.Tanh(must(G.BroadcastAdd(must(G.Mul(x, w1)), b1, nil, []byte{0}))))
		z := must(G.Mul(h, w2))
		z = must(G.BroadcastSub(z, must(G.Max(z, 1)), nil, []byte{1}))
		log := must(G.Log(must(G.Sum(must(G.Exp(z)), 1))))
		hit := must(G.Sum(must(G.HadamardProd(z, y)), 1))
		return G.Mean(must(G.Sub(log, hit)))
	}
	errs, err := difftest.Check(difftest.Function{Build: loss, At: at, Fixed: []int{4}, Step: 3e-4}, 2, 7)
	if err != nil {
		t.Fatal(err)
	}
	for order, e := range errs {
		if !(e <= 1e-9) {
			t.Errorf("derivative %d: relative error %.2g from finite differences", order+1, e)
		}
	}
}
