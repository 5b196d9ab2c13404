package replay

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// Verify computes what was copied so far and compares each result with that of
// Gorgonia's operation on the same operands. All inputs of the copies must hold
// values. It returns an error that names the first operation of which the two
// differ: there are some that Gorgonia computes wrongly.
func (r *Replay) Verify() error {
	copies := make(G.Nodes, len(r.order))
	for i, n := range r.order {
		copies[i] = r.copies[n]
	}
	program, err := symbolic.Compile(copies...)
	if err != nil {
		return err
	}
	plan, err := program.Plan(copies...)
	if err != nil {
		return err
	}
	if err := plan.Run(); err != nil {
		return err
	}
	for _, n := range r.order {
		if err := r.verify(n, program); err != nil {
			return err
		}
	}
	return nil
}

// changed are the operations that are not copied as they are.
var changed = map[string]bool{"": true, "dropoutOp": true, "BatchNormOp": true}

func (r *Replay) verify(n *G.Node, program *symbolic.Program) error {
	if changed[symbolic.StockName(n.Op())] || len(symbolic.Children(n)) == 0 {
		return nil
	}
	result := r.compute(n, program)
	if result == nil {
		return nil
	}
	theirs, err := floats(result)
	if err != nil {
		return nil
	}
	ours, err := floats(program.Value(r.copies[n]))
	if err != nil {
		return err
	}
	if len(ours) != len(theirs) {
		return fmt.Errorf("replay: %s gives %d values in Gorgonia; its shape %v has %d", describe(n), len(theirs), n.Shape(), len(ours))
	}
	tolerance := 1e-9
	if n.Dtype() == tensor.Float32 || r.dtype == tensor.Float32 {
		tolerance = 1e-3
	}
	scale := 0.0
	for _, v := range ours {
		if !math.IsInf(v, 0) {
			scale = math.Max(scale, math.Abs(v))
		}
	}
	for i, v := range ours {
		same := v == theirs[i] || math.IsNaN(v) || math.IsNaN(theirs[i]) || math.IsInf(v, 0) || math.IsInf(theirs[i], 0)
		if !same && math.Abs(v-theirs[i]) > tolerance*scale {
			instead := "write it in another way"
			if symbolic.StockName(n.Op()) == "avgPoolOp" {
				instead = "for windows that do not overlap, Reshape to (images·channels·rows, kernel rows, columns, kernel columns) and take the Mean over the axes 3 and 1"
			}
			return fmt.Errorf("replay: %s gives %.6g in Gorgonia where %.6g is right (element %d); your training computes that, too: %s",
				describe(n), theirs[i], v, i, instead)
		}
	}
	return nil
}

// compute applies the operation of n to what its operands hold; nil if that fails.
func (r *Replay) compute(n *G.Node, program *symbolic.Program) G.Value {
	children := symbolic.Children(n)
	in := make([]G.Value, len(children))
	for i, c := range children {
		if in[i] = r.value(c, program); in[i] == nil {
			return nil
		}
	}
	return do(n.Op(), in)
}

// do computes an operation of Gorgonia; nil if that fails. Pooling writes to its
// scratch memory, as it does before every use of that.
func do(o G.Op, in []G.Value) (result G.Value) {
	defer func() {
		if recover() != nil {
			result = nil
		}
	}()
	result, err := o.Do(in...)
	if err != nil {
		return nil
	}
	return result
}

// value is what the node n of the graph from outside holds, in its own type. If it
// is a part of what was copied as a whole, as of a convolution, it is computed.
func (r *Replay) value(n *G.Node, program *symbolic.Program) G.Value {
	if c := Number(n); !math.IsNaN(c) {
		switch n.Dtype() {
		case tensor.Float64:
			return G.NewF64(c)
		case tensor.Float32:
			return G.NewF32(float32(c))
		}
		return G.NewI(int(c))
	}
	c, ok := r.copies[n]
	if !ok {
		if len(symbolic.Children(n)) == 0 {
			return n.Value()
		}
		return r.compute(n, program)
	}
	values, err := floats(program.Value(c))
	switch {
	case err != nil:
		return nil
	case n.IsScalar() && n.Dtype() == tensor.Float32:
		return G.NewF32(float32(values[0]))
	case n.IsScalar():
		return G.NewF64(values[0])
	}
	t := tensor.New(tensor.WithShape(n.Shape()...), tensor.Of(n.Dtype()))
	switch data := t.Data().(type) {
	case []float64:
		copy(data, values)
	case []float32:
		for i, v := range values {
			data[i] = float32(v)
		}
	default: // a comparison
		return nil
	}
	return t
}
