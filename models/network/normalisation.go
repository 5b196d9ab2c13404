package network

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// PyTorch's defaults.
const (
	epsilon  = 1e-5 // added to variances
	momentum = 0.1  // weight of the mini-batch in running statistics
)

// add implements Layer.
func (l BatchNorm) add(p *plan, at place, in []int) ([]int, forward, error) {
	name, err := p.named(at, l.Name)
	if err != nil {
		return nil, nil, err
	}
	a, err := p.scaled(at, name, in[:1])
	mean := len(p.buffers)
	p.buffers = append(p.buffers,
		array{name: name + ".running_mean", shape: in[:1]},
		array{name: name + ".running_var", shape: in[:1], constant: 1})
	return in, func(p *pass, x *G.Node) (*G.Node, error) {
		gamma, beta := p.params[a.weight], p.params[a.bias]
		if p.training == nil {
			return op.FrozenBatchNorm(x, gamma, beta, p.buffers[mean], p.buffers[mean+1], epsilon)
		}
		values := x.Shape().TotalSize() / in[0]
		if values < 2 {
			return nil, fmt.Errorf("%s: one value a channel has no variance; want a batch size that leaves no last batch of 1 sample", at.path)
		}
		y, batchMean, variance, err := op.BatchNorm(x, gamma, beta, epsilon)
		if err != nil {
			return nil, err
		}
		if p.training.Updates[mean], err = running(p.buffers[mean], batchMean, momentum); err != nil {
			return nil, err
		}
		unbiased := float64(values) / float64(values-1)
		p.training.Updates[mean+1], err = running(p.buffers[mean+1], variance, momentum*unbiased)
		return y, err
	}, err
}

// running returns the new value of a running statistic, (1 − momentum)·old +
// weight·batch.
func running(old, batch *G.Node, weight float64) (*G.Node, error) {
	kept, err := op.Scale(old, 1-momentum)
	if err != nil {
		return nil, err
	}
	added, err := op.Scale(batch, weight)
	if err != nil {
		return nil, err
	}
	return op.Add(kept, added)
}

// add implements Layer.
func (l LayerNorm) add(p *plan, at place, in []int) ([]int, forward, error) {
	name, err := p.named(at, l.Name)
	if err != nil {
		return nil, nil, err
	}
	a, err := p.scaled(at, name, in)
	return in, func(p *pass, x *G.Node) (*G.Node, error) {
		return op.LayerNorm(x, p.params[a.weight], p.params[a.bias], epsilon)
	}, err
}

// add implements Layer.
func (l Dropout) add(_ *plan, at place, in []int) ([]int, forward, error) {
	if !(l.P > 0 && l.P < 1) {
		return nil, nil, at.wrong("p", "is %g; want a probability above 0 and below 1", l.P)
	}
	return in, func(p *pass, x *G.Node) (*G.Node, error) {
		if p.training == nil {
			return x, nil
		}
		// The path makes the name unique: Gorgonia takes equal inputs of one name for one.
		t := tensor.New(tensor.WithShape(x.Shape()...), tensor.Of(x.Dtype()))
		mask := G.NewTensor(x.Graph(), x.Dtype(), x.Dims(), G.WithShape(x.Shape()...), G.WithName("mask of "+at.path), G.WithValue(t))
		p.training.Masks = append(p.training.Masks, models.Mask{Node: mask, Drop: l.P})
		return op.Dropout(x, mask)
	}, nil
}
