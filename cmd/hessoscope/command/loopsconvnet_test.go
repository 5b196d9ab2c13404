package command

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/gorgonia/examples/mnist"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/weights"
)

// convNet is the network of Gorgonia's example convnet without dropout, all images
// in one batch.
type convNet struct {
	learnables G.Nodes
	machine    G.VM
}

// newConvNet reads the images and the learnables.
func newConvNet(t *testing.T, images, checkpoint string) *convNet {
	t.Helper()
	inputs, targets, err := mnist.Load("train", images, tensor.Float64)
	if err != nil {
		t.Fatal(err)
	}
	arrays, err := weights.ReadArchive(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	n := inputs.Shape()[0]
	if err := inputs.Reshape(n, 1, 28, 28); err != nil {
		t.Fatal(err)
	}
	g := G.NewGraph()
	net := &convNet{}
	for _, a := range arrays.Arrays[:5] {
		v := tensor.New(tensor.WithShape(a.Shape...), tensor.WithBacking(a.Data))
		net.learnables = append(net.learnables, G.NewTensor(g, G.Float64, len(a.Shape), G.WithShape(a.Shape...), G.WithName(a.Name), G.WithValue(v)))
	}
	h := G.NewTensor(g, G.Float64, 4, G.WithName("x"), G.WithShape(n, 1, 28, 28), G.WithValue(inputs))
	y := G.NewMatrix(g, G.Float64, G.WithName("y"), G.WithShape(n, 10), G.WithValue(targets))
	one := []int{1, 1}
	for _, w := range net.learnables[:3] {
		h = G.Must(G.Rectify(G.Must(G.Conv2d(h, w, tensor.Shape{3, 3}, one, one, one))))
		h = G.Must(G.MaxPool2D(h, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	}
	h = G.Must(G.Rectify(G.Must(G.Mul(G.Must(G.Reshape(h, tensor.Shape{n, 1152})), net.learnables[3]))))
	p := G.Must(G.SoftMax(G.Must(G.Mul(h, net.learnables[4]))))
	cost := G.Must(G.Neg(G.Must(G.Mean(G.Must(G.Log(G.Must(G.HadamardProd(p, y))))))))
	if _, err := G.Grad(cost, net.learnables...); err != nil {
		t.Fatal(err)
	}
	net.machine = G.NewTapeMachine(g, G.BindDualValues(net.learnables...))
	t.Cleanup(func() { net.machine.Close() })
	return net
}

// gradient is that of Gorgonia at the learnables moved by h·v.
func (net *convNet) gradient(t *testing.T, v []float64, h float64) (all []float64) {
	t.Helper()
	for _, n := range net.learnables {
		w := n.Value().(*tensor.Dense).Float64s()
		before := slices.Clone(w)
		floats.AddScaled(w, h, v[:len(w)])
		v = v[len(w):]
		defer func() { copy(w, before) }()
	}
	if err := net.machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	for _, n := range net.learnables {
		d, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d.(*tensor.Dense).Float64s()...)
		d.(*tensor.Dense).Zero() // gradients add up
	}
	net.machine.Reset()
	return all
}

// wantEigenpair compares the largest eigenvalue in a file and its vector with
// differences of Gorgonia's gradient.
func wantEigenpair(t *testing.T, net *convNet, file string) {
	t.Helper()
	arrays, err := weights.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var λ float64
	var v []float64
	for _, a := range arrays {
		switch a.Name {
		case "top_values":
			λ = a.Data[0]
		case "top_vectors":
			v = a.Data[:a.Shape[1]]
		}
	}
	const h = 1e-8 // with longer steps the largest elements of windows change
	image := net.gradient(t, v, h)
	floats.Sub(image, net.gradient(t, v, -h))
	floats.Scale(1/(2*h), image)
	if quotient := floats.Dot(v, image); !(math.Abs(quotient-λ) <= 1e-6*λ) {
		t.Errorf("λ₁ is %v; differences of Gorgonia's gradient give vᵀHv = %v", λ, quotient)
	}
	floats.AddScaled(image, -λ, v)
	if !(floats.Norm(image, 2) <= 1.1e-2*λ) { // the tolerance of a Spectrum is 1e-2
		t.Errorf("‖Hv − λ₁v‖ = %v for λ₁ = %v", floats.Norm(image, 2), λ)
	}
}
