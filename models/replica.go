package models

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// derivatives is a set of what replicas can compute besides the loss.
type derivatives int

const (
	first       derivatives = 1 << iota // the gradient
	second                              // H·v and the slopes; needs first
	gaussNewton                         // G·v
	fisher                              // F·v
	mixed                               // ∂(v·∇L)/∂x; needs first
	factors                             // what the gradient is a sum over samples of; needs first
)

// replica is one copy of the graph of an Objective, and its program, with room
// for one chunk of samples.
type replica struct {
	*Expression
	program *symbolic.Program
	built   derivatives
	inputs  [3]*tensor.Dense // of the input, the target and the weight
	chunk   int              // the chunk that is loaded, −1 for none
	leads   bool             // whether it is no twin
	active  G.Nodes          // the parameters that are differentiated in
	offsets []int            // of each active parameter in a flat vector, and the length of that

	forward *symbolic.Plan // losses and logits

	gradient G.Nodes // one for each active parameter, as are all nodes below
	backward *symbolic.Plan

	factors  []rowFactors // of the gradient; nil if one is no sum over samples
	factored *symbolic.Plan

	direction G.Nodes // v
	image     G.Nodes // H·v
	product   *symbolic.Plan
	slope     *G.Node // gₙ·v of each sample
	slopes    *symbolic.Plan

	ggnImage   G.Nodes // G·v
	ggnProduct *symbolic.Plan

	fisherImage   G.Nodes // F·v
	fisherProduct *symbolic.Plan

	inputImage *G.Node // ∂(v·∇L)/∂x
	mixed      *symbolic.Plan
}

// newReplica builds the derivatives d of the loss e in the active parameters.
func newReplica(e *Expression, active []bool, d derivatives) (*replica, error) {
	var err error
	r := &replica{Expression: e, built: d, chunk: -1, leads: true, offsets: []int{0}}
	for i, p := range e.Params {
		if active[i] {
			r.active = append(r.active, p)
			r.offsets = append(r.offsets, r.offsets[len(r.offsets)-1]+p.Shape().TotalSize())
		}
	}
	outs := G.Nodes{e.Losses, e.Logits}
	if d&first != 0 {
		if r.gradient, err = symbolic.Pullback(G.Nodes{e.Losses}, G.Nodes{e.Weight}, r.active); err != nil {
			return nil, err
		}
		outs = append(outs, present(r.gradient)...)
	}
	if d&factors != 0 {
		r.factors = factorsOf(r.gradient, e.Weight.Shape()[0])
		outs = append(outs, factorNodes(r.factors)...)
	}
	if d&(second|gaussNewton|fisher|mixed) != 0 {
		for i, p := range r.active {
			r.direction = append(r.direction, zeros(p.Graph(), fmt.Sprint("direction ", i), p.Dtype(), p.Shape()))
		}
	}
	if d&second != 0 {
		if err := r.differentiateAgain(); err != nil {
			return nil, err
		}
		outs = append(append(outs, present(r.image)...), present(G.Nodes{r.slope})...)
	}
	if d&gaussNewton != 0 {
		if err := r.linearise(); err != nil {
			return nil, err
		}
		outs = append(outs, present(r.ggnImage)...)
	}
	if d&fisher != 0 {
		if err := r.square(); err != nil {
			return nil, err
		}
		outs = append(outs, present(r.fisherImage)...)
	}
	if d&mixed != 0 {
		toInput, err := symbolic.Pullback(present(r.gradient), r.directions(r.gradient), G.Nodes{e.Input})
		if err != nil {
			return nil, err
		}
		r.inputImage = toInput[0]
		outs = append(outs, present(toInput)...)
	}
	together := []G.Nodes{e.Inputs(), slices.Concat(e.Params, e.Buffers), r.direction}
	if r.program, err = symbolic.CompileTogether(together, outs...); err != nil {
		return nil, err
	}
	return r, r.ready()
}

// differentiateAgain pulls the direction v back through the gradient: to the
// parameters for H·v, to the samples' weights for the directional derivative
// of each.
func (r *replica) differentiateAgain() error {
	wrt := append(append(G.Nodes{}, r.active...), r.Weight)
	grads, err := symbolic.Pullback(present(r.gradient), r.directions(r.gradient), wrt)
	if err != nil {
		return err
	}
	r.image, r.slope = grads[:len(r.active)], grads[len(r.active)]
	return nil
}

// directions returns v for the parameters whose entry in nodes is not nil.
func (r *replica) directions(nodes G.Nodes) G.Nodes {
	var some G.Nodes
	for i, n := range nodes {
		if n != nil {
			some = append(some, r.direction[i])
		}
	}
	return some
}

// linearise builds G·v = Jᵀ·∇²ℓ·(J·v), with J the Jacobian of the logits.
func (r *replica) linearise() error {
	if err := r.throughOutputs(); err != nil {
		return err
	}
	logits := G.Nodes{r.Outputs}
	pushed, err := r.pushed(r.Outputs)
	if err != nil {
		return err
	}
	slope, err := symbolic.Pullback(G.Nodes{r.Losses}, G.Nodes{r.Weight}, logits)
	if err != nil {
		return err
	}
	curved, err := symbolic.Pullback(slope, G.Nodes{pushed}, logits)
	if err != nil {
		return err
	}
	if curved[0] == nil {
		return fmt.Errorf("models: the loss is linear in the logits; it has no Gauss-Newton matrix")
	}
	r.ggnImage, err = symbolic.Pullback(logits, curved, r.active)
	return err
}

// square builds F·v = Jᵀ·diag(w)·(J·v), with J the Jacobian of the losses, whose
// rows are the samples' gradients, and w the weights.
func (r *replica) square() error {
	pushed, err := r.pushed(r.Losses)
	if err != nil {
		return err
	}
	weighted, err := op.Mul(r.Weight, pushed)
	if err != nil {
		return err
	}
	r.fisherImage, err = symbolic.Pullback(G.Nodes{r.Losses}, G.Nodes{weighted}, r.active)
	return err
}

// pushed returns J·v, with J the Jacobian of out by the active parameters. Pulling
// a cotangent s of out back gives Jᵀs, which is linear in s; pulling v back through
// that gives J·v, whatever s is.
func (r *replica) pushed(out *G.Node) (*G.Node, error) {
	s := zeros(out.Graph(), "cotangent of "+out.Name(), out.Dtype(), out.Shape())
	pulled, err := symbolic.Pullback(G.Nodes{out}, G.Nodes{s}, r.active)
	if err != nil {
		return nil, err
	}
	pushed, err := symbolic.Pullback(present(pulled), r.directions(pulled), G.Nodes{s})
	if err != nil {
		return nil, err
	}
	if pushed[0] == nil {
		return nil, fmt.Errorf("models: %q does not depend on the parameters", out.Name())
	}
	return pushed[0], nil
}

// present returns the nodes that are not nil.
func present(nodes G.Nodes) G.Nodes {
	var some G.Nodes
	for _, n := range nodes {
		if n != nil {
			some = append(some, n)
		}
	}
	return some
}

// fork returns a replica with a chunk of its own, of which it keeps what does not
// depend on the direction and is no gradient. It shares the rest of its memory with
// r and has the same goroutine.
func (r *replica) fork() (*replica, error) {
	return r.forked(slices.Concat(r.direction, present(r.gradient)))
}

// twin returns a replica for another goroutine. It shares with r the direction and what
// is made of it and the parameters, as packed weights.
func (r *replica) twin() (*replica, error) {
	t, err := r.forked(nil)
	if err != nil {
		return nil, err
	}
	t.leads = false
	return t, nil
}

func (r *replica) forked(fleeting G.Nodes) (*replica, error) {
	f := *r
	f.chunk = -1
	var err error
	if f.program, err = r.program.Fork(r.Inputs(), fleeting); err != nil {
		return nil, err
	}
	return &f, f.ready()
}

// ready finds the inputs and makes the plans. An input that the program does not need
// is a tensor all the same.
func (r *replica) ready() error {
	for i, n := range r.Inputs() {
		v := r.program.Value(n)
		if v == nil {
			v = n.Value().(*tensor.Dense).Clone().(*tensor.Dense)
		}
		r.inputs[i] = v.(*tensor.Dense)
	}
	return r.plan()
}

// bytes is the memory that r does not share with the replica that it is a twin of.
func (r *replica) bytes() int64 {
	if r.leads {
		return r.program.Bytes()
	}
	return r.program.OwnBytes()
}

func (r *replica) plan() (err error) {
	for _, p := range []struct {
		plan   **symbolic.Plan
		needs  derivatives
		values G.Nodes
	}{
		{&r.forward, 0, G.Nodes{r.Losses, r.Logits}},
		{&r.backward, first, append(present(r.gradient), r.Losses, r.Logits)},
		{&r.product, second, present(r.image)},
		{&r.factored, factors, factorNodes(r.factors)},
		{&r.slopes, second, present(G.Nodes{r.slope})},
		{&r.ggnProduct, gaussNewton, present(r.ggnImage)},
		{&r.fisherProduct, fisher, present(r.fisherImage)},
		{&r.mixed, mixed, present(G.Nodes{r.inputImage})},
	} {
		if r.built&p.needs != p.needs {
			continue
		}
		if *p.plan, err = r.program.Plan(p.values...); err != nil {
			return err
		}
	}
	return nil
}

// setParameters makes the program read the parameters from tensors.
func (r *replica) setParameters(tensors []*tensor.Dense) error {
	for i, p := range r.Params {
		if err := r.program.Set(p, tensors[i]); err != nil {
			return err
		}
	}
	return nil
}

// load fills the inputs with the samples of the chunk.
func (r *replica) load(s *samples, chunk int) {
	if r.chunk == chunk {
		return
	}
	r.fill(r.inputs, s.split, s.chunks[chunk], s.weight)
	if s.targets != nil {
		target := r.inputs[1]
		classes := r.Target.Shape()[1]
		for i, row := range s.chunks[chunk] {
			setValuesAt(target, i*classes, s.targets[row*classes:(row+1)*classes])
		}
	}
	r.program.Changed(r.Input, r.Target, r.Weight)
	r.chunk = chunk
}

// point sets the direction to v.
func (r *replica) point(v []float64) {
	for i, n := range r.direction {
		SetValues(n.Value().(*tensor.Dense), v[r.offsets[i]:r.offsets[i+1]])
	}
	r.program.Changed(r.direction...)
}

// score sums the losses of the chunk's samples and counts the samples whose
// largest logit, the first of equal ones, is that of their label.
func (r *replica) score(split *datasets.Split, rows []int) (sum float64, correct int, err error) {
	losses := r.program.Value(r.Losses).(*tensor.Dense)
	logits := r.program.Value(r.Logits).(*tensor.Dense)
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
		if split.Labels != nil && best == split.Labels[row] {
			correct++
		}
	}
	return sum, correct, nil
}

// flatten sets dst to elements of the flat vector of nodes, one for each active
// parameter, from element first on, or adds them to it; nil is of zeros.
func (r *replica) flatten(dst []float64, first int, nodes G.Nodes, add bool) {
	for i, n := range nodes {
		begin := max(first, r.offsets[i])
		end := min(first+len(dst), r.offsets[i+1])
		if begin >= end {
			continue
		}
		to, at := dst[begin-first:end-first], begin-r.offsets[i]
		switch {
		case n != nil && add:
			addValuesAt(to, r.program.Value(n).(*tensor.Dense), at)
		case n != nil:
			copyValuesAt(to, r.program.Value(n).(*tensor.Dense), at)
		case !add:
			clear(to)
		}
	}
}
