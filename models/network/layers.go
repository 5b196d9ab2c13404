package network

import (
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// add implements Layer.
func (l Residual) add(p *plan, at place, in []int) ([]int, forward, error) {
	if len(l.Layers) == 0 {
		return nil, nil, at.wrong("layers", "is empty; want layers")
	}
	name, err := p.named(at, l.Name)
	if err != nil {
		return nil, nil, err
	}
	out, f, err := p.sequence(l.Layers, place{at.path + ".layers", name + ".layers"}, in)
	if err != nil {
		return nil, nil, err
	}
	beside, shortcut, err := p.sequence(l.Shortcut, place{at.path + ".shortcut", name + ".shortcut"}, in)
	switch {
	case err != nil:
		return nil, nil, err
	case slices.Equal(out, beside):
	case len(l.Shortcut) == 0:
		return nil, nil, at.wrong("layers", "makes %s, which cannot be added to the input, %s; want the same shape, or a shortcut that has it", shapeText(out), shapeText(in))
	default:
		return nil, nil, at.wrong("shortcut", "makes %s, and the layers beside it %s; want the same shape", shapeText(beside), shapeText(out))
	}
	return out, func(p *pass, x *G.Node) (*G.Node, error) {
		y, err := f(p, x)
		if err != nil {
			return nil, err
		}
		if x, err = shortcut(p, x); err != nil {
			return nil, err
		}
		return op.Add(y, x)
	}, nil
}

// add implements Layer.
func (Flatten) add(_ *plan, _ place, in []int) ([]int, forward, error) {
	features := 1
	for _, n := range in {
		features *= n
	}
	return []int{features}, func(_ *pass, x *G.Node) (*G.Node, error) {
		if len(in) == 1 {
			return x, nil
		}
		return op.Reshape(x, tensor.Shape{x.Shape()[0], features})
	}, nil
}

// add implements Layer.
func (l Dense) add(p *plan, at place, in []int) ([]int, forward, error) {
	switch {
	case len(in) != 1:
		return nil, nil, at.wrong("", "takes features; its input is %s: put flatten before it", shapeText(in))
	case l.Out < 1:
		return nil, nil, at.wrong("out", "is %d; want at least 1 output", l.Out)
	}
	a, err := p.affine(at, l.Name, []int{l.Out, in[0]}, l.NoBias)
	return []int{l.Out}, func(p *pass, x *G.Node) (*G.Node, error) {
		y, err := op.MatMul(x, p.params[a.weight], false, true)
		if err != nil || a.bias < 0 {
			return y, err
		}
		return op.AddRow(y, p.params[a.bias])
	}, err
}

// add implements Layer.
func (l Activation) add(_ *plan, at place, in []int) ([]int, forward, error) {
	if err := models.Activation(l).Validate(); err != nil {
		return nil, nil, at.wrong("", "%v", err)
	}
	return in, func(_ *pass, x *G.Node) (*G.Node, error) { return models.Activation(l).Apply(x) }, nil
}
