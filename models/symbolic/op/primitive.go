package op

import (
	"fmt"
	"hash"
	"hash/fnv"
	"slices"

	"github.com/chewxy/hm"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/graph"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Float is the element type of every operation.
type Float interface{ float32 | float64 }

// A Binder is an operation that can be bound to its output and inputs once
// and run many times without allocating.
type Binder interface {
	// Bind returns a function that computes dst from in. dst and in must keep
	// their backing arrays for as long as the function is used, and dst must
	// share none with in. Functions of several calls may run at the same time on
	// goroutines of their own.
	Bind(dst G.Value, in ...G.Value) (func(), error)
}

// kernel computes dst from in, all flat and row-major.
type kernel[T Float] func(dst []T, in [][]T)

// primitive is a Gorgonia operation described by its shapes, its kernel and
// its pullback.
type primitive struct {
	name  string // with every hyper-parameter: Gorgonia merges nodes of equal operations and children
	in    []tensor.Shape
	out   tensor.Shape
	dtype tensor.Dtype
	wrt   []bool // the inputs it is differentiable in
	// kinked operations are not differentiable where their first input is 0.
	kinked bool
	// over are the operands that the result may overwrite while it is
	// computed; they have its shape.
	over []int
	// form, product and axis tell Fuse which operation it is; product is nil
	// unless it is a matrix product.
	form    form
	product *product
	plus    *productPlus // of product, or of what Fuse made of one; see Pack
	axis    axis
	f32     kernel[float32]
	f64     kernel[float64]
	// pullback maps the gradient of the output to gradients of the inputs;
	// nil where an input has none.
	pullback func(in G.Nodes, out, grad *G.Node) (G.Nodes, error)
}

// form distinguishes the operations that others treat in a special way.
type form int

const (
	unknown       form = iota
	sum                // Add
	sumWithRow         // AddRow
	sumAlong           // AddChannel
	scaledAlong        // scale of an axis
	mappedAlong        // affine of an axis
	standardAlong      // standardized of an axis
	statistics         // moments of an axis
	residueAlong       // residual of an axis
	repeatedRow        // RepeatRow
	repeatedAlong      // repeat of an axis
	summedRows         // ColSum
	reshaped           // Reshape
	halfGate           // gate with slope 0
)

// product is a matrix product of a fixed size, (m, k)·(k, n) → (m, n). It stays
// on its goroutine: the parallel work is over chunks of data.
type product struct {
	tA, tB  blas.Transpose
	m, n, k int
}

var (
	_ G.SDOp            = (*primitive)(nil)
	_ G.UsePreallocDoer = (*primitive)(nil)
	_ Binder            = (*primitive)(nil)
)

// apply adds p with the operands in to their graph.
func apply(p primitive, in ...*G.Node) (*G.Node, error) {
	p.dtype = in[0].Dtype()
	if p.dtype != tensor.Float32 && p.dtype != tensor.Float64 {
		return nil, fmt.Errorf("op: %s: input of type %v; want float32 or float64", p.name, p.dtype)
	}
	for i, n := range in {
		if n.Dtype() != p.dtype {
			return nil, fmt.Errorf("op: %s: input %d is %v, input 0 is %v; want the same type", p.name, i, n.Dtype(), p.dtype)
		}
		p.in = append(p.in, n.Shape())
	}
	node, err := G.ApplyOp(&p, in...)
	if err != nil {
		return nil, fmt.Errorf("op: %s: %w", p.name, err)
	}
	// Gorgonia merges two nodes whose 32-bit hashes are equal without comparing
	// their children.
	for i, child := range graph.NodesOf(node.Graph().From(node.ID())) {
		if child != in[i] {
			return nil, fmt.Errorf("op: %s: merged with another node by a hash collision; rename an input of the graph", p.name)
		}
	}
	return node, nil
}

// Known tells whether an operation is one of this package.
func Known(o G.Op) bool {
	_, ours := o.(*primitive)
	return ours
}

// Reapply applies an operation of this package to other operands of the same
// shapes, in their precision. It returns false for other operations.
func Reapply(o G.Op, in ...*G.Node) (n *G.Node, ours bool, err error) {
	p, ours := o.(*primitive)
	if !ours {
		return nil, false, nil
	}
	for i, x := range in {
		if !slices.Equal(x.Shape(), p.in[i]) {
			return nil, true, fmt.Errorf("op: %s: input %d has shape %v; want %v", p.name, i, x.Shape(), p.in[i])
		}
	}
	again := *p
	again.in = nil
	n, err = apply(again, in...)
	return n, true, err
}

// matrixShape returns the shape of a node that must be a matrix.
func matrixShape(name string, n *G.Node) (rows, cols int, err error) {
	s := n.Shape()
	if s.Dims() != 2 {
		return 0, 0, fmt.Errorf("op: %s: input %q has shape %v; want a matrix", name, n.Name(), s)
	}
	return s[0], s[1], nil
}

// sameShape returns an error unless all nodes have the shape of the first.
func sameShape(name string, nodes ...*G.Node) error {
	for _, n := range nodes[1:] {
		if !slices.Equal(n.Shape(), nodes[0].Shape()) {
			return fmt.Errorf("op: %s: shapes %v and %v differ", name, nodes[0].Shape(), n.Shape())
		}
	}
	return nil
}

func (p *primitive) Arity() int { return len(p.in) }

func (p *primitive) Type() hm.Type {
	types := make([]hm.Type, 0, len(p.in)+1)
	for _, s := range append(slices.Clone(p.in), p.out) {
		types = append(types, G.TensorType{Dims: s.Dims(), Of: p.dtype})
	}
	return hm.NewFnType(types...)
}

func (p *primitive) InferShape(...G.DimSizer) (tensor.Shape, error) { return p.out.Clone(), nil }

func (p *primitive) Do(in ...G.Value) (G.Value, error) {
	return p.UsePreallocDo(tensor.New(tensor.WithShape(p.out...), tensor.Of(p.dtype)), in...)
}

func (p *primitive) UsePreallocDo(dst G.Value, in ...G.Value) (G.Value, error) {
	run, err := p.Bind(dst, in...)
	if err != nil {
		return nil, err
	}
	run()
	return dst, nil
}

// Bind implements Binder.
func (p *primitive) Bind(dst G.Value, in ...G.Value) (func(), error) {
	if p.dtype == tensor.Float32 {
		return bind(p, p.f32, (*tensor.Dense).Float32s, dst, in)
	}
	return bind(p, p.f64, (*tensor.Dense).Float64s, dst, in)
}

func bind[T Float](p *primitive, k kernel[T], data func(*tensor.Dense) []T, dst G.Value, in []G.Value) (func(), error) {
	flat := func(v G.Value, want tensor.Shape) ([]T, error) {
		d, ok := v.(*tensor.Dense)
		switch {
		case !ok:
			return nil, fmt.Errorf("op: %s: value is a %T; want a dense tensor", p.name, v)
		case d.Dtype() != p.dtype:
			return nil, fmt.Errorf("op: %s: value is %v; want %v", p.name, d.Dtype(), p.dtype)
		case d.DataSize() != want.TotalSize() || d.RequiresIterator() || d.DataOrder().IsColMajor():
			return nil, fmt.Errorf("op: %s: value has shape %v, strides %v; want %v, row-major", p.name, d.Shape(), d.Strides(), want)
		}
		return data(d), nil
	}
	out, err := flat(dst, p.out)
	if err != nil {
		return nil, err
	}
	if len(in) != len(p.in) {
		return nil, fmt.Errorf("op: %s: %d inputs; want %d", p.name, len(in), len(p.in))
	}
	ins := make([][]T, len(in))
	for i, v := range in {
		if ins[i], err = flat(v, p.in[i]); err != nil {
			return nil, err
		}
	}
	return func() { k(out, ins) }, nil
}

func (p *primitive) DiffWRT(int) []bool { return p.wrt }

func (p *primitive) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	return p.pullback(in, out, grad)
}

func (p *primitive) ReturnsPtr() bool { return false }

func (p *primitive) CallsExtern() bool { return false }

func (p *primitive) OverwritesInput() int { return -1 }

func (p *primitive) String() string { return p.name }

func (p *primitive) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "hessoscope/%s %v %v→%v", p.name, p.dtype, p.in, p.out)
}

func (p *primitive) Hashcode() uint32 {
	h := fnv.New32a()
	p.WriteHash(h)
	return h.Sum32()
}
