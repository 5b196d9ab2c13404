package models

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// Evaluation is the loss and the accuracy of a model on a split.
type Evaluation struct {
	Loss     float64
	Accuracy float64 // share of samples whose largest logit, the first of equal ones, is that of their label; 0 without labels
}

// Evaluate returns the loss and the accuracy. A loss that is NaN or infinite
// is an error that wraps ErrNotFinite and names the sample.
func (o *Objective) Evaluate(ctx context.Context) (Evaluation, error) {
	loss, correct := 0.0, 0
	err := o.each(ctx, task{plan: forward}, func(r *replica, chunk, _, _ int) error {
		sum, hits, err := r.score(o.split, o.chunks[chunk])
		loss += sum
		correct += hits
		return err
	})
	n := float64(o.Samples())
	return Evaluation{Loss: loss / n, Accuracy: float64(correct) / n}, err
}

// Logits sets dst, N × C row-major, to the logits of all samples.
func (o *Objective) Logits(ctx context.Context, dst []float64) error {
	classes := o.model.Classes()
	if len(dst) != o.Samples()*classes {
		return fmt.Errorf("models: logits into %d values; want %d samples × %d classes", len(dst), o.Samples(), classes)
	}
	err := o.each(ctx, task{plan: forward}, func(r *replica, chunk, _, _ int) error {
		rows := o.chunks[chunk]
		copyValues(dst[rows[0]*classes:(rows[0]+len(rows))*classes], r.program.Value(r.Expression.Logits).(*tensor.Dense))
		return nil
	})
	return errors.Join(err, finite("the logits", dst))
}

// Gradient sets dst, of length Dim, to ∇L and returns L.
func (o *Objective) Gradient(ctx context.Context, dst []float64) (float64, error) {
	if err := o.build(first); err != nil {
		return 0, err
	}
	if len(dst) != o.Dim() {
		return 0, fmt.Errorf("models: gradient into %d values; want %d", len(dst), o.Dim())
	}
	loss := 0.0
	err := o.each(ctx, task{plan: backward, parts: o.parts()}, func(r *replica, chunk, _, part int) error {
		if part == 0 {
			sum, _, err := r.score(o.split, o.chunks[chunk])
			if err != nil {
				return err
			}
			loss += sum
		}
		return o.addPart("the gradient", dst, r, r.gradient, chunk, part)
	})
	if err != nil {
		return 0, err
	}
	return loss / float64(o.Samples()), nil
}

// EvaluateAt returns the loss and the accuracy at θ + h·v, for v of length Dim.
// It takes a forward pass and leaves the model's parameters alone.
func (o *Objective) EvaluateAt(ctx context.Context, v []float64, h float64) (e Evaluation, err error) {
	err = o.at(v, h, func() error {
		e, err = o.Evaluate(ctx)
		return err
	})
	return e, err
}

// GradientAt sets dst to the gradient at θ + h·v, for v of length Dim, and
// returns the loss there. It leaves the model's parameters alone.
func (o *Objective) GradientAt(ctx context.Context, dst, v []float64, h float64) (loss float64, err error) {
	err = o.at(v, h, func() error {
		loss, err = o.Gradient(ctx, dst)
		return err
	})
	return loss, err
}

// LogitsAt sets dst, N × C row-major, to the logits of all samples at θ + h·v. It
// leaves the model's parameters alone.
func (o *Objective) LogitsAt(ctx context.Context, dst, v []float64, h float64) error {
	return o.at(v, h, func() error { return o.Logits(ctx, dst) })
}

// at calls f with the parameters at θ + h·v, and puts them back to θ. They are the
// Objective's own from the first call on.
func (o *Objective) at(v []float64, h float64, f func() error) error {
	if len(v) != o.Dim() {
		return fmt.Errorf("models: a step of %d values; want %d, one a parameter", len(v), o.Dim())
	}
	if err := o.separate(); err != nil {
		return err
	}
	o.move(v, h)
	defer o.move(nil, 0)
	return f()
}

// separate ends the sharing of parameters with the model.
func (o *Objective) separate() error {
	if o.shared {
		o.params, o.shared, o.single = ownParameters(o.model, o.dtype), false, nil
		for _, r := range o.replicas {
			if err := r.setParameters(o.params); err != nil {
				return err
			}
		}
		if err := o.Refresh(); err != nil {
			return err
		}
	}
	if o.base == nil {
		o.base = make([]float64, o.Dim())
	}
	return nil
}

// move keeps the active parameters in base and adds h·v to them. If v is nil, it
// sets them to base.
func (o *Objective) move(v []float64, h float64) {
	at := 0
	for i, p := range o.params {
		if !o.active[i] {
			continue
		}
		base := o.base[at : at+p.DataSize()]
		if v == nil {
			SetValues(p, base)
		} else {
			copyValues(base, p)
			addScaled(p, h, v[at:at+len(base)])
		}
		at += len(base)
	}
	o.changed()
}

// HessianProducts sets the rows of dst to the products of the Hessian of L
// with the rows of src; both are k × Dim and may not overlap.
func (o *Objective) HessianProducts(ctx context.Context, dst, src *mat.Dense) error {
	return o.products(ctx, "Hessian", dst, src, first|second, func(r *replica) (*symbolic.Plan, G.Nodes) { return r.product, r.image })
}

// GaussNewtonProducts sets the rows of dst to the products of the generalised
// Gauss-Newton matrix with the rows of src, both k × Dim:
//
//	G = (1/N) Σₙ Jₙᵀ·∇²ℓ(zₙ)·Jₙ,   Jₙ = ∂f(xₙ)/∂θ
//
// with ∇²ℓ = diag p − ppᵀ for the cross-entropy (Schraudolph 2002).
func (o *Objective) GaussNewtonProducts(ctx context.Context, dst, src *mat.Dense) error {
	return o.products(ctx, "Gauss-Newton", dst, src, gaussNewton, func(r *replica) (*symbolic.Plan, G.Nodes) { return r.ggnProduct, r.ggnImage })
}

// EmpiricalFisherProducts sets the rows of dst to the products of the empirical Fisher
// matrix with the rows of src, both k × Dim:
//
//	F = (1/N) Σₙ gₙ·gₙᵀ,   gₙ = ∇θ ℓ(f(xₙ), yₙ)
//
// with the labels of the data. It is the second moment of the samples' gradients,
// not centred: their covariance is F − ∇L·∇Lᵀ (Kunstner et al. 2019).
func (o *Objective) EmpiricalFisherProducts(ctx context.Context, dst, src *mat.Dense) error {
	if err := checkApart(o.model, "gradients"); err != nil {
		return err
	}
	return o.products(ctx, "Fisher", dst, src, fisher, func(r *replica) (*symbolic.Plan, G.Nodes) { return r.fisherProduct, r.fisherImage })
}

func (o *Objective) products(ctx context.Context, matrix string, dst, src *mat.Dense, d derivatives, of func(*replica) (*symbolic.Plan, G.Nodes)) error {
	if err := o.build(d); err != nil {
		return err
	}
	k, cols := src.Dims()
	if rows, c := dst.Dims(); rows != k || c != cols || cols != o.Dim() {
		return fmt.Errorf("models: %s products of %d × %d into %d × %d; want rows of %d", matrix, k, cols, rows, c, o.Dim())
	}
	what := "a " + matrix + " product"
	product := task{directions: src, parts: o.parts(), plan: func(r *replica) *symbolic.Plan {
		plan, _ := of(r)
		return plan
	}}
	return o.each(ctx, product, func(r *replica, chunk, j, part int) error {
		_, image := of(r)
		return o.addPart(what, dst.RawRowView(j), r, image, chunk, part)
	})
}

// Slopes sets row j of dst, k × Samples, to the derivatives of the samples' losses in
// the direction of row j of v, k × Dim: gₙ·v with gₙ = ∇θ ℓ(f(xₙ), yₙ).
func (o *Objective) Slopes(ctx context.Context, dst, v *mat.Dense) error {
	if err := checkApart(o.model, "slopes"); err != nil {
		return err
	}
	if err := o.build(first | second); err != nil {
		return err
	}
	k, cols := v.Dims()
	if rows, samples := dst.Dims(); rows != k || samples != o.Samples() || cols != o.Dim() {
		return fmt.Errorf("models: slopes along %d × %d into %d × %d; want rows of %d into rows of %d", k, cols, rows, samples, o.Dim(), o.Samples())
	}
	slopes := task{directions: v, plan: func(r *replica) *symbolic.Plan { return r.slopes }}
	err := o.each(ctx, slopes, func(r *replica, chunk, j, _ int) error {
		rows := o.chunks[chunk]
		copyValues(dst.RawRowView(j)[rows[0]:rows[0]+len(rows)], r.program.Value(r.slope).(*tensor.Dense))
		return nil
	})
	for j := 0; err == nil && j < k; j++ {
		err = finite("a directional derivative", dst.RawRowView(j))
	}
	return err
}
