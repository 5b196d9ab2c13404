package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
)

// Exp returns eᶻ, element by element.
func Exp(z *G.Node) (*G.Node, error) {
	return function("Exp", z, math.Exp, func(_, out, grad *G.Node) (*G.Node, error) { return Mul(out, grad) })
}

// Expm1 returns eᶻ − 1, element by element, without cancellation near 0.
func Expm1(z *G.Node) (*G.Node, error) {
	return function("Expm1", z, math.Expm1, func(z, _, grad *G.Node) (*G.Node, error) {
		e, err := Exp(z)
		if err != nil {
			return nil, err
		}
		return Mul(e, grad)
	})
}

// Log returns the natural logarithm of z, element by element.
func Log(z *G.Node) (*G.Node, error) {
	return function("Log", z, math.Log, func(z, _, grad *G.Node) (*G.Node, error) { return Div(grad, z) })
}

// Log1p returns log(1 + z), element by element, without cancellation near 0.
func Log1p(z *G.Node) (*G.Node, error) {
	return function("Log1p", z, math.Log1p, func(z, _, grad *G.Node) (*G.Node, error) {
		s, err := Shift(z, 1)
		if err != nil {
			return nil, err
		}
		return Div(grad, s)
	})
}

// Sin returns the sine of z, element by element.
func Sin(z *G.Node) (*G.Node, error) {
	return function("Sin", z, math.Sin, func(z, _, grad *G.Node) (*G.Node, error) {
		c, err := Cos(z)
		if err != nil {
			return nil, err
		}
		return Mul(c, grad)
	})
}

// Cos returns the cosine of z, element by element.
func Cos(z *G.Node) (*G.Node, error) {
	return function("Cos", z, math.Cos, func(z, _, grad *G.Node) (*G.Node, error) {
		s, err := Sin(z)
		if err != nil {
			return nil, err
		}
		if s, err = Mul(s, grad); err != nil {
			return nil, err
		}
		return Scale(s, -1)
	})
}

// Abs returns |z|, element by element. Its derivative at 0 is −1.
func Abs(z *G.Node) (*G.Node, error) { return gate(z, z, -1) }

// Power returns zᶜ for a constant c, element by element.
func Power(z *G.Node, c float64) (*G.Node, error) {
	if c == 1 {
		return z, nil
	}
	return function(fmt.Sprintf("Power(%g)", c), z, power(c), func(z, _, grad *G.Node) (*G.Node, error) {
		slope, err := Power(z, c-1) // z itself if c is 2
		if err != nil {
			return nil, err
		}
		if slope, err = Mul(slope, grad); err != nil {
			return nil, err
		}
		return Scale(slope, c)
	})
}

func power(c float64) func(float64) float64 {
	switch c {
	case 2:
		return func(z float64) float64 { return z * z }
	case 3:
		return func(z float64) float64 { return z * z * z }
	case 0.5:
		return math.Sqrt
	case -0.5:
		return func(z float64) float64 { return 1 / math.Sqrt(z) }
	case -1:
		return func(z float64) float64 { return 1 / z }
	}
	return func(z float64) float64 { return math.Pow(z, c) }
}

// Shift returns a + c for a constant c.
func Shift(a *G.Node, c float64) (*G.Node, error) {
	return function(fmt.Sprintf("Shift(%g)", c), a, func(v float64) float64 { return v + c },
		func(_, _, grad *G.Node) (*G.Node, error) { return grad, nil })
}

// function is an operation that works element by element.
func function(name string, z *G.Node, f func(float64) float64, pullback func(z, out, grad *G.Node) (*G.Node, error)) (*G.Node, error) {
	return unary(name, z, each[float32](f), each[float64](f), func(in G.Nodes, out, grad *G.Node) (*G.Node, error) {
		return pullback(in[0], out, grad)
	})
}

// Div returns a / b, element by element; shapes must be equal.
func Div(a, b *G.Node) (*G.Node, error) {
	return binary("Div", unknown, a, b, quotient[float32], quotient[float64],
		func(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
			da, err := Div(grad, in[1])
			if err != nil {
				return nil, err
			}
			db, err := Mul(out, da)
			if err != nil {
				return nil, err
			}
			db, err = Scale(db, -1)
			return G.Nodes{da, db}, err
		})
}

func quotient[T Float](dst []T, in [][]T) {
	for i, v := range in[0] {
		dst[i] = v / in[1][i]
	}
}

// Round returns z rounded by f, such as math.Floor. It has no derivative.
func Round(name string, z *G.Node, f func(float64) float64) (*G.Node, error) {
	return apply(primitive{
		name: name, out: z.Shape(), wrt: []bool{false}, over: []int{0}, f32: each[float32](f), f64: each[float64](f),
	}, z)
}

// Compare returns 1 where a and b are in a relation, one of <, >, <=, >=, == and
// !=, and 0 elsewhere; shapes must be equal. It has no derivative.
func Compare(a *G.Node, relation string, b *G.Node) (*G.Node, error) {
	if err := sameShape("Compare", a, b); err != nil {
		return nil, err
	}
	holds, ok := relations[relation]
	if !ok {
		return nil, fmt.Errorf("op: Compare: relation %q; want one of <, >, <=, >=, == and !=", relation)
	}
	return apply(primitive{
		name: "Compare" + relation, out: a.Shape(), wrt: []bool{false, false}, over: []int{0, 1},
		f32: comparison[float32](holds), f64: comparison[float64](holds),
	}, a, b)
}

// CompareConstant is Compare with a constant c. A comparison with 0 counts as a
// kink.
func CompareConstant(a *G.Node, relation string, c float64) (*G.Node, error) {
	holds, ok := relations[relation]
	if !ok {
		return nil, fmt.Errorf("op: CompareConstant: relation %q; want one of <, >, <=, >=, == and !=", relation)
	}
	f := func(v float64) float64 {
		if holds(v, c) {
			return 1
		}
		return 0
	}
	return apply(primitive{
		name: fmt.Sprintf("Compare%s%g", relation, c), out: a.Shape(), wrt: []bool{false}, over: []int{0}, kinked: c == 0,
		f32: each[float32](f), f64: each[float64](f),
	}, a)
}

var relations = map[string]func(a, b float64) bool{
	"<":  func(a, b float64) bool { return a < b },
	">":  func(a, b float64) bool { return a > b },
	"<=": func(a, b float64) bool { return a <= b },
	">=": func(a, b float64) bool { return a >= b },
	"==": func(a, b float64) bool { return a == b },
	"!=": func(a, b float64) bool { return a != b },
}

func comparison[T Float](holds func(a, b float64) bool) kernel[T] {
	return func(dst []T, in [][]T) {
		for i, v := range in[0] {
			w := in[1][i]
			dst[i] = 0
			if holds(float64(v), float64(w)) {
				dst[i] = 1
			}
		}
	}
}
