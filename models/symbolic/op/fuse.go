package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// A Call is an operation and the nodes it is applied to.
type Call struct {
	Op G.Op
	In G.Nodes
}

// Fuse combines outer and inner, where inner computes operand k of outer, into
// one call that computes both in one pass. Add and AddRow of a MatMul become a
// product that adds the other operand as it is written, and Add of a repeated
// vector, as of RepeatRow, becomes AddRow or AddChannel. A scale and a shift of
// each channel become one, and one with the normalisation before it or the
// gradient of that. The result is the same, bit for bit. Fuse returns false for
// all other pairs.
//
// The calls that Fuse and Chain return can be run but not differentiated.
func Fuse(outer Call, k int, inner Call) (Call, bool) {
	o, ok := outer.Op.(*primitive)
	if !ok {
		return Call{}, false
	}
	i, ok := inner.Op.(*primitive)
	if !ok {
		return Call{}, false
	}
	switch {
	case k == 1 && o.form == mappedAlong && i.form == standardAlong && i.axis.holds(o.axis):
		return call(i.axis.normalized(o.axis, o.out), append(slices.Clone(inner.In), outer.In[0], outer.In[2])...), true
	case k == 1 && o.form == scaledAlong && i.form == residueAlong && i.axis == o.axis:
		return call(i.axis.scaledResidual(o.out), append(slices.Clone(inner.In), outer.In[0])...), true
	}
	if o.form != sum && (o.form != sumWithRow && o.form != sumAlong || k != 0) {
		return Call{}, false
	}
	x := outer.In[1-k]
	switch {
	case o.form == sumAlong:
		if i.form != scaledAlong || i.axis != o.axis {
			return Call{}, false
		}
		return call(o.axis.affine(o.out), append(slices.Clone(inner.In), x)...), true
	case i.product != nil:
		return call(i.product.plus(x), append(slices.Clone(inner.In), x)...), true
	case i.form == repeatedRow && o.form == sum:
		return call(plusRow(x.Shape()), x, inner.In[0]), true
	case i.form == repeatedAlong && o.form == sum:
		return call(i.axis.addition(x.Shape()), x, inner.In[0]), true
	default:
		return Call{}, false
	}
}

// Copies tells whether an operation only copies its operand, as RepeatRow does.
// To repeat it as part of another is less work than to read a stored copy.
func Copies(o G.Op) bool {
	p, ok := o.(*primitive)
	return ok && (p.form == repeatedRow || p.form == repeatedAlong)
}

// Chain combines outer and inner, where inner computes operand k of outer, into
// one call that computes inner into the buffer of the result and then outer in
// place. It returns false unless outer works element by element on operand k or
// comes from Fuse.
func Chain(outer Call, k int, inner Call) (Call, bool) {
	o, ok := outer.Op.(*primitive)
	if !ok || !slices.Contains(o.over, k) {
		return Call{}, false
	}
	first, ok := inner.Op.(Binder)
	if !ok {
		return Call{}, false
	}
	others := slices.Delete(slices.Clone(outer.In), k, k+1)
	c := &chain{primitive: o, first: first, operands: len(inner.In), over: k}
	return Call{c, append(slices.Clone(inner.In), others...)}, true
}

// call is the call of a primitive that is not part of any graph.
func call(p primitive, in ...*G.Node) Call {
	p.dtype = in[0].Dtype()
	for _, n := range in {
		p.in = append(p.in, n.Shape())
	}
	return Call{&p, in}
}

// chain is a primitive whose operand over is first computed by another operation,
// into the buffer of the result. The operands of that operation come first. A
// chain can only be bound.
type chain struct {
	*primitive
	first    Binder
	operands int // of first
	over     int
}

func (c *chain) String() string { return fmt.Sprintf("%v, then %s", c.first, c.name) }

// Bind implements Binder.
func (c *chain) Bind(dst G.Value, in ...G.Value) (func(), error) {
	first, err := c.first.Bind(dst, in[:c.operands]...)
	if err != nil {
		return nil, err
	}
	then, err := c.primitive.Bind(dst, slices.Insert(slices.Clone(in[c.operands:]), c.over, dst)...)
	if err != nil {
		return nil, err
	}
	return func() { first(); then() }, nil
}

// plusRow is AddRow without a derivative.
func plusRow(out tensor.Shape) primitive {
	return primitive{
		name: "AddRow", form: sumWithRow, out: out, over: []int{0},
		f32: addRow(vec.Float32), f64: addRow(vec.Float64),
	}
}

// plus is the product with x, a matrix or one row for all, added to it.
func (p product) plus(x *G.Node) primitive {
	s := productPlus{product: p}
	sum := primitive{name: "MatMul+", out: tensor.Shape{p.m, p.n}}
	if x.Dims() == 2 {
		s.stride = p.n
		sum.over = []int{2}
	}
	sum.f32, sum.f64, sum.plus = s.float32, s.float64, &s
	return sum
}

// productPlus is a matrix product with a third operand added to it, whose rows
// are stride elements apart: 0 for one row that is added to all.
type productPlus struct {
	product
	stride int
}

func (p productPlus) float64(dst []float64, in [][]float64) {
	lda, ldb := p.strides()
	gemm.Implementation{}.DgemmAdd(p.tA, p.tB, p.m, p.n, p.k, in[0], lda, in[1], ldb, in[2], p.stride, dst, p.n)
}

func (p productPlus) float32(dst []float32, in [][]float32) {
	lda, ldb := p.strides()
	gemm.Implementation{}.SgemmAdd(p.tA, p.tB, p.m, p.n, p.k, in[0], lda, in[1], ldb, in[2], p.stride, dst, p.n)
}
