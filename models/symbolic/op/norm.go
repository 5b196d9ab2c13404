package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
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
	moments, err := a.moments(x)
	if err != nil {
		return nil, nil, nil, err
	}
	if mean, err = a.mean(x, moments); err != nil {
		return nil, nil, nil, err
	}
	if variance, err = a.variance(x, moments); err != nil {
		return nil, nil, nil, err
	}
	scale, err := inverseRoot(variance, eps)
	if err != nil {
		return nil, nil, nil, err
	}
	y, err = a.standardized(x, mean, scale)
	return y, mean, variance, err
}

// moments returns the means and the variances at each place of the axis, (2,
// length), from one pass. Its derivatives are those of mean and variance.
func (a axis) moments(x *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: a.name("MomentsAlong"),
		form: statistics,
		out:  tensor.Shape{2, a.length},
		wrt:  []bool{false},
		f32:  momentsAlong(a, vec.Float32),
		f64:  momentsAlong(a, vec.Float64),
	}, x)
}

// cached elements stay in the first-level cache.
const cached = 2048

// momentsAlong takes the moments of each block of elements about its own mean and
// joins them to those of the blocks before (Chan, Golub & LeVeque 1983), so that
// nothing cancels and every element is read from memory once.
func momentsAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		clear(dst)
		means, variances := dst[:a.length], dst[a.length:]
		x := in[0]
		for n := range a.outer {
			for c := range means {
				for at := 0; at < a.inner; at += cached {
					part := x[at:min(at+cached, a.inner)]
					size := len(part)
					own, squares := part[0], T(0)
					if size > 1 {
						own = v.Sum(part) / T(size)
						squares = v.Squares(part, own) / T(size)
					}
					share := T(size) / T(n*a.inner+at+size)
					δ := own - means[c]
					means[c] += δ * share
					variances[c] += (squares - variances[c] + δ*δ*(1-share)) * share
				}
				x = x[a.inner:]
			}
		}
	}
}

// mean returns the means of x from its moments.
func (a axis) mean(x, moments *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: a.name("MeanAlong"),
		out:  tensor.Shape{a.length},
		wrt:  []bool{true, false},
		f32:  func(dst []float32, in [][]float32) { copy(dst, in[1]) },
		f64:  func(dst []float64, in [][]float64) { copy(dst, in[1]) },
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			grad, err := Scale(grad, 1/a.count())
			if err != nil {
				return nil, err
			}
			d, err := a.repeat(grad, in[0].Shape())
			return G.Nodes{d, nil}, err
		},
	}, x, moments)
}

// count is the number of elements at each place of the axis.
func (a axis) count() float64 { return float64(a.outer * a.inner) }

// variance returns the variances of x, biased, from its moments.
func (a axis) variance(x, moments *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: a.name("VarianceAlong"),
		out:  tensor.Shape{a.length},
		wrt:  []bool{true, false},
		f32:  func(dst []float32, in [][]float32) { copy(dst, in[1][a.length:]) },
		f64:  func(dst []float64, in [][]float64) { copy(dst, in[1][a.length:]) },
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			minus, err := a.mean(in[0], in[1])
			if err != nil {
				return nil, err
			}
			if minus, err = Scale(minus, -1); err != nil {
				return nil, err
			}
			centred, err := a.add(in[0], minus)
			if err != nil {
				return nil, err
			}
			if grad, err = Scale(grad, 2/a.count()); err != nil {
				return nil, err
			}
			d, err := a.scale(grad, centred)
			return G.Nodes{d, nil}, err
		},
	}, x, moments)
}

// standardized returns (x − mean)·scale, for mean and scale as functions of x
// that standardize it. Their part is in its pullback to x,
//
//	x̄ = scale·(g − ⟨g⟩ − y·⟨y·g⟩)
//
// with means ⟨⟩ over the elements at each place of the axis.
func (a axis) standardized(x, mean, scale *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: a.name("StandardizedAlong"),
		form: standardAlong,
		axis: a,
		out:  x.Shape(),
		wrt:  []bool{true, false, false},
		over: []int{0},
		f32:  standardizedAlong(a, vec.Float32),
		f64:  standardizedAlong(a, vec.Float64),
		pullback: func(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
			d, err := a.residual(out, grad)
			if err != nil {
				return nil, err
			}
			d, err = a.scale(in[2], d)
			return G.Nodes{d, nil, nil}, err
		},
	}, x, mean, scale)
}

func standardizedAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		x, mean, scale := in[0], in[1], in[2]
		if a.inner == 1 {
			for i, value := range x {
				c := i % a.length
				dst[i] = (value - mean[c]) * scale[c]
			}
			return
		}
		for c := 0; len(dst) > 0; c++ {
			v.Centre(dst[:a.inner], x, mean[c%a.length], scale[c%a.length])
			x, dst = x[a.inner:], dst[a.inner:]
		}
	}
}

// holds tells whether normalized can do what b does with a run of elements: b is
// a itself, or goes along the runs.
func (a axis) holds(b axis) bool {
	return b == a || a.outer == 1 && b.inner == 1 && b.length == a.inner
}

// normalized is b's affine of standardized, without a derivative.
func (a axis) normalized(b axis, out tensor.Shape) primitive {
	return primitive{
		name: fmt.Sprint(a.name("NormalizedAlong"), b), out: out, over: []int{0},
		f32: normalizedAlong(a, b, vec.Float32), f64: normalizedAlong(a, b, vec.Float64),
	}
}

func normalizedAlong[T Float](a, b axis, v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		x, mean, scale, factors, terms := in[0], in[1], in[2], in[3], in[4]
		for i := 0; len(dst) > 0; i++ {
			c := i % a.length
			for at := 0; at < a.inner; at += cached {
				part := dst[at:min(at+cached, a.inner)]
				v.Centre(part, x[at:], mean[c], scale[c])
				if a == b {
					v.Affine(part, part, terms[c], factors[c])
				} else {
					v.MulAdd(part, part, factors[at:], terms[at:])
				}
			}
			x, dst = x[a.inner:], dst[a.inner:]
		}
	}
}

// residual returns g − ⟨g⟩ − y·⟨y·g⟩, what is left of g without its constant
// part and that along y, if y is standardized. It is symmetric in g.
func (a axis) residual(y, g *G.Node) (*G.Node, error) {
	return apply(primitive{
		name: a.name("ResidualAlong"),
		form: residueAlong,
		axis: a,
		out:  g.Shape(),
		over: []int{1},
		wrt:  []bool{true, true},
		f32:  residualAlong(a, vec.Float32),
		f64:  residualAlong(a, vec.Float64),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			dg, err := a.residual(in[0], grad)
			if err != nil {
				return nil, err
			}
			dy, err := a.alongEach(in[0], in[1], grad)
			return G.Nodes{dy, dg}, err
		},
	}, y, g)
}

// alongEach returns −⟨y·g⟩·h − ⟨y·h⟩·g.
func (a axis) alongEach(y, g, h *G.Node) (*G.Node, error) {
	var terms G.Nodes
	for _, pair := range []G.Nodes{{g, h}, {h, g}} {
		mean, err := a.dot(y, pair[0])
		if err != nil {
			return nil, err
		}
		if mean, err = Scale(mean, -1/a.count()); err != nil {
			return nil, err
		}
		term, err := a.scale(mean, pair[1])
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	return Add(terms[0], terms[1])
}

// scaledResidual is scale of residual, without a derivative.
func (a axis) scaledResidual(out tensor.Shape) primitive {
	return primitive{
		name: a.name("ScaledResidualAlong"), out: out, over: []int{1},
		f32: residualAlong(a, vec.Float32), f64: residualAlong(a, vec.Float64),
	}
}

// residualAlong multiplies by the third operand, if there is one. It goes through
// memory in order, for up to 64 places of the axis at once. Where one place is one
// run, it is still in the cache when it is written.
func residualAlong[T Float](a axis, v vec.Kernels[T]) kernel[T] {
	const most = 64
	places := most
	if a.outer == 1 {
		places = 1
	}
	return func(dst []T, in [][]T) {
		y, g := in[0], in[1]
		for first := 0; first < a.length; first += places {
			var constant, along [most]T
			count := min(places, a.length-first)
			for n := range a.outer {
				for c := range count {
					at := (n*a.length + first + c) * a.inner
					if a.inner == 1 {
						constant[c] += g[at]
						along[c] += T(g[at] * y[at])
						continue
					}
					constant[c] += v.Sum(g[at:][:a.inner])
					along[c] += v.Dot(g[at:][:a.inner], y[at:])
				}
			}
			for c := range count {
				constant[c] /= T(a.count())
				along[c] /= T(a.count())
			}
			for n := range a.outer {
				for c := range count {
					at := (n*a.length + first + c) * a.inner
					if a.inner == 1 {
						dst[at] = g[at] - constant[c] - T(y[at]*along[c])
						if len(in) == 3 {
							dst[at] *= in[2][first+c]
						}
						continue
					}
					v.Residual(dst[at:][:a.inner], g[at:], y[at:], constant[c], along[c])
					if len(in) == 3 {
						v.Scale(dst[at:][:a.inner], dst[at:], in[2][first+c])
					}
				}
			}
		}
	}
}

// inverseRoot returns 1/√(v + eps).
func inverseRoot(v *G.Node, eps float64) (*G.Node, error) {
	if !(eps >= 0) {
		return nil, fmt.Errorf("op: normalisation with an eps of %g; want 0 or more", eps)
	}
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
