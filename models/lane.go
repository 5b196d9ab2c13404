package models

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic"
)

// lane is one graph and program of an Objective, with room for one chunk.
type lane struct {
	*Expression
	program *symbolic.Program
	chunk   int   // the chunk that is loaded, −1 for none
	offsets []int // of each parameter in a flat vector

	forward *symbolic.Plan // losses and logits

	gradient G.Nodes // one a parameter
	backward *symbolic.Plan

	direction G.Nodes // v, one a parameter
	image     G.Nodes // H·v, one a parameter
	product   *symbolic.Plan
	slope     *G.Node // gₙ·v of each sample
	slopes    *symbolic.Plan
}

// newLane builds the loss and its derivatives up to order.
func newLane(m Model, loss Loss, size int, dtype tensor.Dtype, order int) (*lane, error) {
	e, err := Express(m, loss, size, dtype)
	if err != nil {
		return nil, err
	}
	l := &lane{Expression: e, chunk: -1}
	outs := G.Nodes{e.Losses, e.Logits}
	offset := 0
	for _, p := range e.Params {
		l.offsets = append(l.offsets, offset)
		offset += p.Shape().TotalSize()
	}
	if order >= 1 {
		if l.gradient, err = e.Gradient(); err != nil {
			return nil, err
		}
		outs = append(outs, present(l.gradient)...)
	}
	if order >= 2 {
		if err := l.differentiateAgain(dtype); err != nil {
			return nil, err
		}
		outs = append(append(outs, present(l.image)...), l.slope)
	}
	if l.program, err = symbolic.Compile(outs...); err != nil {
		return nil, err
	}
	return l, l.plan(order)
}

// differentiateAgain pulls the direction v back through the gradient: to the
// parameters for H·v, to the samples' weights for the directional derivative
// of each.
func (l *lane) differentiateAgain(dtype tensor.Dtype) error {
	var seeds G.Nodes
	for i, p := range l.Params {
		v := zeros(p.Graph(), fmt.Sprint("direction ", i), dtype, p.Shape())
		l.direction = append(l.direction, v)
		if l.gradient[i] != nil {
			seeds = append(seeds, v)
		}
	}
	wrt := append(append(G.Nodes{}, l.Params...), l.Weight)
	grads, err := symbolic.Pullback(present(l.gradient), seeds, wrt)
	if err != nil {
		return err
	}
	l.image, l.slope = grads[:len(l.Params)], grads[len(l.Params)]
	return nil
}

// present leaves out what is nil.
func present(nodes G.Nodes) G.Nodes {
	var some G.Nodes
	for _, n := range nodes {
		if n != nil {
			some = append(some, n)
		}
	}
	return some
}

func (l *lane) plan(order int) (err error) {
	if l.forward, err = l.program.Plan(l.Losses, l.Logits); err != nil || order < 1 {
		return err
	}
	if l.backward, err = l.program.Plan(append(present(l.gradient), l.Losses, l.Logits)...); err != nil || order < 2 {
		return err
	}
	if l.product, err = l.program.Plan(present(l.image)...); err != nil {
		return err
	}
	l.slopes, err = l.program.Plan(l.slope)
	return err
}

// load makes chunk the lane's data.
func (l *lane) load(split *datasets.Split, chunk int, rows []int) {
	if l.chunk == chunk {
		return
	}
	l.Fill(split, rows, 1/float64(split.Len()))
	l.program.Changed(l.Input, l.Target, l.Weight)
	l.chunk = chunk
}

// point makes v the direction.
func (l *lane) point(v []float64) {
	for i, n := range l.direction {
		t := n.Value().(*tensor.Dense)
		SetValues(t, v[l.offsets[i]:l.offsets[i]+t.DataSize()])
	}
	l.program.Changed(l.direction...)
}

// score sums the losses of the chunk's samples and counts the samples whose
// first largest logit is that of their label.
func (l *lane) score(split *datasets.Split, rows []int) (sum float64, correct int, err error) {
	losses := l.program.Value(l.Losses).(*tensor.Dense)
	logits := l.program.Value(l.Logits).(*tensor.Dense)
	classes := l.Logits.Shape()[1]
	for i, row := range rows {
		loss := at(losses, i)
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return 0, 0, fmt.Errorf("models: the loss of sample %d of split %q is %g: %w", row, split.Name, loss, ErrNotFinite)
		}
		sum += loss
		best := 0
		for c := 1; c < classes; c++ {
			if at(logits, i*classes+c) > at(logits, i*classes+best) {
				best = c
			}
		}
		if best == split.Labels[row] {
			correct++
		}
	}
	return sum, correct, nil
}

func at(t *tensor.Dense, i int) float64 {
	if t.Dtype() == tensor.Float32 {
		return float64(t.Float32s()[i])
	}
	return t.Float64s()[i]
}

func copyValues(dst []float64, t *tensor.Dense) {
	for i := range dst {
		dst[i] = at(t, i)
	}
}

// each runs compute for every chunk and every j < k, chunks at once on the
// workers, and for each j runs collect in the order of the chunks, never two
// at once for one j. The first error stops all.
func (o *Objective) each(ctx context.Context, k int, compute, collect func(l *lane, chunk, j int) error) error {
	workers := min(o.workers, len(o.chunks), len(o.lanes))
	o.turns.reset(k)
	if workers == 1 {
		o.work(ctx, 0, k, compute, collect)
		return o.turns.err
	}
	var wait sync.WaitGroup
	for w := 1; w < workers; w++ {
		wait.Go(func() { o.work(ctx, w, k, compute, collect) })
	}
	o.work(ctx, 0, k, compute, collect)
	wait.Wait()
	return o.turns.err
}

// work takes chunks, in their order, until none is left.
func (o *Objective) work(ctx context.Context, worker, k int, compute, collect func(l *lane, chunk, j int) error) {
	for {
		chunk := int(o.turns.next.Add(1)) - 1
		if chunk >= len(o.chunks) {
			return
		}
		l := o.lanes[worker%len(o.lanes)]
		if len(o.lanes) == len(o.chunks) {
			l = o.lanes[chunk]
		}
		l.load(o.split, chunk, o.chunks[chunk])
		for j := range k {
			err := ctx.Err()
			if err == nil {
				err = compute(l, chunk, j)
			}
			if !o.turns.take(chunk, j, err, func() error { return collect(l, chunk, j) }) {
				return
			}
		}
	}
}

// turns lets chunks deliver their results in order.
type turns struct {
	next  atomic.Int64 // the next chunk to compute
	mu    sync.Mutex
	moved sync.Cond
	turn  []int // for each j, the chunk whose turn it is
	err   error
}

func (t *turns) reset(k int) {
	t.next.Store(0)
	t.moved.L = &t.mu
	t.err = nil
	if cap(t.turn) < k {
		t.turn = make([]int, k)
	}
	t.turn = t.turn[:k]
	clear(t.turn)
}

// take waits for the turn of chunk for j and then delivers. It returns false
// once anything has failed, err included.
func (t *turns) take(chunk, j int, err error, deliver func() error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for err == nil && t.err == nil && t.turn[j] != chunk {
		t.moved.Wait()
	}
	if err == nil && t.err == nil {
		err = deliver()
	}
	if t.err == nil {
		t.err = err
	}
	t.turn[j]++
	t.moved.Broadcast()
	return t.err == nil
}
