package models

import "context"

// GradientAt sets dst to the gradient at θ + h·v, for v of length Dim, and
// returns the loss there. The parameters are as before when it returns, bit for
// bit; nobody else may read them meanwhile.
func (o *Objective) GradientAt(ctx context.Context, dst, v []float64, h float64) (float64, error) {
	var kept [][]float64
	for i, p := range o.params {
		kept = append(kept, Values(p))
		if !o.active[i] {
			continue
		}
		moved := Values(p)
		for j := range moved {
			moved[j] += h * v[j]
		}
		v = v[len(moved):]
		SetValues(p, moved)
	}
	o.changed()
	loss, err := o.Gradient(ctx, dst)
	for i, p := range o.params {
		SetValues(p, kept[i])
	}
	o.changed()
	return loss, err
}

// changed tells all programs that the parameters were written to.
func (o *Objective) changed() {
	for _, r := range o.replicas {
		r.program.Changed(r.Params...)
	}
	if o.single != nil { // it shares the parameters' tensors
		o.single.changed()
	}
}
