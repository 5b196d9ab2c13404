package op

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/graph"
	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// ReLU returns max(0, z), element by element. Its derivative at 0 is 0.
func ReLU(z *G.Node) (*G.Node, error) { return gate(z, z, 0) }

// LeakyReLU returns z where it is positive and slope·z elsewhere.
func LeakyReLU(z *G.Node, slope float64) (*G.Node, error) { return gate(z, z, slope) }

// gate returns a where z is positive and slope·a elsewhere. It is linear in a
// and flat in z, so gate(z, z) has the derivative of a rectifier and its
// pullback is a gate again. Where z is NaN the result is a, not 0.
func gate(z, a *G.Node, slope float64) (*G.Node, error) {
	if err := sameShape("gate", z, a); err != nil {
		return nil, err
	}
	form := unknown
	if slope == 0 {
		form = halfGate
	}
	return apply(primitive{
		name:   fmt.Sprintf("Gate(%g)", slope),
		form:   form,
		out:    a.Shape(),
		wrt:    []bool{false, true},
		over:   []int{1},
		kinked: true,
		f32:    gateKernel(vec.Float32, float32(slope)),
		f64:    gateKernel(vec.Float64, slope),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			da, err := gate(in[0], grad, slope)
			return G.Nodes{nil, da}, err
		},
	}, z, a)
}

// rectified returns z if x is ReLU(z), and nil otherwise.
func rectified(x *G.Node) *G.Node {
	p, ok := x.Op().(*primitive)
	if !ok || p.form != halfGate || x.Graph().Node(x.ID()) != x {
		return nil
	}
	operands := graph.NodesOf(x.Graph().From(x.ID()))
	if operands[0] != operands[1] {
		return nil
	}
	return operands[0].(*G.Node)
}

func gateKernel[T Float](v vec.Kernels[T], slope T) kernel[T] {
	if slope == 0 {
		return onPair(v.Gate)
	}
	return func(dst []T, in [][]T) { v.Leaky(dst, in[0], in[1], slope) }
}

// Tanh returns the hyperbolic tangent of z, element by element.
func Tanh(z *G.Node) (*G.Node, error) {
	return unary("Tanh", z, onOne(vec.Float32.Tanh), onOne(vec.Float64.Tanh), func(in G.Nodes, out, grad *G.Node) (*G.Node, error) {
		return quadratic(out, grad, [3]float64{1, 0, -1})
	})
}

// Sigmoid returns 1/(1 + e⁻ᶻ), element by element.
func Sigmoid(z *G.Node) (*G.Node, error) {
	return unary("Sigmoid", z, onOne(vec.Float32.Sigmoid), onOne(vec.Float64.Sigmoid), func(_ G.Nodes, out, grad *G.Node) (*G.Node, error) {
		return quadratic(out, grad, [3]float64{0, 1, -1})
	})
}

// onOne makes a kernel of a function of one vector.
func onOne[T Float](f func(dst, a []T)) kernel[T] {
	return func(dst []T, in [][]T) { f(dst, in[0]) }
}

// Softplus returns log(1 + eᶻ), element by element.
func Softplus(z *G.Node) (*G.Node, error) {
	return unary("Softplus", z, onOne(vec.Float32.Softplus), onOne(vec.Float64.Softplus), func(in G.Nodes, _, grad *G.Node) (*G.Node, error) {
		s, err := Sigmoid(in[0])
		if err != nil {
			return nil, err
		}
		return Mul(s, grad)
	})
}

// GELU returns z·Φ(z), element by element, with Φ the distribution function of
// the standard normal (the exact form, not the tanh approximation).
func GELU(z *G.Node) (*G.Node, error) {
	phi, err := normalCDF(z)
	if err != nil {
		return nil, err
	}
	return Mul(z, phi)
}

// normalCDF returns Φ(z) = ½·erfc(−z/√2).
func normalCDF(z *G.Node) (*G.Node, error) {
	return unary("NormalCDF", z, onOne(vec.Float32.NormalCDF), onOne(vec.Float64.NormalCDF), func(in G.Nodes, _, grad *G.Node) (*G.Node, error) {
		density, err := normalPDF(in[0])
		if err != nil {
			return nil, err
		}
		return Mul(density, grad)
	})
}

// normalPDF returns φ(z) = exp(−z²/2)/√(2π); φ′ = −z·φ.
func normalPDF(z *G.Node) (*G.Node, error) {
	return unary("NormalPDF", z, onOne(vec.Float32.NormalPDF), onOne(vec.Float64.NormalPDF), func(in G.Nodes, out, grad *G.Node) (*G.Node, error) {
		slope, err := Mul(in[0], out)
		if err != nil {
			return nil, err
		}
		if slope, err = Scale(slope, -1); err != nil {
			return nil, err
		}
		return Mul(slope, grad)
	})
}

func unary(name string, z *G.Node, f32 kernel[float32], f64 kernel[float64],
	pullback func(in G.Nodes, out, grad *G.Node) (*G.Node, error),
) (*G.Node, error) {
	return apply(primitive{
		name: name,
		out:  z.Shape(),
		wrt:  []bool{true},
		over: []int{0},
		f32:  f32,
		f64:  f64,
		pullback: func(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
			d, err := pullback(in, out, grad)
			return G.Nodes{d}, err
		},
	}, z)
}

// each makes a kernel of a function of a number.
func each[T Float](f func(float64) float64) kernel[T] {
	return func(dst []T, in [][]T) {
		for i, z := range in[0] {
			dst[i] = T(f(float64(z)))
		}
	}
}

// quadratic returns p(y)·g for p(y) = c₀ + c₁·y + c₂·y², element by element.
// The derivative of tanh and of the sigmoid is such a polynomial in their
// output, and so are all that follow: ∂(p(y)·g)/∂y = p′(y)·g.
func quadratic(y, g *G.Node, c [3]float64) (*G.Node, error) {
	if err := sameShape("quadratic", y, g); err != nil {
		return nil, err
	}
	derivative := [3]float64{c[1], 2 * c[2]}
	constant := derivative == [3]float64{}
	return apply(primitive{
		name: fmt.Sprintf("Quadratic%g", c),
		out:  g.Shape(),
		wrt:  []bool{!constant, true},
		over: []int{0, 1},
		f32: func(dst []float32, in [][]float32) {
			vec.Float32.Quadratic(dst, in[0], in[1], float32(c[0]), float32(c[1]), float32(c[2]))
		},
		f64: func(dst []float64, in [][]float64) { vec.Float64.Quadratic(dst, in[0], in[1], c[0], c[1], c[2]) },
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			dg, err := quadratic(in[0], grad, c)
			if err != nil || constant {
				return G.Nodes{nil, dg}, err
			}
			product, err := Mul(in[1], grad)
			if err != nil {
				return nil, err
			}
			dy, err := quadratic(in[0], product, derivative)
			return G.Nodes{dy, dg}, err
		},
	}, y, g)
}

// Selects tells whether o has no derivative because it compares: its result, such as
// the place of the largest value of a window, jumps where values are equal.
func Selects(o G.Op) bool {
	p, ok := o.(*primitive)
	return ok && !slices.Contains(p.wrt, true) && p.form != statistics
}

// Kink returns the operand of o at whose zeros the operation is not
// differentiable, or −1: 0 for ReLU and LeakyReLU.
func Kink(o G.Op) int {
	if p, ok := o.(*primitive); ok && p.kinked {
		return 0
	}
	return -1
}
