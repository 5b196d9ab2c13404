package network

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// Network is a model that is a sequence of layers.
type Network struct {
	description Description
	classes     int
	params      []models.Parameter
	buffers     []models.Parameter
	forward     forward
}

var _ models.TrainingForm = (*Network)(nil)

// Settings are options of New; the zero value is the default.
type Settings struct {
	Init      models.Init  // of convolutions and dense layers; PyTorch's if empty
	Precision tensor.Dtype // Float64 if zero
}

// New returns a network with weights drawn from rng.
func New(d Description, s Settings, rng *rand.Rand) (*Network, error) {
	if s.Init == "" {
		s.Init = models.PyTorch
	}
	switch s.Precision {
	case tensor.Dtype{}:
		s.Precision = tensor.Float64
	case tensor.Float64, tensor.Float32:
	default:
		return nil, fmt.Errorf("network: precision is %v; want float32 or float64", s.Precision)
	}
	p, out, f, err := d.plan()
	if err != nil {
		return nil, err
	}
	d.Input = slices.Clone(d.Input)
	n := &Network{description: d, classes: out, forward: f}
	n.params, n.buffers = allocate(p.params, s.Precision), allocate(p.buffers, s.Precision)
	for _, a := range p.drawn {
		var bias *tensor.Dense
		if a.bias >= 0 {
			bias = n.params[a.bias].Value
		}
		if err := s.Init.Draw(rng, n.params[a.weight].Value, bias); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Check returns the error that New would return for a mistake in d.
func (d Description) Check() error {
	_, _, _, err := d.plan()
	return err
}

// plan plans the network and returns the number of its outputs.
func (d Description) plan() (p *plan, classes int, f forward, err error) {
	if len(d.Input) != 1 && len(d.Input) != 3 || slices.Min(d.Input) < 1 {
		return nil, 0, nil, &Error{"input", fmt.Sprintf("is %v; want [channels, height, width] or [features]", d.Input)}
	}
	if product(d.Input) > maxValues {
		return nil, 0, nil, &Error{"input", fmt.Sprintf("is %v, %.3g values a sample; want at most %d", d.Input, product(d.Input), maxValues)}
	}
	if len(d.Layers) == 0 {
		return nil, 0, nil, &Error{"layers", "is empty; want layers, the last of them dense: {out: …} with the number of classes"}
	}
	p = &plan{owners: make(map[string]string)}
	out, f, err := p.sequence(d.Layers, place{path: "layers"}, d.Input)
	if err != nil {
		return nil, 0, nil, err
	}
	last := place{path: fmt.Sprintf("layers[%d]", len(d.Layers)-1)}
	switch {
	case len(out) != 1:
		return nil, 0, nil, last.wrong("", "is the last layer and makes %s; want one output a class: flatten and dense: {out: …} make them", shapeText(out))
	case out[0] < 2:
		return nil, 0, nil, last.wrong("", "is the last layer and has %d output; want at least 2, one a class", out[0])
	case len(p.params) == 0:
		return nil, 0, nil, &Error{"layers", "has no parameters; want a conv2d or dense layer"}
	}
	return p, out[0], f, nil
}

func allocate(arrays []array, dtype tensor.Dtype) []models.Parameter {
	all := make([]models.Parameter, len(arrays))
	for i, a := range arrays {
		t := tensor.New(tensor.WithShape(a.shape...), tensor.Of(dtype))
		if a.constant != 0 {
			models.SetValues(t, slices.Repeat([]float64{a.constant}, t.DataSize()))
		}
		all[i] = models.Parameter{Name: a.name, Value: t}
	}
	return all
}

// Parameters implements models.Model, in the order of the layers.
func (n *Network) Parameters() []models.Parameter { return n.params }

// Buffers implements models.TrainingForm: the running means and variances of batch
// normalisation.
func (n *Network) Buffers() []models.Parameter { return n.buffers }

// InputShape implements models.Model.
func (n *Network) InputShape() []int { return n.description.Input }

// Classes implements models.Model.
func (n *Network) Classes() int { return n.classes }

// Description is what the network was made of.
func (n *Network) Description() Description { return n.description }

// String gives the shape of a sample and the layers: "network 1×28×28 conv2d(16)
// relu max_pool flatten dense(3)".
func (n *Network) String() string {
	words := []string{"network", strings.ReplaceAll(shapeText(n.description.Input), " ", "")}
	for _, l := range n.description.Layers {
		word := kindOf(l)
		switch l := l.(type) {
		case Conv2D:
			word += fmt.Sprintf("(%d)", l.Out)
		case Dense:
			word += fmt.Sprintf("(%d)", l.Out)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// Logits implements models.Model. Dropout does nothing and batch normalisation
// takes its running statistics.
func (n *Network) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	k := len(n.params)
	return n.forward(&pass{params: params[:k], buffers: params[k:]}, x)
}

// TrainingLogits implements models.TrainingForm.
func (n *Network) TrainingLogits(x *G.Node, params G.Nodes) (*models.Training, error) {
	k := len(n.params)
	t := &models.Training{Updates: make(G.Nodes, len(n.buffers))}
	var err error
	t.Logits, err = n.forward(&pass{params: params[:k], buffers: params[k:], training: t}, x)
	return t, err
}
