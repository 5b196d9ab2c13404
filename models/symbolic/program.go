package symbolic

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// A Program computes nodes of a graph. It keeps one buffer a step for its
// whole life and runs a step again only if an input that it depends on has
// changed, so a steady-state run of operations of package op allocates
// nothing. Operations of Gorgonia run too; some allocate their results anew.
//
// A Program belongs to one goroutine. Programs may share input tensors.
type Program struct {
	slots  map[*G.Node]int
	packed map[packing]int // the slots of packed copies of inputs
	values []*value
	steps  []*step
	clock  *atomic.Uint64 // counts the changes of inputs; forks share it
	own    []bool         // by slot, what a fork shares with no other; nil of no fork
}

// packing is a copy of an input in an order that products read.
type packing struct {
	node *G.Node
	by   string // the operation that copies
}

// value is what a node holds.
type value struct {
	node     *G.Node      // or, of a packed copy, that which it is of
	shape    tensor.Shape // of v
	computed bool         // by a step; otherwise it is an input
	v        G.Value
	changed  uint64   // clock of the last change
	bound    uint64   // clock of the last change of the buffer itself
	reused   bool     // whether forks write to v in turn
	owner    *Program // that wrote to v last, if it is reused
}

// step computes one node, and those that are fused with it.
type step struct {
	op     G.Op
	in     []int
	out    int
	inputs []G.Value // of the last binding, in the order of in
	run    func() error
	bound  uint64 // clock when run was bound to its buffers
	ran    uint64 // clock of the last run
}

// Compile makes a Program for outs and all they depend on; nodes that outs do
// not need are left out. Inputs start with the values their nodes hold.
func Compile(outs ...*G.Node) (*Program, error) { return CompileTogether(nil, outs...) }

// CompileTogether is Compile with the knowledge of which inputs change
// together, in groups; an input that is in none of them changes on its own.
//
// A node and its only reader that depend on the same groups become one step if
// package op can combine them: a bias is added to a matrix product as that is
// written. The node has no value of its own then.
func CompileTogether(groups []G.Nodes, outs ...*G.Node) (*Program, error) {
	if i := slices.Index(outs, nil); i >= 0 {
		return nil, fmt.Errorf("symbolic: output %d of the program is nil", i)
	}
	p := &Program{slots: make(map[*G.Node]int), packed: make(map[packing]int), clock: new(atomic.Uint64)}
	p.clock.Store(1)
	f := newFusion(groups, outs)
	for _, out := range outs {
		if err := p.add(out, f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// add appends n after its operands.
func (p *Program) add(n *G.Node, f *fusion) error {
	if _, ok := p.slots[n]; ok {
		return nil
	}
	call := f.call(n)
	in := make([]int, len(call.In))
	for i, c := range call.In {
		if err := p.add(c, f); err != nil {
			return err
		}
		in[i] = p.slots[c]
	}
	for k, c := range call.In {
		if !f.packs(n, c) {
			continue
		}
		if copying, length, packed, ok := op.Pack(call.Op, k); ok {
			call.Op, in[k] = packed, p.pack(c, copying, tensor.Shape{length})
		}
	}
	p.slots[n] = len(p.values)
	if len(in) > 0 {
		p.append(n, n.Shape(), call.Op, in)
		return nil
	}
	p.values = append(p.values, &value{node: n, shape: n.Shape()})
	if n.Value() == nil {
		if n.Op() != nil {
			return fmt.Errorf("symbolic: node %q has an operation %v without operands and no value; make it an input", n.Name(), n.Op())
		}
		return nil
	}
	return p.Set(n, n.Value())
}

// append appends a step with the node that it computes.
func (p *Program) append(n *G.Node, shape tensor.Shape, o G.Op, in []int) {
	p.steps = append(p.steps, &step{op: o, in: in, out: len(p.values), inputs: make([]G.Value, len(in))})
	p.values = append(p.values, &value{node: n, shape: shape, computed: true})
}

// pack returns the slot of the packed copy of an input. All products by one input, or by
// its transpose, read the same.
func (p *Program) pack(n *G.Node, copying G.Op, shape tensor.Shape) int {
	key := packing{n, copying.String()}
	slot, ok := p.packed[key]
	if !ok {
		slot = len(p.values)
		p.packed[key] = slot
		p.append(n, shape, copying, []int{p.slots[n]})
	}
	return slot
}

// Fork returns a Program for the same outputs with other data: it has tensors of
// its own for the inputs own, copies of those of p. What does not depend on them
// it shares with p and with other forks of p, and one run serves all. What does,
// it has a buffer of its own for, except for nodes that are among fleeting or
// depend on one: of these there is one buffer, and what another fork has
// overwritten is computed again.
//
// p and its forks belong to one goroutine, but for forks of a Concurrent program
// without fleeting nodes: they may run on goroutines of their own once
// Plan.RunShared of one has brought up to date what they share. Plans are of one of
// them.
func (p *Program) Fork(own, fleeting G.Nodes) (*Program, error) {
	f := &Program{slots: p.slots, clock: p.clock, values: slices.Clone(p.values), steps: slices.Clone(p.steps), own: make([]bool, len(p.values))}
	for _, n := range own {
		slot, ok := p.slots[n]
		if !ok {
			continue // not needed by any output
		}
		t, ok := p.values[slot].v.(*tensor.Dense)
		if !ok || p.values[slot].computed {
			return nil, fmt.Errorf("symbolic: node %q holds a %T; want an input with a dense tensor for a fork", n.Name(), p.values[slot].v)
		}
		f.values[slot], f.own[slot] = &value{node: n, shape: n.Shape()}, true
		if err := f.Set(n, t.Clone().(*tensor.Dense)); err != nil {
			return nil, err
		}
	}
	apart, passing := p.dependents(own), p.dependents(fleeting)
	for k, s := range p.steps {
		if !apart[s.out] {
			continue
		}
		f.steps[k] = &step{op: s.op, in: s.in, out: s.out, inputs: make([]G.Value, len(s.in))}
		if passing[s.out] && !op.Reshapes(s.op) { // a view is of one buffer
			p.values[s.out].reused = true
		} else {
			f.values[s.out], f.own[s.out] = &value{node: p.values[s.out].node, shape: p.values[s.out].shape, computed: true}, true
		}
	}
	return f, nil
}

// dependents tells, by slot, which of all nodes are among nodes or depend on one.
func (p *Program) dependents(nodes G.Nodes) []bool {
	found := make([]bool, len(p.values))
	for _, n := range nodes {
		if slot, ok := p.slots[n]; ok {
			found[slot] = true
		}
	}
	for _, s := range p.steps {
		found[s.out] = found[s.out] || slices.ContainsFunc(s.in, func(i int) bool { return found[i] })
	}
	return found
}

// Concurrent tells whether forks may run on goroutines of their own: whether all
// operations are Binders. Others may keep something from one run to the next.
func (p *Program) Concurrent() bool {
	return !slices.ContainsFunc(p.steps, func(s *step) bool {
		_, binds := s.op.(op.Binder)
		return !binds && !op.Reshapes(s.op)
	})
}

// Set gives the input node n the value v. A tensor is shared, not copied: call
// Changed after writing to it.
func (p *Program) Set(n *G.Node, v G.Value) error {
	slot, ok := p.slots[n]
	switch {
	case !ok:
		return nil // not needed by any output
	case p.values[slot].computed:
		return fmt.Errorf("symbolic: node %q is computed by %v; only inputs can be set", n.Name(), n.Op())
	case v == nil:
		return fmt.Errorf("symbolic: no value for input %q; want %v of shape %v", n.Name(), n.Dtype(), n.Shape())
	case !slices.Equal(v.Shape(), n.Shape()) || v.Dtype() != n.Dtype():
		return fmt.Errorf("symbolic: value for input %q is %v of shape %v; want %v of shape %v",
			n.Name(), v.Dtype(), v.Shape(), n.Dtype(), n.Shape())
	}
	if t, ok := v.(*tensor.Dense); ok {
		if !rowMajor(t) {
			return fmt.Errorf("symbolic: value for input %q has strides %v; want a row-major tensor", n.Name(), t.Strides())
		}
		// Some operations of Gorgonia transpose an operand in place and back.
		// With a header of its own, other programs do not see that.
		v = t.ShallowClone()
	}
	now := p.clock.Add(1)
	p.values[slot].v, p.values[slot].changed, p.values[slot].bound = v, now, now
	return nil
}

// Changed tells the Program that input tensors were written to.
func (p *Program) Changed(inputs ...*G.Node) {
	now := p.clock.Add(1)
	for _, n := range inputs {
		if slot, ok := p.slots[n]; ok {
			p.values[slot].changed = now
		}
	}
}

// Value returns what n held after the last run of a plan that computes it. It
// belongs to the Program: read it before the next run, and do not write to it.
func (p *Program) Value(n *G.Node) G.Value {
	slot, ok := p.slots[n]
	if !ok {
		return nil
	}
	return p.values[slot].v
}

// Bytes is the memory of the buffers when every node has been computed.
func (p *Program) Bytes() int64 {
	return p.bytes(func(slot int) bool { return p.values[slot].computed })
}

// BytesOf is the memory of the inputs and of all that depends on any of them: of a chunk
// of samples, without what is made of the parameters for all chunks.
func (p *Program) BytesOf(inputs ...*G.Node) int64 {
	depends := p.dependents(inputs)
	return p.bytes(func(slot int) bool { return depends[slot] })
}

// OwnBytes is the part of a fork's memory that it shares with no other, its inputs
// included.
func (p *Program) OwnBytes() int64 { return p.bytes(p.owns) }

func (p *Program) owns(slot int) bool { return p.own != nil && p.own[slot] }

func (p *Program) bytes(counts func(slot int) bool) (sum int64) {
	views := make(map[int]bool)
	for _, s := range p.steps {
		views[s.out] = op.Reshapes(s.op)
	}
	for slot, v := range p.values {
		if counts(slot) && !views[slot] {
			sum += int64(v.shape.TotalSize()) * int64(v.node.Dtype().Size())
		}
	}
	return sum
}

// A Plan is the part of a Program that computes some of its nodes.
type Plan struct {
	program *Program
	steps   []int
}

// Plan returns the plan that computes outs, all of which the Program must
// have been compiled for, as an output or as an operand of one.
func (p *Program) Plan(outs ...*G.Node) (*Plan, error) {
	needed := make([]bool, len(p.values))
	for i, out := range outs {
		slot, ok := p.slots[out]
		switch {
		case out == nil:
			return nil, fmt.Errorf("symbolic: output %d of the plan is nil", i)
		case !ok:
			return nil, fmt.Errorf("symbolic: node %q is not part of the program, or became part of another step; compile for it", out.Name())
		}
		needed[slot] = true
	}
	plan := &Plan{program: p}
	for k, s := range slices.Backward(p.steps) {
		if !needed[s.out] {
			continue
		}
		plan.steps = append(plan.steps, k)
		for _, i := range s.in {
			needed[i] = true
		}
	}
	slices.Reverse(plan.steps)
	return plan, nil
}

// Run computes the nodes of the plan that are not up to date. A panic inside
// an operation comes back as an error that names the node.
func (pl *Plan) Run() error { return pl.run(func(int) bool { return true }) }

// RunShared is Run for the nodes that a fork shares with the program that it is of.
func (pl *Plan) RunShared() error {
	return pl.run(func(slot int) bool { return !pl.program.owns(slot) })
}

// run is Run for the nodes that are wanted, by their slot.
func (pl *Plan) run(wanted func(slot int) bool) (err error) {
	p := pl.program
	current := -1
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("symbolic: %s: panic: %v", p.describe(current), r)
		}
	}()
	for _, k := range pl.steps {
		current = k
		if !wanted(p.steps[k].out) {
			continue
		}
		if err := p.run(p.steps[k]); err != nil {
			return fmt.Errorf("symbolic: %s: %w", p.describe(k), err)
		}
	}
	return nil
}

func (p *Program) describe(k int) string {
	s := p.steps[k]
	return fmt.Sprintf("operation %v of node %q", s.op, p.values[s.out].node.Name())
}

func (p *Program) run(s *step) error {
	changed, rebound := false, s.run == nil
	for _, i := range s.in {
		v := p.values[i]
		if v.v == nil {
			return fmt.Errorf("input %q has no value", v.node.Name())
		}
		changed = changed || v.changed > s.ran
		rebound = rebound || v.bound > s.bound
	}
	out := p.values[s.out]
	if !changed && !rebound && (!out.reused || out.owner == p) {
		return nil
	}
	if rebound {
		if err := p.bind(s); err != nil {
			return err
		}
		s.bound = p.clock.Load()
	}
	if err := s.run(); err != nil {
		return err
	}
	now := p.clock.Load()
	s.ran, out.changed, out.owner = now, now, p
	return nil
}

// bind sets s.run for the current buffers of its operands.
func (p *Program) bind(s *step) error {
	for k, i := range s.in {
		s.inputs[k] = p.values[i].v
	}
	out := p.values[s.out]
	if op.Reshapes(s.op) {
		return p.view(s)
	}
	binder, ok := s.op.(op.Binder)
	if !ok {
		s.run = func() error { return p.do(s) }
		return nil
	}
	if out.v == nil {
		out.v = tensor.New(tensor.WithShape(out.shape...), tensor.Of(out.node.Dtype()))
		out.bound = p.clock.Load()
	}
	run, err := binder.Bind(out.v, s.inputs...)
	if err != nil {
		return err
	}
	s.run = func() error { run(); return nil }
	return nil
}

// view makes the output of s, a Reshape, another view of its operand's buffer.
func (p *Program) view(s *step) error {
	out := p.values[s.out]
	d, ok := s.inputs[0].(*tensor.Dense)
	if !ok {
		return fmt.Errorf("value is a %T; want a dense tensor", s.inputs[0])
	}
	v := d.ShallowClone()
	if err := v.Reshape(out.node.Shape()...); err != nil {
		return err
	}
	out.v, out.bound = v, p.clock.Load()
	s.run = func() error { return nil }
	return nil
}

// do runs an operation that is not a Binder.
func (p *Program) do(s *step) error {
	out := p.values[s.out]
	result, err := p.result(s, out)
	if err != nil {
		return err
	}
	if result, err = conform(result, out.node); err != nil {
		return err
	}
	if result != out.v {
		out.v, out.bound = result, p.clock.Load()
	}
	return nil
}

// result computes the output of s, into its buffer where the operation can.
func (p *Program) result(s *step, out *value) (G.Value, error) {
	pre, ok := s.op.(G.UsePreallocDoer)
	if buffer, reusable := out.v.(*tensor.Dense); ok && reusable {
		buffer.Zero() // some operations add to it
		return pre.UsePreallocDo(buffer, s.inputs...)
	}
	result, err := s.op.Do(s.inputs...)
	if err != nil {
		return nil, err
	}
	if ok && aliases(result, s.inputs) {
		// The next run writes to it, and would overwrite an operand.
		return G.CloneValue(result)
	}
	return result, nil
}

// aliases tells whether v shares memory with one of the inputs.
func aliases(v G.Value, inputs []G.Value) bool {
	d, ok := v.(*tensor.Dense)
	return ok && slices.ContainsFunc(inputs, func(in G.Value) bool {
		t, ok := in.(*tensor.Dense)
		return ok && t.Uintptr() < d.Uintptr()+d.MemSize() && d.Uintptr() < t.Uintptr()+t.MemSize()
	})
}

// conform returns v as the graph declares it: a scalar where n is one, as
// operations of Gorgonia require but do not always return, and otherwise a
// tensor in row-major order, on which operations of package op rely.
func conform(v G.Value, n *G.Node) (G.Value, error) {
	d, isTensor := v.(*tensor.Dense)
	switch {
	case v == nil:
		return nil, errors.New("gave no value")
	case n.IsScalar() && isTensor && d.Shape().TotalSize() == 1:
		return scalar(d)
	case !slices.Equal(v.Shape(), n.Shape()):
		return nil, fmt.Errorf("gave shape %v; the graph expects %v", v.Shape(), n.Shape())
	case isTensor && !rowMajor(d):
		return d.Materialize(), nil
	}
	return v, nil
}

func rowMajor(d *tensor.Dense) bool { return !d.RequiresIterator() && !d.DataOrder().IsColMajor() }

// scalar returns the one element of d.
func scalar(d *tensor.Dense) (G.Value, error) {
	switch x := d.Data().(type) {
	case []float64:
		return G.NewF64(x[0]), nil
	case []float32:
		return G.NewF32(x[0]), nil
	case float64:
		return G.NewF64(x), nil
	case float32:
		return G.NewF32(x), nil
	default:
		return nil, fmt.Errorf("gave a tensor of %v; want float32 or float64", d.Dtype())
	}
}
