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
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// derivatives is a set of what lanes can compute beside the loss.
type derivatives int

const (
	first       derivatives = 1 << iota // the gradient
	second                              // H·v and the slopes; needs first
	gaussNewton                         // G·v
	mixed                               // ∂(v·∇L)/∂x; needs first
)

// lane is one graph and program of an Objective, with room for one chunk.
type lane struct {
	*Expression
	program *symbolic.Program
	chunk   int     // the chunk that is loaded, −1 for none
	active  G.Nodes // the parameters that are differentiated in
	offsets []int   // of each active parameter in a flat vector

	forward *symbolic.Plan // losses and logits

	gradient G.Nodes // one an active parameter, as all below
	backward *symbolic.Plan

	direction G.Nodes // v
	image     G.Nodes // H·v
	product   *symbolic.Plan
	slope     *G.Node // gₙ·v of each sample
	slopes    *symbolic.Plan

	ggnImage   G.Nodes // G·v
	ggnProduct *symbolic.Plan

	inputImage *G.Node // ∂(v·∇L)/∂x
	mixed      *symbolic.Plan
}

// newLane builds the loss of o and the derivatives d of it.
func newLane(o *Objective, d derivatives) (*lane, error) {
	e, err := Express(o.model, o.loss, o.size, o.dtype)
	if err != nil {
		return nil, err
	}
	l := &lane{Expression: e, chunk: -1}
	offset := 0
	for i, p := range e.Params {
		if o.active[i] {
			l.active = append(l.active, p)
			l.offsets = append(l.offsets, offset)
			offset += p.Shape().TotalSize()
		}
	}
	outs := G.Nodes{e.Losses, e.Logits}
	if d&first != 0 {
		if l.gradient, err = symbolic.Pullback(G.Nodes{e.Losses}, G.Nodes{e.Weight}, l.active); err != nil {
			return nil, err
		}
		outs = append(outs, present(l.gradient)...)
	}
	if d&(second|gaussNewton|mixed) != 0 {
		for i, p := range l.active {
			l.direction = append(l.direction, zeros(p.Graph(), fmt.Sprint("direction ", i), o.dtype, p.Shape()))
		}
	}
	if d&second != 0 {
		if err := l.differentiateAgain(); err != nil {
			return nil, err
		}
		outs = append(append(outs, present(l.image)...), present(G.Nodes{l.slope})...)
	}
	if d&gaussNewton != 0 {
		if err := l.linearise(); err != nil {
			return nil, err
		}
		outs = append(outs, present(l.ggnImage)...)
	}
	if d&mixed != 0 {
		toInput, err := symbolic.Pullback(present(l.gradient), l.directions(l.gradient), G.Nodes{e.Input})
		if err != nil {
			return nil, err
		}
		l.inputImage = toInput[0]
		outs = append(outs, present(toInput)...)
	}
	together := []G.Nodes{e.Inputs(), e.Params, l.direction}
	if l.program, err = symbolic.CompileTogether(together, outs...); err != nil {
		return nil, err
	}
	return l, l.plan(d)
}

// differentiateAgain pulls the direction v back through the gradient: to the
// parameters for H·v, to the samples' weights for the directional derivative
// of each.
func (l *lane) differentiateAgain() error {
	wrt := append(append(G.Nodes{}, l.active...), l.Weight)
	grads, err := symbolic.Pullback(present(l.gradient), l.directions(l.gradient), wrt)
	if err != nil {
		return err
	}
	l.image, l.slope = grads[:len(l.active)], grads[len(l.active)]
	return nil
}

// directions are those of the parameters for which nodes has one.
func (l *lane) directions(nodes G.Nodes) G.Nodes {
	var some G.Nodes
	for i, n := range nodes {
		if n != nil {
			some = append(some, l.direction[i])
		}
	}
	return some
}

// linearise builds G·v = Jᵀ·∇²ℓ·(J·v). Pulling a cotangent s back gives Jᵀs,
// which is linear in s; pulling v back through that gives J·v, whatever s is.
func (l *lane) linearise() error {
	logits := G.Nodes{l.Logits}
	s := zeros(l.Logits.Graph(), "cotangent", l.Logits.Dtype(), l.Logits.Shape())
	pulled, err := symbolic.Pullback(logits, G.Nodes{s}, l.active)
	if err != nil {
		return err
	}
	pushed, err := symbolic.Pullback(present(pulled), l.directions(pulled), G.Nodes{s})
	if err != nil {
		return err
	}
	slope, err := symbolic.Pullback(G.Nodes{l.Losses}, G.Nodes{l.Weight}, logits)
	if err != nil {
		return err
	}
	curved, err := symbolic.Pullback(slope, pushed, logits)
	if err != nil {
		return err
	}
	if curved[0] == nil {
		return fmt.Errorf("models: the loss is linear in the logits; it has no Gauss-Newton matrix")
	}
	l.ggnImage, err = symbolic.Pullback(logits, curved, l.active)
	return err
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

func (l *lane) plan(d derivatives) (err error) {
	for _, p := range []struct {
		plan   **symbolic.Plan
		needs  derivatives
		values G.Nodes
	}{
		{&l.forward, 0, G.Nodes{l.Losses, l.Logits}},
		{&l.backward, first, append(present(l.gradient), l.Losses, l.Logits)},
		{&l.product, second, present(l.image)},
		{&l.slopes, second, present(G.Nodes{l.slope})},
		{&l.ggnProduct, gaussNewton, present(l.ggnImage)},
		{&l.mixed, mixed, present(G.Nodes{l.inputImage})},
	} {
		if d&p.needs != p.needs {
			continue
		}
		if *p.plan, err = l.program.Plan(p.values...); err != nil {
			return err
		}
	}
	return nil
}

// load makes chunk the lane's data.
func (l *lane) load(o *Objective, chunk int) {
	if l.chunk == chunk {
		return
	}
	l.Fill(o.split, o.chunks[chunk], o.weight)
	if o.targets != nil {
		target := l.Target.Value().(*tensor.Dense)
		classes := l.Target.Shape()[1]
		for i, row := range o.chunks[chunk] {
			setValuesAt(target, i*classes, o.targets[row*classes:(row+1)*classes])
		}
	}
	l.program.Changed(l.Input, l.Target, l.Weight)
	l.chunk = chunk
}

func setValuesAt(t *tensor.Dense, at int, values []float64) {
	if t.Dtype() == tensor.Float32 {
		for i, v := range values {
			t.Float32s()[at+i] = float32(v)
		}
		return
	}
	copy(t.Float64s()[at:], values)
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
	if losses.Dtype() == tensor.Float32 {
		return score(split, rows, losses.Float32s(), logits.Float32s())
	}
	return score(split, rows, losses.Float64s(), logits.Float64s())
}

func score[T op.Float](split *datasets.Split, rows []int, losses, logits []T) (sum float64, correct int, err error) {
	classes := len(logits) / len(losses)
	for i, row := range rows {
		loss := float64(losses[i])
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return 0, 0, fmt.Errorf("models: the loss of sample %d of split %q is %g: %w", row, split.Name, loss, ErrNotFinite)
		}
		sum += loss
		best, z := 0, logits[i*classes:][:classes]
		for c, v := range z {
			if v > z[best] {
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
	if t.Dtype() == tensor.Float32 {
		for i, v := range t.Float32s()[:len(dst)] {
			dst[i] = float64(v)
		}
		return
	}
	copy(dst, t.Float64s())
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
		l.load(o, chunk)
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
