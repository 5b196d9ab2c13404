package replay

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// stock builds the copy of a node by the name of its operation's type.
var stock map[string]func(r *Replay, n *G.Node, in G.Nodes) (*G.Node, error)

func init() {
	stock = map[string]func(r *Replay, n *G.Node, in G.Nodes) (*G.Node, error){
		"elemUnaryOp": (*Replay).function,
		"elemBinOp":   (*Replay).pair,
		"linAlgBinOp": (*Replay).product,
		"tensordotOp": (*Replay).tensordot,
		"sumOp":       (*Replay).sum,
		"maxOp":       (*Replay).max,
		"reshapeOp":   (*Replay).reshape,
		"transposeOp": (*Replay).transpose,
		"repeatOp":    (*Replay).repeat,
		"concatOp":    (*Replay).concat,
		"sliceOp":     (*Replay).slice,
		"atOp":        (*Replay).at,
		"byIndicesOp": (*Replay).byIndices,
		"softmaxOp":   (*Replay).softmax,
		"minBetween":  (*Replay).minBetween,
		"maxBetween":  (*Replay).maxBetween,
		"dropoutOp":   func(r *Replay, _ *G.Node, in G.Nodes) (*G.Node, error) { return r.Node(in[0]) },
		"BatchNormOp": (*Replay).batchNorm,

		"im2colOp":            (*Replay).im2col,
		"maxPoolOp":           (*Replay).maxPool,
		"avgPoolOp":           (*Replay).averagePool,
		"globalAveragePoolOp": (*Replay).globalAveragePool,
		"upsampleOp":          (*Replay).upsample,
	}
}

// functions are Gorgonia's functions of one number, by their sign.
var functions = map[string]func(*G.Node) (*G.Node, error){
	"abs":      op.Abs,
	"sign":     func(z *G.Node) (*G.Node, error) { return op.Round("Sign", z, sign) },
	"ceil":     func(z *G.Node) (*G.Node, error) { return op.Round("Ceil", z, math.Ceil) },
	"floor":    func(z *G.Node) (*G.Node, error) { return op.Round("Floor", z, math.Floor) },
	"sin":      op.Sin,
	"cos":      op.Cos,
	"exp":      op.Exp,
	"ln":       op.Log,
	"log2":     func(z *G.Node) (*G.Node, error) { return scaled(op.Log, 1/math.Ln2)(z) },
	"neg":      func(z *G.Node) (*G.Node, error) { return op.Scale(z, -1) },
	"square":   power(2),
	"sqrt":     power(0.5),
	"inv":      power(-1),
	"invSqrt":  power(-0.5),
	"cube":     power(3),
	"tanh":     op.Tanh,
	"sigmoid":  op.Sigmoid,
	"log1p":    op.Log1p,
	"expm1":    op.Expm1,
	"softplus": op.Softplus,
}

func sign(z float64) float64 {
	if z == 0 {
		return 0
	}
	return math.Copysign(1, z)
}

func power(c float64) func(*G.Node) (*G.Node, error) {
	return func(z *G.Node) (*G.Node, error) { return op.Power(z, c) }
}

func scaled(f func(*G.Node) (*G.Node, error), c float64) func(*G.Node) (*G.Node, error) {
	return func(z *G.Node) (*G.Node, error) {
		n, err := f(z)
		if err != nil {
			return nil, err
		}
		return op.Scale(n, c)
	}
}

func (r *Replay) function(n *G.Node, in G.Nodes) (*G.Node, error) {
	name := n.Op().String()
	f, ok := functions[name]
	if !ok {
		return nil, fmt.Errorf("the function %s is not known here", name)
	}
	z, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	return f(z)
}

// pair copies an operation on two operands, element by element, one of which may
// be a scalar.
func (r *Replay) pair(n *G.Node, in G.Nodes) (*G.Node, error) {
	form := relation(n.Op())
	if c := Number(in[1]); !math.IsNaN(c) {
		a, err := r.Node(in[0])
		if err != nil {
			return nil, err
		}
		return withConstant(form, c, a)
	}
	if c := Number(in[0]); !math.IsNaN(c) {
		if f := ofConstant(form, c); f != nil {
			b, err := r.Node(in[1])
			if err != nil {
				return nil, err
			}
			return f(b)
		}
	}
	if form == "+" {
		for i, bias := range in {
			if bias = perChannel(bias); bias != nil {
				return r.addChannel(in[1-i], bias)
			}
		}
	}
	a, b, err := r.operands(n, in)
	if err != nil {
		return nil, err
	}
	switch form {
	case "+":
		return op.Add(a, b)
	case "-":
		return op.Sub(a, b)
	case "⊙":
		return op.Mul(a, b)
	case "÷":
		return op.Div(a, b)
	case "^": // e^(b·log a)
		if a, err = op.Log(a); err != nil {
			return nil, err
		}
		if a, err = op.Mul(a, b); err != nil {
			return nil, err
		}
		return op.Exp(a)
	}
	return op.Compare(a, form, b)
}

// operands returns both operands in the shape of the result.
func (r *Replay) operands(n *G.Node, in G.Nodes) (a, b *G.Node, err error) {
	if a, err = r.Node(in[0]); err != nil {
		return nil, nil, err
	}
	if b, err = r.Node(in[1]); err != nil {
		return nil, nil, err
	}
	if a, err = spread(a, shapeOf(n)); err != nil {
		return nil, nil, err
	}
	b, err = spread(b, shapeOf(n))
	return a, b, err
}

// spread repeats a single number over a shape; it returns a tensor of that size in
// that shape.
func spread(x *G.Node, shape tensor.Shape) (*G.Node, error) {
	if x.Shape().TotalSize() == 1 && shape.TotalSize() > 1 {
		return op.Gather(x, make(op.Index, shape.TotalSize()), shape)
	}
	return op.Reshape(x, shape)
}

// withConstant is the function a ↦ a ∘ c.
func withConstant(form string, c float64, a *G.Node) (*G.Node, error) {
	switch form {
	case "+":
		return op.Shift(a, c)
	case "-":
		return op.Shift(a, -c)
	case "⊙":
		return op.Scale(a, c)
	case "÷":
		return op.Scale(a, 1/c)
	case "^":
		return op.Power(a, c)
	}
	return op.CompareConstant(a, form, c)
}

// ofConstant is the function b ↦ c ∘ b, or nil.
func ofConstant(form string, c float64) func(*G.Node) (*G.Node, error) {
	switch form {
	case "+":
		return func(b *G.Node) (*G.Node, error) { return op.Shift(b, c) }
	case "-":
		return func(b *G.Node) (*G.Node, error) {
			minus, err := op.Scale(b, -1)
			if err != nil {
				return nil, err
			}
			return op.Shift(minus, c)
		}
	case "⊙":
		return func(b *G.Node) (*G.Node, error) { return op.Scale(b, c) }
	case "÷":
		return scaled(power(-1), c)
	}
	return nil
}

// maxBetween is max(a, b) = a + relu(b − a).
func (r *Replay) maxBetween(_ *G.Node, in G.Nodes) (*G.Node, error) {
	a, b, err := r.two(in)
	if err != nil {
		return nil, err
	}
	more, err := excess(b, a)
	if err != nil {
		return nil, err
	}
	return op.Add(a, more)
}

// minBetween is min(a, b) = a − relu(a − b).
func (r *Replay) minBetween(_ *G.Node, in G.Nodes) (*G.Node, error) {
	a, b, err := r.two(in)
	if err != nil {
		return nil, err
	}
	more, err := excess(a, b)
	if err != nil {
		return nil, err
	}
	return op.Sub(a, more)
}

// excess is relu(a − b).
func excess(a, b *G.Node) (*G.Node, error) {
	d, err := op.Sub(a, b)
	if err != nil {
		return nil, err
	}
	return op.ReLU(d)
}

// softmax is that of the rows along one axis, or its logarithm. Gorgonia's Log of a
// SoftMax makes that node itself its logarithm.
func (r *Replay) softmax(n *G.Node, in G.Nodes) (*G.Node, error) {
	f := op.Softmax
	if field(n.Op(), "isLog").Bool() {
		f = op.LogSoftmax
	}
	z, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	shape, axis := z.Shape(), integer(n.Op(), "axis")
	if axis < 0 {
		axis = shape.Dims() - 1
		if shape.IsColVec() { // as Gorgonia does
			axis = 0
		}
	}
	order := append(others(shape.Dims(), []int{axis}), axis)
	if z, err = permuted(z, order); err != nil {
		return nil, err
	}
	rows := z.Shape()
	if z, err = op.Reshape(z, tensor.Shape{rows.TotalSize() / shape[axis], shape[axis]}); err != nil {
		return nil, err
	}
	if z, err = f(z); err != nil {
		return nil, err
	}
	if z, err = op.Reshape(z, rows); err != nil {
		return nil, err
	}
	back := make([]int, len(order))
	for i, axis := range order {
		back[axis] = i
	}
	return permuted(z, back)
}

// batchNorm is (x − mean)/√(variance + ε) with the running statistics of each
// channel, the second axis.
func (r *Replay) batchNorm(n *G.Node, in G.Nodes) (*G.Node, error) {
	o := n.Op().(*G.BatchNormOp)
	x, err := r.Node(in[0])
	if err != nil {
		return nil, err
	}
	mean, variance := r.statistics(o)
	channels := mean.Shape()
	scale := r.constant("scale", n, slices.Repeat([]float64{1}, channels[0]), channels)
	shift := r.constant("shift", n, make([]float64, channels[0]), channels)
	return op.FrozenBatchNorm(x, scale, shift, mean, variance, field(o, "epsilon").Float())
}
