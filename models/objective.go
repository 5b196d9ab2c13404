package models

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// Objective is the loss of a model over a split of data, as a function of the
// parameters:
//
//	L(θ) = (1/N) Σₙ ℓ(f(xₙ; θ), yₙ)
//
// It is evaluated in chunks of samples, on as many workers as asked for, and
// the chunks' results are added in their order: numbers are bit for bit the
// same for any number of workers. Parameters are read when the Objective is
// made and at every Refresh.
//
// An Objective belongs to one goroutine.
type Objective struct {
	model   Model
	loss    Loss
	split   *datasets.Split
	dtype   tensor.Dtype
	params  []*tensor.Dense // of type dtype; the model's own where they can be
	shared  bool            // whether params are the model's own
	chunks  [][]int         // rows of split
	lanes   []*lane         // one a chunk, or one a worker where that would take too much memory
	workers int
	order   int // derivatives that the lanes are built for
	turns   turns
}

// ObjectiveSettings are options of an Objective; the zero value is the
// default.
type ObjectiveSettings struct {
	// Precision of the computation, Float64 if zero. A Fixed model is always
	// evaluated in its own.
	Precision tensor.Dtype
	// Workers is how many chunks are computed at once; one a CPU if zero. It
	// does not change any result.
	Workers int
}

// Chunks are of at most chunkSize samples, whatever the number of workers.
// With more than maxKept chunks, or where keeping would take more than
// maxKeptBytes, chunks are loaded anew at each pass and the forward and first
// backward pass are computed again for each.
const (
	chunkSize    = 128
	maxKept      = 64
	maxKeptBytes = 1 << 30
)

// NewObjective returns the loss of m over split.
func NewObjective(m Model, loss Loss, split *datasets.Split, s ObjectiveSettings) (*Objective, error) {
	if err := checkData(m, split); err != nil {
		return nil, err
	}
	o := &Objective{model: m, loss: loss, split: split, dtype: s.Precision, workers: s.Workers, order: -1}
	if o.dtype == (tensor.Dtype{}) {
		o.dtype = tensor.Float64
	}
	if o.workers <= 0 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	size := chunkSize
	if fixed, ok := m.(Fixed); ok {
		o.dtype, size = Precision(m), fixed.BatchSize()
	} else {
		n := split.Len()
		count := (n + size - 1) / size
		size = (n + count - 1) / count // chunks of nearly equal size
		o.shared = o.dtype == Precision(m)
	}
	rows := make([]int, split.Len())
	for i := range rows {
		rows[i] = i
	}
	o.chunks = slices.Collect(slices.Chunk(rows, size))
	for _, p := range m.Parameters() {
		if o.shared {
			o.params = append(o.params, p.Value)
			continue
		}
		o.params = append(o.params, tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(o.dtype)))
	}
	if err := o.build(0); err != nil {
		return nil, err
	}
	return o, o.Refresh()
}

// checkData is an error unless the samples of split fit m.
func checkData(m Model, split *datasets.Split) error {
	n := split.Len()
	if n == 0 {
		return fmt.Errorf("models: split %q has no samples", split.Name)
	}
	width := tensor.Shape(m.InputShape()).TotalSize()
	if len(split.X) != n*width {
		return fmt.Errorf("models: split %q has %d values a sample; the model takes %d", split.Name, len(split.X)/n, width)
	}
	if top := slices.Max(split.Labels); top >= m.Classes() {
		return fmt.Errorf("models: split %q has a label %d; the model has %d classes", split.Name, top, m.Classes())
	}
	return nil
}

// Dim is the number of parameters, P.
func (o *Objective) Dim() int { return Size(o.model) }

// Samples is the number of samples, N.
func (o *Objective) Samples() int { return o.split.Len() }

// Precision is the type that is computed in.
func (o *Objective) Precision() tensor.Dtype { return o.dtype }

// Bytes is the memory of all buffers, once every kind of derivative that was
// asked for so far has been computed.
func (o *Objective) Bytes() int64 {
	return int64(len(o.lanes)) * o.lanes[0].program.Bytes()
}

// Refresh takes over the model's parameters as they are now. Call it whenever
// they have changed.
func (o *Objective) Refresh() error {
	if !o.shared {
		for i, p := range o.model.Parameters() {
			if p.Value.DataSize() != o.params[i].DataSize() {
				return fmt.Errorf("models: parameter %q has changed its shape to %v", p.Name, p.Value.Shape())
			}
			SetValues(o.params[i], Values(p.Value))
		}
	}
	for _, l := range o.lanes {
		l.program.Changed(l.Params...)
	}
	return nil
}

// build makes the lanes for derivatives up to order.
func (o *Objective) build(order int) error {
	if order <= o.order {
		return nil
	}
	first, err := o.newLane(order)
	if err != nil {
		return err
	}
	count := len(o.chunks)
	if count > maxKept || int64(count)*first.program.Bytes() > maxKeptBytes {
		count = min(count, o.workers)
	}
	lanes := []*lane{first}
	for len(lanes) < count {
		l, err := o.newLane(order)
		if err != nil {
			return err
		}
		lanes = append(lanes, l)
	}
	o.lanes, o.order = lanes, order
	return nil
}

func (o *Objective) newLane(order int) (*lane, error) {
	l, err := newLane(o.model, o.loss, len(o.chunks[0]), o.dtype, order)
	if err != nil {
		return nil, err
	}
	for i, p := range l.Params {
		if err := l.program.Set(p, o.params[i]); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Evaluation is the loss and what the logits say of the labels.
type Evaluation struct {
	Loss     float64
	Accuracy float64 // share of samples whose first largest logit is that of their label
}

// Evaluate returns the loss and the accuracy. A loss that is NaN or infinite
// is an error that wraps ErrNotFinite and names the sample.
func (o *Objective) Evaluate(ctx context.Context) (Evaluation, error) {
	loss, correct := 0.0, 0
	err := o.each(ctx, 1, func(l *lane, chunk, _ int) error {
		return l.forward.Run()
	}, func(l *lane, chunk, _ int) error {
		sum, hits, err := l.score(o.split, o.chunks[chunk])
		loss += sum
		correct += hits
		return err
	})
	n := float64(o.Samples())
	return Evaluation{Loss: loss / n, Accuracy: float64(correct) / n}, err
}

// ErrNotFinite is wrapped by errors about losses or derivatives that are NaN
// or infinite.
var ErrNotFinite = errors.New("not finite")

// Gradient sets dst, of length Dim, to ∇L and returns L.
func (o *Objective) Gradient(ctx context.Context, dst []float64) (float64, error) {
	if err := o.build(1); err != nil {
		return 0, err
	}
	if len(dst) != o.Dim() {
		return 0, fmt.Errorf("models: gradient into %d values; want %d", len(dst), o.Dim())
	}
	loss := 0.0
	clear(dst)
	err := o.each(ctx, 1, func(l *lane, _, _ int) error {
		return l.backward.Run()
	}, func(l *lane, chunk, _ int) error {
		sum, _, err := l.score(o.split, o.chunks[chunk])
		loss += sum
		l.add(dst, l.gradient)
		return err
	})
	if err != nil {
		return 0, err
	}
	return loss / float64(o.Samples()), finite("the gradient", dst)
}

// HessianProducts sets the rows of dst to the products of the Hessian of L
// with the rows of src; both are k × Dim and may not overlap.
func (o *Objective) HessianProducts(ctx context.Context, dst, src *mat.Dense) error {
	if err := o.build(2); err != nil {
		return err
	}
	k, cols := src.Dims()
	if rows, c := dst.Dims(); rows != k || c != cols || cols != o.Dim() {
		return fmt.Errorf("models: Hessian products of %d × %d into %d × %d; want rows of %d", k, cols, rows, c, o.Dim())
	}
	for j := range k {
		clear(dst.RawRowView(j))
	}
	err := o.each(ctx, k, func(l *lane, _, j int) error {
		l.point(src.RawRowView(j))
		return l.product.Run()
	}, func(l *lane, _, j int) error {
		l.add(dst.RawRowView(j), l.image)
		return nil
	})
	if err != nil {
		return err
	}
	for j := range k {
		if err := finite("a Hessian-vector product", dst.RawRowView(j)); err != nil {
			return err
		}
	}
	return nil
}

// Slopes sets dst[n] to the derivative of the loss of sample n in the
// direction v, gₙ·v with gₙ = ∇θ ℓ(f(xₙ), yₙ). dst has length Samples, v Dim.
func (o *Objective) Slopes(ctx context.Context, dst, v []float64) error {
	if err := o.build(2); err != nil {
		return err
	}
	if len(dst) != o.Samples() || len(v) != o.Dim() {
		return fmt.Errorf("models: slopes of %d samples along %d values; want %d and %d", len(dst), len(v), o.Samples(), o.Dim())
	}
	err := o.each(ctx, 1, func(l *lane, _, _ int) error {
		l.point(v)
		return l.slopes.Run()
	}, func(l *lane, chunk, _ int) error {
		rows := o.chunks[chunk]
		copyValues(dst[rows[0]:rows[0]+len(rows)], l.program.Value(l.slope).(*tensor.Dense))
		return nil
	})
	if err != nil {
		return err
	}
	return finite("a directional derivative", dst)
}

// finite is an error that wraps ErrNotFinite unless all values are finite.
func finite(what string, values []float64) error {
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("models: entry %d of %s is %g: %w", i, what, v, ErrNotFinite)
		}
	}
	return nil
}

// add adds nodes, one a parameter, to their places in the flat vector dst.
func (l *lane) add(dst []float64, nodes G.Nodes) {
	for i, n := range nodes {
		if n != nil {
			addValues(dst[l.offsets[i]:], l.program.Value(n).(*tensor.Dense))
		}
	}
}

func addValues(dst []float64, t *tensor.Dense) {
	if t.Dtype() == tensor.Float32 {
		add(dst, t.Float32s())
		return
	}
	add(dst, t.Float64s())
}

func add[T op.Float](dst []float64, src []T) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] += float64(v)
	}
}
