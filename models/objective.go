package models

import (
	"context"
	"sync"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic"
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
	replicas []*replica  // one a worker; chunks are dealt to them in turn
	kept     []*replica  // by chunk: its own, a fork of its worker's; nil where there is none
	built    derivatives // that the replicas can compute
	workers  int
	memory   int64 // for kept
	sequence *sequencer

	single *Objective // the same loss in chunks of one sample; nil until it is needed
}

// Fewer workers compute where a chunk for each would take more than maxBytes.
const maxBytes = 4 << 30

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
		model: m, loss: loss, dtype: s.Precision, workers: s.Workers, memory: s.Memory, active: active,
		samples: samples{split: split, weight: 1 / float64(split.Len())}, sequence: new(sequencer),
	}
	o.params, o.shared = parametersIn(m, o.dtype)
	fixed, isFixed := m.(Fixed)
	if isFixed {
		o.size = fixed.BatchSize()
	} else {
		o.size = min(split.Len(), chunkSize)
	}
	if err := o.divide(); err != nil {
		return nil, err
	}
	if !isFixed {
		one := o.replicas[0]
		forward := one.program.BytesOf(one.Inputs()...) / int64(o.size)
		if size := chunkFor(split.Len(), forward, int64(Size(m))*int64(o.dtype.Size())); size != o.size {
			o.size = size
			if err := o.divide(); err != nil {
				return nil, err
			}
		}
	}
	return o, o.Refresh()
}

// divide makes chunks of o.size samples, and replicas for them.
func (o *Objective) divide() error {
	o.chunks, o.replicas, o.kept = chunksOf(o.split.Len(), o.size), nil, nil
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
	bytes := int64(0)
	for _, r := range o.replicas {
		bytes += r.bytes()
	}
	kept, chunks := o.Kept()
	if kept == 0 || o.kept[0] == nil {
		return bytes
	}
	own := o.kept[0].program.OwnBytes()
	bytes += int64(kept) * own
	if kept == chunks { // the workers' own replicas are not used
		bytes -= int64(len(o.replicas)) * own
	}
	return bytes
}

// Kept is the number of chunks of which products at the same parameters share one
// forward and first backward pass, and that of all chunks. The passes of the rest
// are computed again for each call of HessianProducts and the like.
func (o *Objective) Kept() (kept, chunks int) {
	for _, r := range o.kept {
		if r != nil {
			kept++
		}
	}
	if kept == 0 && len(o.replicas) == len(o.chunks) {
		kept = len(o.chunks)
	}
	return kept, len(o.chunks)
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
		if r.leads {
			r.refresh(o.model)
			r.program.Changed(r.Params...)
			r.program.Changed(r.Buffers...)
		}
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
	for _, r := range o.kept {
		if r != nil {
			r.chunk = -1
		}
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
	replicas := []*replica{one}
	for left := maxBytes - one.bytes(); len(replicas) < min(len(o.chunks), o.workers); {
		r, err := o.another(one, d)
		if err != nil {
			return err
		}
		if left -= r.bytes(); left < 0 {
			break
		}
		replicas = append(replicas, r)
	}
	o.replicas, o.built = replicas, d
	return o.keep()
}

// keep gives as many chunks a replica of their own as the memory allows. What those
// hold pays only for products at the same parameters.
func (o *Objective) keep() error {
	o.kept = make([]*replica, len(o.chunks))
	if o.built&(second|gaussNewton|fisher|mixed) == 0 || len(o.chunks) == len(o.replicas) {
		return nil
	}
	left := o.memory
	for i := range o.kept {
		r, err := o.replicas[i%len(o.replicas)].fork()
		if err != nil {
			return err
		}
		if left -= r.program.OwnBytes(); left < 0 {
			return nil
		}
		o.kept[i] = r
	}
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

// another returns a replica for one more worker beside the first.
func (o *Objective) another(first *replica, d derivatives) (*replica, error) {
	if first.program.Concurrent() {
		return first.twin()
	}
	return o.newReplica(d)
}

// task is what each computes.
type task struct {
	plan       func(*replica) *symbolic.Plan
	directions *mat.Dense // v of each result of a chunk, a row; nil for one result without
	parts      int        // in which a result is collected, one after the other; 1 if zero
}

// results is their number for each chunk.
func (t task) results() int {
	if t.directions == nil {
		return 1
	}
	return t.directions.RawMatrix().Rows
}

func forward(r *replica) *symbolic.Plan { return r.forward }

func backward(r *replica) *symbolic.Plan { return r.backward }

// each runs the plan for every chunk and every direction j, with the chunks dealt to the
// workers in turn. For each j it runs collect in the order of the chunks, one at a
// time, part by part. The first error stops all.
func (o *Objective) each(ctx context.Context, t task, collect func(r *replica, chunk, j, part int) error) error {
	t.parts = max(1, t.parts)
	o.sequence.reset(t.results()*t.parts, len(o.replicas))
	var wait sync.WaitGroup
	for w := 1; w < len(o.replicas); w++ {
		wait.Go(func() { o.work(ctx, w, t, collect) })
	}
	o.work(ctx, 0, t, collect)
	wait.Wait()
	return o.sequence.err
}

// work computes the chunks of a worker, in their order. Where there are several
// directions, the workers take a chunk each for one direction after the other: it
// stays in the caches, or need not be kept.
func (o *Objective) work(ctx context.Context, worker int, t task, collect func(r *replica, chunk, j, part int) error) {
	workers := len(o.replicas)
	group := len(o.chunks)
	if t.results() > 1 {
		group = workers
	}
	for first := 0; first < len(o.chunks); first += group {
		last := min(first+group, len(o.chunks))
		for j := range t.results() {
			if !o.aim(worker, t, j, first+j == 0) {
				return
			}
			for chunk := first + worker; chunk < last; chunk += workers {
				if !o.workOn(ctx, worker, chunk, j, t, collect) {
					return
				}
			}
		}
	}
}

// workOn computes result j of a chunk and delivers it. It returns false once anything
// has failed.
func (o *Objective) workOn(ctx context.Context, worker, chunk, j int, t task, collect func(r *replica, chunk, j, part int) error) bool {
	r := o.kept[chunk]
	if r == nil {
		r = o.replicas[worker]
	}
	err := ctx.Err()
	if err == nil {
		r.load(&o.samples, chunk)
		err = t.plan(r).Run()
	}
	if err != nil {
		o.sequence.fail(err)
		return false
	}
	for part := range t.parts {
		if !o.sequence.deliver(chunk, j*t.parts+part, func() error { return collect(r, chunk, j, part) }) {
			return false
		}
	}
	return true
}

// aim brings what the workers share to direction j, once all of them are done with the
// one before, if any. It returns false once anything has failed.
func (o *Objective) aim(worker int, t task, j int, begins bool) bool {
	r, together := o.replicas[worker], len(o.replicas) > 1 && !o.replicas[1].leads
	if together && !begins && !o.sequence.meet() {
		return false
	}
	if r.leads && t.directions != nil {
		r.point(t.directions.RawRowView(j))
	}
	if !together {
		return true
	}
	if r.leads {
		if err := t.plan(o.replicas[1]).RunShared(); err != nil {
			o.sequence.fail(err)
			return false
		}
	}
	return o.sequence.meet()
}

// partSize values of a sum over the chunks are added at once: few enough to stay in a
// second-level cache, and for another worker not to wait for long.
const partSize = 16 << 10

// parts is the number of parts of a vector of length Dim.
func (o *Objective) parts() int { return (o.Dim() + partSize - 1) / partSize }

// addPart sets a part of dst, a sum over the chunks, to that of nodes, one for each
// active parameter, or adds it from the second chunk on. At the last chunk the sum, of
// which what is the name, must be finite.
func (o *Objective) addPart(what string, dst []float64, r *replica, nodes G.Nodes, chunk, part int) error {
	first := part * partSize
	to := dst[first:min(first+partSize, len(dst))]
	r.flatten(to, first, nodes, chunk > 0)
	if chunk == len(o.chunks)-1 {
		return finiteFrom(first, what, to)
	}
	return nil
}
