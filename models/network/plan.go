package network

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models"
)

// Limits, far above what can be trained here. They turn a typing error into a
// message in place of a failed allocation.
const (
	maxParameters = 1 << 27 // 1 GiB of float64
	maxValues     = 1 << 27 // of one sample between two layers
	maxWindow     = 1 << 16 // of a kernel, a stride, a padding or a dilation
)

// plan collects what a network consists of, layer by layer. Nothing is allocated
// before the plan is complete.
type plan struct {
	params, buffers []array
	drawn           []affine
	owners          map[string]string // paths of the layers, by the names of their parameters
	size            float64
}

// array is a tensor to be.
type array struct {
	name     string
	shape    []int
	constant float64 // its initial values, unless they are drawn
}

// affine are the indices of a weight and a bias that are drawn together; the bias is
// -1 if there is none.
type affine struct{ weight, bias int }

// forward applies a layer to a batch.
type forward func(p *pass, x *G.Node) (*G.Node, error)

// pass builds the logits on one graph.
type pass struct {
	params, buffers G.Nodes
	training        *models.Training // nil for the form that is measured
}

// place says where a layer is in the description, and which name its parameters get
// if it has none.
type place struct{ path, name string }

// wrong returns an *Error about a key of a layer, or about the layer if key is empty.
func (at place) wrong(key, problem string, args ...any) error {
	path := at.path
	if key != "" {
		path += "." + key
	}
	return &Error{Path: path, Problem: fmt.Sprintf(problem, args...)}
}

// sequence plans layers that are applied one after the other.
func (p *plan) sequence(layers Layers, at place, in []int) (out []int, f forward, err error) {
	var all []forward
	for i, l := range layers {
		here := place{path: fmt.Sprintf("%s[%d]", at.path, i), name: strings.TrimPrefix(fmt.Sprintf("%s.%d", at.name, i), ".")}
		if l == nil {
			return nil, nil, here.wrong("", "is nil; want a layer")
		}
		here.path += "." + kindOf(l)
		var step forward
		if in, step, err = l.add(p, here, in); err != nil {
			return nil, nil, err
		}
		if values := product(in); values > maxValues {
			return nil, nil, here.wrong("", "makes %s, %.3g values a sample; want at most %d", shapeText(in), values, maxValues)
		}
		all = append(all, step)
	}
	return in, func(p *pass, x *G.Node) (_ *G.Node, err error) {
		for _, step := range all {
			if x, err = step(p, x); err != nil {
				return nil, err
			}
		}
		return x, nil
	}, nil
}

// named returns the name of a layer's parameters, which no other layer may have.
func (p *plan) named(at place, name string) (string, error) {
	if strings.ContainsFunc(name, func(r rune) bool { return r == '/' || unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "", at.wrong("name", "is %q; want a name without slashes and spaces", name)
	}
	if name == "" {
		name = at.name
	}
	if other, taken := p.owners[name]; taken {
		return "", at.wrong("name", "is %q, as that of %s; want different names", name, other)
	}
	p.owners[name] = at.path
	return name, nil
}

// affine plans a weight and a bias that are drawn.
func (p *plan) affine(at place, name string, shape []int, noBias Off) (affine, error) {
	name, err := p.named(at, name)
	if err != nil {
		return affine{}, err
	}
	a := affine{weight: p.add(array{name: name + ".weight", shape: shape}), bias: -1}
	if !noBias {
		a.bias = p.add(array{name: name + ".bias", shape: shape[:1]})
	}
	p.drawn = append(p.drawn, a)
	return a, p.checkSize(at)
}

// scaled plans a weight of ones and a bias of zeros.
func (p *plan) scaled(at place, name string, shape []int) (affine, error) {
	a := affine{
		weight: p.add(array{name: name + ".weight", shape: shape, constant: 1}),
		bias:   p.add(array{name: name + ".bias", shape: shape}),
	}
	return a, p.checkSize(at)
}

// add returns the index of a parameter.
func (p *plan) add(a array) int {
	a.shape = slices.Clone(a.shape)
	p.params = append(p.params, a)
	p.size += product(a.shape)
	return len(p.params) - 1
}

func (p *plan) checkSize(at place) error {
	if p.size > maxParameters {
		return at.wrong("", "brings the network to %.4g parameters, %.3g GB; want at most %d", p.size, p.size*8/1e9, maxParameters)
	}
	return nil
}

// product is in floating point, where it does not overflow.
func product(shape []int) float64 {
	n := 1.0
	for _, s := range shape {
		n *= float64(s)
	}
	return n
}

// image returns an error unless in has channels, height and width.
func image(at place, in []int) error {
	if len(in) != 3 {
		return at.wrong("", "takes channels × height × width; its input has %s features", shapeText(in))
	}
	return nil
}
