package piecewise

import (
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// Network is a network of dense layers with one activation between them. Its
// logits depend on the input only by its component in the row space of the first
// layer, which has the orthonormal basis Q; so the nearest boundary point of x₀ is
// some x₀ + Q·y with y of at most as many entries as the first layer is wide.
type Network struct {
	width      int // of the input, d
	space      int // of the row space, k
	activation models.Activation
	layers     []models.Dense
	widths     []int       // outputs of each layer
	basis      *mat.Dense  // d × k, Q; nil for the unit matrix
	reduced    []float64   // out × k, W₁·Q
	transposed [][]float64 // of each layer, in × out
}

// New returns the network of the layers that [models.Field.Dense] gives.
func New(layers []models.Dense, activation models.Activation) *Network {
	n := &Network{layers: layers, activation: activation}
	for _, l := range layers {
		out := len(l.Bias)
		n.widths = append(n.widths, out)
		t := mat.DenseCopyOf(mat.NewDense(out, len(l.Weight)/out, l.Weight).T())
		n.transposed = append(n.transposed, t.RawMatrix().Data)
	}
	out := n.widths[0]
	n.width = len(layers[0].Weight) / out
	n.space, n.reduced = n.width, layers[0].Weight
	if out >= n.width {
		return n
	}
	n.space = out
	var qr mat.QR
	qr.Factorize(mat.NewDense(n.width, out, n.transposed[0]))
	n.basis = mat.NewDense(n.width, out, nil)
	unit := mat.NewDense(n.width, out, nil)
	for i := range out {
		unit.Set(i, i, 1)
	}
	var q mat.Dense
	qr.QTo(&q)
	n.basis.Mul(&q, unit)
	var reduced mat.Dense
	reduced.Mul(mat.NewDense(out, n.width, layers[0].Weight), n.basis)
	n.reduced = reduced.RawMatrix().Data
	return n
}

// Hidden is the number of hidden units.
func (n *Network) Hidden() int {
	hidden := 0
	for _, w := range n.widths[:len(n.widths)-1] {
		hidden += w
	}
	return hidden
}

func (n *Network) classes() int { return n.widths[len(n.widths)-1] }

// Rectified reports whether the network is affine in every linear region.
func (n *Network) Rectified() bool {
	_, ok := n.activation.Slope()
	return ok || len(n.layers) == 1
}

// Work is the number of multiplications of an evaluation of the logits.
func (n *Network) Work() float64 {
	work := 0
	for _, l := range n.layers {
		work += len(l.Weight)
	}
	return float64(work)
}

// Coordinates returns those of vectors in the row space, V·Q, with a vector in each
// row of V.
func (n *Network) Coordinates(v []float64) []float64 {
	if n.basis == nil {
		return slices.Clone(v)
	}
	rows := len(v) / n.width
	y := make([]float64, rows*n.space)
	gemm.Implementation{}.Dgemm(blas.NoTrans, blas.NoTrans, rows, n.space, n.width, 1, v, n.width, n.basis.RawMatrix().Data, n.space, 0, y, n.space)
	return y
}

// Point returns x + Q·y.
func (n *Network) Point(x, y []float64) []float64 {
	p := slices.Clone(x)
	if n.basis == nil {
		floats.Add(p, y)
		return p
	}
	for i := range p {
		p[i] += floats.Dot(n.basis.RawRowView(i), y)
	}
	return p
}
