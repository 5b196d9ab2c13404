package models

import (
	"context"
	"sync"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
)

// Objective is the loss of a model over a split of data, as a function of the
// parameters:
//
//	L(θ) = (1/N) Σₙ ℓ(f(xₙ; θ), yₙ)
//
// It is evaluated in chunks of samples, on as many workers as the settings say,
// and the chunks' results are added in their order: numbers are bit for bit the
// same for any number of workers. Parameters are read when the Objective is
// made and at every Refresh.
//
// An Objective belongs to one goroutine.
type Objective struct {
	model  Model
	loss   Loss
	dtype  tensor.Dtype
	params []*tensor.Dense // of type dtype; the model's own where they can be
	shared bool            // whether params are the model's own
	base   []float64       // θ while params are at another point; nil before they ever were
	active []bool          // the parameters that are differentiated in
	samples

	size     int         // samples that a replica has room for
	replicas []*replica  // one a chunk, or one a worker where that would take too much memory
	built    derivatives // that the replicas can compute
	workers  int
	sequence *sequencer

	single *Objective // the same loss in chunks of one sample; nil until it is needed
}

// With more than maxKept chunks, where keeping would take more than maxKeptBytes, or
// where nothing but the loss and its gradient is computed, chunks are loaded anew at
// each pass, and the forward and first backward pass are computed again for each.
// Fewer workers compute where one chunk for each would take more than maxBytes.
const (
	maxKept      = 64
	maxKeptBytes = 1 << 30
	maxBytes     = 4 << 30
)

// NewObjective returns the loss of m over split.
func NewObjective(m Model, loss Loss, split *datasets.Split, s ObjectiveSettings) (*Objective, error) {
	if err := checkData(m, loss, split); err != nil {
		return nil, err
	}
	active, err := selectParameters(m, s.Only)
	if err != nil {
		return nil, err
	}
	if s, err = s.resolve(m); err != nil {
		return nil, err
	}
	if WholeBatches(m) {
		if split, err = whole(split, m.(Fixed).BatchSize()); err != nil {
			return nil, err
		}
	}
	o := &Objective{
		model: m, loss: loss, dtype: s.Precision, workers: s.Workers, active: active,
		samples: samples{split: split, weight: 1 / float64(split.Len())}, sequence: new(sequencer),
	}
	o.params, o.shared = parametersIn(m, o.dtype)
	fixed, isFixed := m.(Fixed)
	if isFixed {
		o.size = fixed.BatchSize()
	} else {
		o.size = evenly(split.Len(), chunkSize)
	}
	if err := o.divide(); err != nil {
		return nil, err
	}
	if fewer := fitting(o.size, o.replicas[0].program.Bytes(), maxForwardBytes); fewer < o.size && !isFixed {
		o.size = evenly(split.Len(), fewer)
		if err := o.divide(); err != nil {
			return nil, err
		}
	}
	return o, o.Refresh()
}

// divide makes chunks of o.size samples, and replicas for them.
func (o *Objective) divide() error {
	o.chunks, o.replicas = chunksOf(o.split.Len(), o.size), nil
	return o.build(0)
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

// Precision is the type of the computation.
func (o *Objective) Precision() tensor.Dtype { return o.dtype }

// Bytes is the memory of all buffers for the kinds of derivative that were asked
// for so far.
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

// changed tells all programs that the parameters were written to.
func (o *Objective) changed() {
	for _, r := range o.replicas {
		r.refresh(o.model)
		r.program.Changed(r.Params...)
		r.program.Changed(r.Buffers...)
	}
	if o.single != nil { // it shares the parameters' tensors
		o.single.changed()
	}
}

// reload makes every replica load its chunk again, because the samples have
// changed.
func (o *Objective) reload() {
	for _, r := range o.replicas {
		r.chunk = -1
	}
}

// build makes replicas that can compute d and all that was asked for before.
func (o *Objective) build(d derivatives) error {
	d |= o.built
	if d == o.built && o.replicas != nil {
		return nil
	}
	one, err := o.newReplica(d)
	if err != nil {
		return err
	}
	count := len(o.chunks)
	if bytes := one.program.Bytes(); d <= first || count > maxKept || int64(count)*bytes > maxKeptBytes {
		count = min(count, o.workers, int(max(1, maxBytes/max(1, bytes))))
	}
	replicas := []*replica{one}
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
	e, err := Express(o.model, o.loss, o.size, o.dtype)
	if err != nil {
		return nil, err
	}
	r, err := newReplica(e, o.active, d)
	if err != nil {
		return nil, err
	}
	return r, r.setParameters(o.params)
}

// each runs compute for every chunk and every j < k, with the chunks spread over
// the workers. For each j it runs collect in the order of the chunks, one at a
// time. The first error stops all.
func (o *Objective) each(ctx context.Context, k int, compute, collect func(r *replica, chunk, j int) error) error {
	workers := min(o.workers, len(o.chunks), len(o.replicas))
	o.sequence.reset(k)
	if workers == 1 {
		o.work(ctx, 0, k, compute, collect)
		return o.sequence.err
	}
	var wait sync.WaitGroup
	for w := 1; w < workers; w++ {
		wait.Go(func() { o.work(ctx, w, k, compute, collect) })
	}
	o.work(ctx, 0, k, compute, collect)
	wait.Wait()
	return o.sequence.err
}

// work computes chunks, in their order, until none is left.
func (o *Objective) work(ctx context.Context, worker, k int, compute, collect func(r *replica, chunk, j int) error) {
	for {
		chunk := int(o.sequence.next.Add(1)) - 1
		if chunk >= len(o.chunks) {
			return
		}
		r := o.replicas[worker%len(o.replicas)]
		if len(o.replicas) == len(o.chunks) {
			r = o.replicas[chunk]
		}
		r.load(&o.samples, chunk)
		for j := range k {
			err := ctx.Err()
			if err == nil {
				err = compute(r, chunk, j)
			}
			if !o.sequence.deliver(chunk, j, err, func() error { return collect(r, chunk, j) }) {
				return
			}
		}
	}
}
