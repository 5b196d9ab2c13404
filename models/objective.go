package models

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/vec"
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
	model    Model
	loss     Loss
	split    *datasets.Split
	dtype    tensor.Dtype
	params   []*tensor.Dense // of type dtype; the model's own where they can be
	shared   bool            // whether params are the model's own
	size     int             // samples that a replica has room for
	chunks   [][]int         // rows of split
	replicas []*replica      // one a chunk, or one a worker where that would take too much memory
	workers  int
	built    derivatives // that the replicas can compute
	sequence *sequencer

	active  []bool    // the parameters that are differentiated in
	targets []float64 // N × C in place of one-hot labels, or nil
	weight  float64   // of a sample, 1/N
	single  *Objective
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
	// Only names the parameters to differentiate in, by their name or the name
	// of their layer ("fc1" for fc1.weight and fc1.bias); all if empty. The
	// others are constants.
	Only []string
}

// resolve puts the defaults in the place of what is zero, for a model.
func (s ObjectiveSettings) resolve(m Model) (ObjectiveSettings, error) {
	if s.Precision == (tensor.Dtype{}) {
		s.Precision = tensor.Float64
	}
	if err := checkPrecision(s.Precision); err != nil {
		return s, err
	}
	if _, fixed := m.(Fixed); fixed {
		s.Precision = Precision(m)
	}
	if s.Workers <= 0 {
		s.Workers = runtime.GOMAXPROCS(0)
	}
	return s, nil
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
	active, err := selectParameters(m, s.Only)
	if err != nil {
		return nil, err
	}
	if s, err = s.resolve(m); err != nil {
		return nil, err
	}
	o := &Objective{
		model: m, loss: loss, split: split, dtype: s.Precision, workers: s.Workers, active: active,
		weight: 1 / float64(split.Len()), sequence: new(sequencer),
	}
	size := chunkSize
	if fixed, ok := m.(Fixed); ok {
		size = fixed.BatchSize()
	} else {
		n := split.Len()
		count := (n + size - 1) / size
		size = (n + count - 1) / count // chunks of nearly equal size
	}
	o.size, o.chunks = size, chunksOf(split.Len(), size)
	o.params, o.shared = parametersIn(m, o.dtype)
	if err := o.build(0); err != nil {
		return nil, err
	}
	return o, o.Refresh()
}

// chunksOf splits the rows 0 … n−1 into chunks of a size.
func chunksOf(n, size int) [][]int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return slices.Collect(slices.Chunk(rows, size))
}

// selectParameters tells which parameters have one of the names, or belong to
// a layer of that name.
func selectParameters(m Model, only []string) ([]bool, error) {
	params := m.Parameters()
	active := make([]bool, len(params))
	var known []string
	for i, p := range params {
		active[i] = len(only) == 0
		known = append(known, p.Name)
		if dot := strings.LastIndex(p.Name, "."); dot > 0 {
			known = append(known, p.Name[:dot])
		}
	}
	for _, name := range only {
		found := false
		for i, p := range params {
			if p.Name == name || strings.HasPrefix(p.Name, name+".") {
				active[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("models: no parameter or layer %q%s", name, suggest.Nearest(name, known))
		}
	}
	return active, nil
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

// Dim is the number of values of the parameters that are differentiated in, P.
func (o *Objective) Dim() int {
	size := 0
	for i, p := range o.params {
		if o.active[i] {
			size += p.DataSize()
		}
	}
	return size
}

// Samples is the number of samples, N.
func (o *Objective) Samples() int { return o.split.Len() }

// Precision is the type that is computed in.
func (o *Objective) Precision() tensor.Dtype { return o.dtype }

// Bytes is the memory of all buffers, once every kind of derivative that was
// asked for so far has been computed.
func (o *Objective) Bytes() int64 {
	return int64(len(o.replicas)) * o.replicas[0].program.Bytes()
}

// Refresh takes over the model's parameters as they are now. Call it whenever
// they have changed.
func (o *Objective) Refresh() error {
	if !o.shared {
		if err := copyParameters(o.params, o.model); err != nil {
			return err
		}
	}
	o.changed()
	return nil
}

// build makes replicas that can compute d, and all that they could before.
func (o *Objective) build(d derivatives) error {
	d |= o.built
	if d == o.built && o.replicas != nil {
		return nil
	}
	first, err := o.newReplica(d)
	if err != nil {
		return err
	}
	count := len(o.chunks)
	if count > maxKept || int64(count)*first.program.Bytes() > maxKeptBytes {
		count = min(count, o.workers)
	}
	replicas := []*replica{first}
	for len(replicas) < count {
		r, err := o.newReplica(d)
		if err != nil {
			return err
		}
		replicas = append(replicas, r)
	}
	o.replicas, o.built = replicas, d
	return nil
}

func (o *Objective) newReplica(d derivatives) (*replica, error) {
	r, err := newReplica(o, d)
	if err != nil {
		return nil, err
	}
	for i, p := range r.Params {
		if err := r.program.Set(p, o.params[i]); err != nil {
			return nil, err
		}
	}
	return r, nil
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
	err := o.each(ctx, 1, func(r *replica, chunk, _ int) error {
		return r.forward.Run()
	}, func(r *replica, chunk, _ int) error {
		sum, hits, err := r.score(o.split, o.chunks[chunk])
		loss += sum
		correct += hits
		return err
	})
	n := float64(o.Samples())
	return Evaluation{Loss: loss / n, Accuracy: float64(correct) / n}, err
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
	clear(dst)
	err := o.each(ctx, 1, func(r *replica, _, _ int) error {
		return r.backward.Run()
	}, func(r *replica, chunk, _ int) error {
		sum, _, err := r.score(o.split, o.chunks[chunk])
		loss += sum
		r.add(dst, r.gradient)
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

func (o *Objective) products(ctx context.Context, matrix string, dst, src *mat.Dense, d derivatives, of func(*replica) (*symbolic.Plan, G.Nodes)) error {
	if err := o.build(d); err != nil {
		return err
	}
	k, cols := src.Dims()
	if rows, c := dst.Dims(); rows != k || c != cols || cols != o.Dim() {
		return fmt.Errorf("models: %s products of %d × %d into %d × %d; want rows of %d", matrix, k, cols, rows, c, o.Dim())
	}
	for j := range k {
		clear(dst.RawRowView(j))
	}
	err := o.each(ctx, k, func(r *replica, _, j int) error {
		r.point(src.RawRowView(j))
		plan, _ := of(r)
		return plan.Run()
	}, func(r *replica, _, j int) error {
		_, image := of(r)
		r.add(dst.RawRowView(j), image)
		return nil
	})
	if err != nil {
		return err
	}
	for j := range k {
		if err := finite("a "+matrix+" product", dst.RawRowView(j)); err != nil {
			return err
		}
	}
	return nil
}

// Slopes sets dst[n] to the derivative of the loss of sample n in the
// direction v, gₙ·v with gₙ = ∇θ ℓ(f(xₙ), yₙ). dst has length Samples, v Dim.
func (o *Objective) Slopes(ctx context.Context, dst, v []float64) error {
	if err := o.build(first | second); err != nil {
		return err
	}
	if len(dst) != o.Samples() || len(v) != o.Dim() {
		return fmt.Errorf("models: slopes of %d samples along %d values; want %d and %d", len(dst), len(v), o.Samples(), o.Dim())
	}
	err := o.each(ctx, 1, func(r *replica, _, _ int) error {
		r.point(v)
		return r.slopes.Run()
	}, func(r *replica, chunk, _ int) error {
		rows := o.chunks[chunk]
		copyValues(dst[rows[0]:rows[0]+len(rows)], r.program.Value(r.slope).(*tensor.Dense))
		return nil
	})
	if err != nil {
		return err
	}
	return finite("a directional derivative", dst)
}

// add adds nodes, one a parameter, to their places in the flat vector dst.
func (r *replica) add(dst []float64, nodes G.Nodes) {
	for i, n := range nodes {
		if n != nil {
			addValues(dst[r.offsets[i]:], r.program.Value(n).(*tensor.Dense))
		}
	}
}

func addValues(dst []float64, t *tensor.Dense) {
	if t.Dtype() == tensor.Float32 {
		for i, v := range t.Float32s() {
			dst[i] += float64(v)
		}
		return
	}
	src := t.Float64s()
	dst = dst[:len(src)]
	vec.Float64.Add(dst, dst, src)
}
