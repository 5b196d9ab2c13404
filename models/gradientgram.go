package models

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// rowFactors are nodes of which a parameter's gradient is the sum over samples:
// leftᵀ·right, or the sum of the rows of left if right is nil.
type rowFactors struct{ left, right *G.Node }

// factorsOf returns the factors of gradients on batches of n samples; nil unless
// all of them have some. A gradient that is nil has none and needs none.
func factorsOf(gradients G.Nodes, n int) []rowFactors {
	var all []rowFactors
	for _, g := range present(gradients) {
		for g.Op() != nil && op.Reshapes(g.Op()) {
			g = symbolic.Children(g)[0]
		}
		children := symbolic.Children(g)
		if g.Op() == nil || !op.SummedRows(g.Op()) || slices.ContainsFunc(children, func(c *G.Node) bool { return c.Shape()[0] != n }) {
			return nil
		}
		f := rowFactors{left: children[0]}
		if len(children) == 2 {
			f.right = children[1]
		}
		all = append(all, f)
	}
	return all
}

// factorNodes are the nodes of all factors, each once.
func factorNodes(all []rowFactors) G.Nodes {
	var nodes G.Nodes
	for _, f := range all {
		for _, n := range present(G.Nodes{f.left, f.right}) {
			if !slices.Contains(nodes, n) {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// GradientGram returns the inner products gₙ·gₘ of the gradients of all samples'
// losses, N × N, without the gradients: a dense layer's are outer products of the
// errors δ, propagated back to it, and its inputs h, so that
//
//	gₙ·gₘ = Σ_layers (δₙ·δₘ)·(hₙ·hₘ + 1)
//
// (Goodfellow 2015). It takes one pass and N² times the widths of all layers. A
// model whose gradients are no such products is an error, and so is one in which
// samples depend on each other; SampleGradients serves for these.
func (o *Objective) GradientGram(ctx context.Context) (*mat.Dense, error) {
	if err := checkApart(o.model, "gradients"); err != nil {
		return nil, err
	}
	if err := o.build(first | factors); err != nil {
		return nil, err
	}
	all := o.replicas[0].factors
	if all == nil {
		return nil, ErrNoFactors
	}
	n := o.Samples()
	values := make(map[*G.Node]*mat.Dense) // by the node of the first replica
	nodes := factorNodes(all)
	for _, node := range nodes {
		values[node] = mat.NewDense(n, node.Shape()[1], nil)
	}
	err := o.eachFactored(ctx, func(r *replica, rows []int) {
		for i, node := range factorNodes(r.factors) {
			width := node.Shape()[1]
			copyValues(values[nodes[i]].RawMatrix().Data[rows[0]*width:(rows[0]+len(rows))*width], r.program.Value(node).(*tensor.Dense))
		}
	})
	if err != nil {
		return nil, err
	}
	gram := multiplied(all, values, n)
	gram.Scale(float64(n)*float64(n), gram) // the loss gives every sample the weight 1/N
	if err := finite("the inner products of gradients", gram.RawMatrix().Data); err != nil {
		return nil, err
	}
	return gram, o.checkFactors(ctx, func(n int) float64 { return gram.At(n, n) })
}

// SquaredGradientNorms sets dst[n] to ‖gₙ‖² of the gradient of sample n's loss.
// Where GradientGram serves, it takes one pass and no gradient is computed in full;
// else it takes a pass for each sample.
func (o *Objective) SquaredGradientNorms(ctx context.Context, dst []float64) error {
	if len(dst) != o.Samples() {
		return fmt.Errorf("models: squared norms of %d gradients into %d values", o.Samples(), len(dst))
	}
	if err := o.build(first | factors); err != nil {
		return err
	}
	if o.replicas[0].factors != nil {
		if err := o.factoredNorms(ctx, dst); !errors.Is(err, ErrNoFactors) {
			return err
		}
	}
	return o.SampleGradients(ctx, func(n int, g []float64) error {
		dst[n] = floats.Dot(g, g)
		return nil
	})
}

func (o *Objective) factoredNorms(ctx context.Context, dst []float64) error {
	n := float64(o.Samples())
	squares := make(map[*G.Node][]float64) // squared norms of the rows of a node
	err := o.eachFactored(ctx, func(r *replica, rows []int) {
		clear(squares)
		for _, node := range factorNodes(r.factors) {
			squares[node] = squaredRows(r.program.Value(node).(*tensor.Dense), len(rows))
		}
		for i, row := range rows {
			dst[row] = 0
			for _, f := range r.factors {
				term := squares[f.left][i] * n * n // the loss gives every sample the weight 1/N
				if f.right != nil {
					term *= squares[f.right][i]
				}
				dst[row] += term
			}
		}
	})
	if err != nil {
		return err
	}
	if err := finite("the norms of gradients", dst); err != nil {
		return err
	}
	return o.checkFactors(ctx, func(n int) float64 { return dst[n] })
}

// squaredRows returns the squared norms of the first n rows of t.
func squaredRows(t *tensor.Dense, n int) []float64 {
	width := t.Shape()[1]
	row, squares := make([]float64, n*width), make([]float64, n)
	copyValues(row, t)
	for i := range squares {
		squares[i] = floats.Dot(row[i*width:(i+1)*width], row[i*width:(i+1)*width])
	}
	return squares
}

// eachFactored computes the factors of all chunks and calls visit for each chunk, in
// order, with its rows.
func (o *Objective) eachFactored(ctx context.Context, visit func(r *replica, rows []int)) error {
	factored := task{plan: func(r *replica) *symbolic.Plan { return r.factored }}
	return o.each(ctx, factored, func(r *replica, chunk, _, _ int) error {
		visit(r, o.chunks[chunk])
		return nil
	})
}

// ErrNoFactors is the error of GradientGram for a model whose gradients are no
// sums of outer products over the samples.
var ErrNoFactors = fmt.Errorf("models: the gradients are no sums of outer products over the samples")

// multiplied is Σ (LLᵀ)∘(RRᵀ) over the factors, without RRᵀ where there is none. It is
// computed for some rows after the other, so that the products stay in the cache.
func multiplied(all []rowFactors, values map[*G.Node]*mat.Dense, n int) *mat.Dense {
	const rows = 32
	gram := mat.NewDense(n, n, nil)
	left, right := mat.NewDense(rows, n, nil), mat.NewDense(rows, n, nil)
	for from := 0; from < n; from += rows {
		to := min(from+rows, n)
		product := func(dst *mat.Dense, node *G.Node) *mat.Dense {
			v, _ := values[node].Slice(from, to, 0, values[node].RawMatrix().Cols).(*mat.Dense)
			dst, _ = dst.Slice(0, to-from, 0, n).(*mat.Dense)
			dst.Mul(v, values[node].T())
			return dst
		}
		block, _ := gram.Slice(from, to, 0, n).(*mat.Dense)
		for _, f := range all {
			term := product(left, f.left)
			if f.right != nil {
				term.MulElem(term, product(right, f.right))
			}
			block.Add(block, term)
		}
	}
	return gram
}

// checkFactors compares the squared norms of the first and the last sample's
// gradient with those of passes of one sample each.
func (o *Objective) checkFactors(ctx context.Context, square func(n int) float64) error {
	if err := o.buildSingle(); err != nil {
		return err
	}
	g := make([]float64, o.Dim())
	r := o.single.replicas[0]
	for _, n := range []int{0, o.Samples() - 1} {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.load(&o.single.samples, n)
		if err := r.backward.Run(); err != nil {
			return err
		}
		r.flatten(g, 0, r.gradient, false)
		const (
			rounding = 1e-6   // far above that of either way, in float32 too
			least    = 1e-140 // norms whose squares are near underflow
		)
		have, want := math.Sqrt(max(square(n), 0)), floats.Norm(g, 2)
		if !(math.Abs(have-want) <= rounding*math.Max(have, want)+least) {
			return ErrNoFactors
		}
	}
	return nil
}
