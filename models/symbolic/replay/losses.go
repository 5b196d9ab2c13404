package replay

import (
	"errors"
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Losses returns the losses of the samples, (n), whose mean is cost:
//
//	cost = (1/n) Σᵢ ℓᵢ
//
// cost may be the losses themselves, (n) or (n, 1), or a scalar: sums and means
// over tensors whose first axis are the samples, multiplied by numbers and added
// up. A term that depends on none of data, the nodes that change from batch to
// batch, is a part of every loss: weight decay, for example. Any other scalar, such
// as the root of a mean, is itself the loss of every sample, which then depends on
// all of the batch.
func (r *Replay) Losses(cost *G.Node, n int, data G.Nodes) (*G.Node, error) {
	l := &losses{Replay: r, n: n, depends: make(map[*G.Node]bool)}
	for _, d := range data {
		l.depends[d] = true
	}
	if !cost.IsScalar() {
		return l.single(cost)
	}
	parts, err := l.parts(cost)
	switch {
	case errors.Is(err, errNoMean):
		c, err := l.Node(cost)
		if err != nil {
			return nil, err
		}
		return spread(c, tensor.Shape{n})
	case err != nil:
		return nil, err
	}
	return op.Scale(parts, float64(n))
}

// errNoMean says that a scalar is no mean over samples.
var errNoMean = errors.New("no mean over samples")

type losses struct {
	*Replay
	n       int
	depends map[*G.Node]bool // whether a node depends on the data
}

// single is a cost that has one value for each sample.
func (l *losses) single(cost *G.Node) (*G.Node, error) {
	if s := cost.Shape(); s[0] != l.n || s.TotalSize() != l.n {
		return nil, fmt.Errorf("replay: the cost %q has shape %v; want a scalar, or one loss for each of %d samples", cost.Name(), s, l.n)
	}
	c, err := l.Node(cost)
	if err != nil {
		return nil, err
	}
	return op.Reshape(c, tensor.Shape{l.n})
}

// parts returns numbers, one for each sample, whose sum is the scalar s.
func (l *losses) parts(s *G.Node) (*G.Node, error) {
	if !l.varies(s) {
		c, err := l.Node(s)
		if err != nil {
			return nil, err
		}
		if c, err = op.Scale(c, 1/float64(l.n)); err != nil {
			return nil, err
		}
		return spread(c, tensor.Shape{l.n})
	}
	in := symbolic.Children(s)
	switch name := symbolic.StockName(s.Op()); {
	case name == "sumOp":
		return l.summed(in[0])
	case name == "reshapeOp" && in[0].IsScalar():
		return l.parts(in[0])
	case name == "elemUnaryOp" && s.Op().String() == "neg":
		return l.scaled(in[0], -1)
	case name == "elemBinOp":
		return l.combined(s, in)
	case name == "linAlgBinOp": // the inner product of two vectors
		a, b, err := l.two(in)
		if err != nil {
			return nil, err
		}
		if a.Dims() == 1 && a.Shape()[0] == l.n {
			return op.Mul(a, b)
		}
	}
	return nil, errNoMean
}

// summed takes the sum of all elements of x apart by samples.
func (l *losses) summed(x *G.Node) (*G.Node, error) {
	for {
		switch symbolic.StockName(x.Op()) {
		case "sumOp", "reshapeOp": // the sum of all is the same
			if x.Shape()[0] != l.n {
				x = symbolic.Children(x)[0]
				continue
			}
		}
		break
	}
	if x.IsScalar() {
		return l.parts(x)
	}
	if x.Shape()[0] != l.n {
		return nil, errNoMean
	}
	c, err := l.Node(x)
	if err != nil {
		return nil, err
	}
	if c.Dims() == 1 {
		return c, nil
	}
	width := c.Shape().TotalSize() / l.n
	return op.Scatter(c, places(tensor.Shape{l.n, width}, func(at []int) int { return at[0] }), tensor.Shape{l.n})
}

func (l *losses) scaled(s *G.Node, c float64) (*G.Node, error) {
	p, err := l.parts(s)
	if err != nil {
		return nil, err
	}
	return op.Scale(p, c)
}

// combined is the sum or difference of two terms, or a product or quotient with a
// factor that is the same for all samples.
func (l *losses) combined(s *G.Node, in G.Nodes) (*G.Node, error) {
	form := relation(s.Op())
	switch {
	case form == "+" || form == "-":
		a, err := l.parts(in[0])
		if err != nil {
			return nil, err
		}
		b, err := l.parts(in[1])
		if err != nil {
			return nil, err
		}
		if form == "+" {
			return op.Add(a, b)
		}
		return op.Sub(a, b)
	case form == "⊙" && !l.varies(in[0]):
		return l.times(in[1], form, in[0])
	case (form == "⊙" || form == "÷") && !l.varies(in[1]):
		return l.times(in[0], form, in[1])
	}
	return nil, errNoMean
}

// times multiplies the scalar s by a factor, or divides it by one.
func (l *losses) times(s *G.Node, form string, factor *G.Node) (*G.Node, error) {
	p, err := l.parts(s)
	if err != nil {
		return nil, err
	}
	if c := Number(factor); !math.IsNaN(c) {
		return withConstant(form, c, p)
	}
	f, err := l.Node(factor)
	if err != nil {
		return nil, err
	}
	if f, err = spread(f, tensor.Shape{l.n}); err != nil {
		return nil, err
	}
	if form == "÷" {
		return op.Div(p, f)
	}
	return op.Mul(p, f)
}

// varies tells whether a node depends on the data.
func (l *losses) varies(n *G.Node) bool {
	d, seen := l.depends[n]
	if seen {
		return d
	}
	for _, c := range symbolic.Children(n) {
		d = l.varies(c) || d
	}
	if symbolic.StockName(n.Op()) == "sizeOp" {
		d = false
	}
	l.depends[n] = d
	return d
}
