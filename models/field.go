package models

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// Field is the logits of a model as a function of its input, with the
// derivatives by the input. Points are computed in chunks of one size, on as
// many workers as the settings say; results do not depend on their number.
//
// A Field belongs to one goroutine.
type Field struct {
	model    Model
	width    int // values of a point
	size     int // points of a chunk
	params   []*tensor.Dense
	shared   bool // whether params are the model's own
	replicas []*fieldReplica
}

// fieldReplica is the copy of the graph and the program of one worker, with
// room for one chunk of points.
type fieldReplica struct {
	*Expression
	program           *symbolic.Program
	gradient          *G.Node // of Σₙ ⟨sₙ, f(xₙ)⟩ with respect to the points
	forward, backward *symbolic.Plan
}

// NewField returns the logits of m as a function of its input. The setting Only
// has no effect.
func NewField(m Model, s ObjectiveSettings) (*Field, error) {
	if err := checkApart(m, "logits at points"); err != nil {
		return nil, err
	}
	f := &Field{model: m, width: tensor.Shape(m.InputShape()).TotalSize(), size: chunkSize}
	s, err := s.resolve(m)
	if err != nil {
		return nil, err
	}
	fixed, isFixed := m.(Fixed)
	if isFixed {
		f.size = fixed.BatchSize()
	}
	f.params, f.shared = parametersIn(m, s.Precision)
	const most = 4 * maxForwardBytes // with the gradient by the points
	for len(f.replicas) < s.Workers {
		r, err := f.newReplica(s.Precision)
		if err != nil {
			return nil, err
		}
		if fewer := fitting(f.size, r.program.Bytes(), most); fewer < f.size && !isFixed {
			f.size = fewer
			continue
		}
		f.replicas = append(f.replicas, r)
	}
	return f, f.Refresh()
}

func (f *Field) newReplica(dtype tensor.Dtype) (*fieldReplica, error) {
	e, err := Express(f.model, linear, f.size, dtype)
	if err != nil {
		return nil, err
	}
	r := &fieldReplica{Expression: e}
	gradient, err := symbolic.Pullback(G.Nodes{e.Logits}, G.Nodes{e.Target}, G.Nodes{e.Input})
	if err != nil {
		return nil, err
	}
	if r.gradient = gradient[0]; r.gradient == nil {
		return nil, fmt.Errorf("models: the logits do not depend on the input")
	}
	if r.program, err = symbolic.CompileTogether([]G.Nodes{append(e.Buffers, e.Params...)}, e.Logits, r.gradient); err != nil {
		return nil, err
	}
	for i, p := range e.Params {
		if err := r.program.Set(p, f.params[i]); err != nil {
			return nil, err
		}
	}
	if r.forward, err = r.program.Plan(e.Logits); err != nil {
		return nil, err
	}
	r.backward, err = r.program.Plan(r.gradient)
	return r, err
}

// Refresh takes over the model's parameters as they are now. Call it whenever
// they have changed.
func (f *Field) Refresh() error {
	if !f.shared {
		if err := copyParameters(f.params, f.model); err != nil {
			return err
		}
	}
	for _, r := range f.replicas {
		r.refresh(f.model)
		r.program.Changed(r.Params...)
		r.program.Changed(r.Buffers...)
	}
	return nil
}

// Classes is the number of logits of a point, C.
func (f *Field) Classes() int { return f.model.Classes() }

// Width is the number of values of a point, d.
func (f *Field) Width() int { return f.width }

// Logits sets dst, n × C row-major, to the logits of the points x, n × d.
func (f *Field) Logits(ctx context.Context, dst, x []float64) error {
	return f.each(ctx, dst, x, f.Classes(), func(r *fieldReplica, dst []float64, _ int) error {
		if err := r.forward.Run(); err != nil {
			return err
		}
		copyValues(dst, r.program.Value(r.Expression.Logits).(*tensor.Dense))
		return finite("the logits", dst)
	})
}

// Predict returns the class of each of the points x, n × d: that of the largest
// logit, the first of equal ones.
func (f *Field) Predict(ctx context.Context, x []float64) ([]int, error) {
	classes := f.Classes()
	logits := make([]float64, len(x)/f.width*classes)
	if err := f.Logits(ctx, logits, x); err != nil {
		return nil, err
	}
	predicted := make([]int, len(logits)/classes)
	for i := range predicted {
		predicted[i] = floats.MaxIdx(logits[i*classes : (i+1)*classes])
	}
	return predicted, nil
}

// Gradients sets row n of dst, n × d, to the gradient of ⟨sₙ, f(x)⟩ with
// respect to the point x, at row n of x. The cotangents sₙ, C values each, may
// depend on the logits: cotangent is called with the number and the logits of
// every point and sets s, which holds zeros. Several goroutines call it at once.
func (f *Field) Gradients(ctx context.Context, dst, x []float64, cotangent func(n int, logits, s []float64)) error {
	classes := f.Classes()
	return f.each(ctx, dst, x, f.width, func(r *fieldReplica, dst []float64, first int) error {
		if err := r.forward.Run(); err != nil {
			return err
		}
		logits := make([]float64, len(dst)/f.width*classes)
		copyValues(logits, r.program.Value(r.Expression.Logits).(*tensor.Dense))
		if err := finite("the logits", logits); err != nil {
			return err
		}
		s := make([]float64, len(logits))
		for i := 0; i < len(s); i += classes {
			cotangent(first+i/classes, logits[i:i+classes], s[i:i+classes])
		}
		setValuesAt(r.Target.Value().(*tensor.Dense), 0, s)
		r.program.Changed(r.Target)
		if err := r.backward.Run(); err != nil {
			return err
		}
		copyValues(dst, r.program.Value(r.gradient).(*tensor.Dense))
		return finite("an input gradient", dst)
	})
}

// each runs compute for every chunk of the points x, with the chunk's part of
// dst, which has the given number of columns, and the number of its first point.
func (f *Field) each(ctx context.Context, dst, x []float64, columns int, compute func(r *fieldReplica, dst []float64, first int) error) error {
	n := len(x) / f.width
	if len(x) != n*f.width || len(dst) != n*columns {
		return fmt.Errorf("models: %d values for points of %d and %d for results of %d", len(x), f.width, len(dst), columns)
	}
	chunks := (n + f.size - 1) / f.size
	errs := make([]error, chunks)
	var next atomic.Int64
	work := func(r *fieldReplica) {
		for {
			chunk := int(next.Add(1)) - 1
			if chunk >= chunks {
				return
			}
			from, to := chunk*f.size, min((chunk+1)*f.size, n)
			errs[chunk] = ctx.Err()
			if errs[chunk] == nil {
				setValuesAt(r.Input.Value().(*tensor.Dense), 0, x[from*f.width:to*f.width])
				r.program.Changed(r.Input)
				errs[chunk] = compute(r, dst[from*columns:to*columns], from)
			}
			if errs[chunk] != nil {
				return
			}
		}
	}
	var wait sync.WaitGroup
	for _, r := range f.replicas[1:max(1, min(len(f.replicas), chunks))] {
		wait.Go(func() { work(r) })
	}
	work(f.replicas[0])
	wait.Wait()
	return cmp.Or(errs...)
}
