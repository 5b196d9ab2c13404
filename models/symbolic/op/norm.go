package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// BatchNorm normalises every channel of x (n, C, …) by its mean and its variance
// over the batch and all positions, and scales and shifts it:
//
//	y = γ·(x − mean)/√(variance + eps) + β
//
// with γ and β of shape (C). The variance is the biased one, a mean square, as
// PyTorch has it in training. It returns the mean and the variance, (C), too:
// they are differentiable like y, and what running statistics are made of.
// (PyTorch's running variance takes the unbiased one, N/(N − 1) as large, N being
// the elements of a channel.)
func BatchNorm(x, gamma, beta *G.Node, eps float64) (y, mean, variance *G.Node, err error) {
	a, err := channels("BatchNorm", x, gamma, beta)
	if err != nil {
		return nil, nil, nil, err
	}
	if y, mean, variance, err = a.standardize(x, eps); err != nil {
		return nil, nil, nil, err
	}
	if y, err = a.scale(gamma, y); err != nil {
		return nil, nil, nil, err
	}
	y, err = a.add(y, beta)
	return y, mean, variance, err
}

// FrozenBatchNorm is BatchNorm with a mean and a variance (C) that are given, as
// after training. It is an affine map of each channel.
func FrozenBatchNorm(x, gamma, beta, mean, variance *G.Node, eps float64) (*G.Node, error) {
	a, err := channels("FrozenBatchNorm", x, gamma, beta, mean, variance)
	if err != nil {
		return nil, err
	}
	s, err := inverseRoot(variance, eps)
	if err != nil {
		return nil, err
	}
	if s, err = Mul(gamma, s); err != nil {
		return nil, err
	}
	shift, err := Mul(mean, s)
	if err != nil {
		return nil, err
	}
	if shift, err = Sub(beta, shift); err != nil {
		return nil, err
	}
	y, err := a.scale(s, x)
	if err != nil {
		return nil, err
	}
	return a.add(y, shift)
}

// LayerNorm normalises x over its last axes, all that γ has, by their mean and
// biased variance, and scales and shifts each element:
//
//	y = γ ⊙ (x − mean)/√(variance + eps) + β
//
// with γ and β of the shape of those axes.
func LayerNorm(x, gamma, beta *G.Node, eps float64) (*G.Node, error) {
	s, g := x.Shape(), gamma.Shape()
	before := s.Dims() - g.Dims()
	switch {
	case before < 1 || g.Dims() < 1 || !slices.Equal(s[before:], g):
		return nil, fmt.Errorf("op: LayerNorm: scales of shape %v for inputs of shape %v; want the shape of their last axes", g, s)
	case !slices.Equal(beta.Shape(), g):
		return nil, fmt.Errorf("op: LayerNorm: shifts of shape %v and scales of shape %v; want the same", beta.Shape(), g)
	}
	size := g.TotalSize()
	rows := axis{1, s.TotalSize() / size, size}
	y, _, _, err := rows.standardize(x, eps)
	if err != nil {
		return nil, err
	}
	columns := axis{rows.length, size, 1}
	flat := tensor.Shape{size}
	if gamma, err = Reshape(gamma, flat); err != nil {
		return nil, err
	}
	if beta, err = Reshape(beta, flat); err != nil {
		return nil, err
	}
	if y, err = columns.scale(gamma, y); err != nil {
		return nil, err
	}
	return columns.add(y, beta)
}

// standardize shifts and scales the elements of x at each place of the axis to
// mean 0 and, but for eps, variance 1. It returns the means and variances before.
func (a axis) standardize(x *G.Node, eps float64) (y, mean, variance *G.Node, err error) {
	count := float64(a.outer * a.inner)
	sum, err := a.sum(x, tensor.Shape{a.length})
	if err != nil {
		return nil, nil, nil, err
	}
	if mean, err = Scale(sum, 1/count); err != nil {
		return nil, nil, nil, err
	}
	minus, err := Scale(sum, -1/count)
	if err != nil {
		return nil, nil, nil, err
	}
	centred, err := a.add(x, minus)
	if err != nil {
		return nil, nil, nil, err
	}
	squares, err := a.dot(centred, centred)
	if err != nil {
		return nil, nil, nil, err
	}
	if variance, err = Scale(squares, 1/count); err != nil {
		return nil, nil, nil, err
	}
	s, err := inverseRoot(variance, eps)
	if err != nil {
		return nil, nil, nil, err
	}
	y, err = a.scale(s, centred)
	return y, mean, variance, err
}

// inverseRoot returns 1/√(v + eps).
func inverseRoot(v *G.Node, eps float64) (*G.Node, error) {
	v, err := Shift(v, eps)
	if err != nil {
		return nil, err
	}
	return Power(v, -0.5)
}

// Dropout multiplies x by a mask of its shape, an input: 0 where an element is
// dropped, and 1/(1 − p) elsewhere, if p of them are.
func Dropout(x, mask *G.Node) (*G.Node, error) {
	if err := sameShape("Dropout", x, mask); err != nil {
		return nil, err
	}
	return Mul(x, mask)
}
