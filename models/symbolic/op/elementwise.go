package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// Add returns a + b, element by element; shapes must be equal.
func Add(a, b *G.Node) (*G.Node, error) {
	return binary("Add", a, b, add[float32], add[float64],
		func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) { return G.Nodes{grad, grad}, nil })
}

func add[T Float](dst []T, in [][]T) {
	b := in[1]
	for i, v := range in[0] {
		dst[i] = v + b[i]
	}
}

// Sub returns a − b, element by element; shapes must be equal.
func Sub(a, b *G.Node) (*G.Node, error) {
	return binary("Sub", a, b, sub[float32], sub[float64],
		func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			minus, err := Scale(grad, -1)
			return G.Nodes{grad, minus}, err
		})
}

func sub[T Float](dst []T, in [][]T) {
	b := in[1]
	for i, v := range in[0] {
		dst[i] = v - b[i]
	}
}

// Mul returns a ⊙ b, the product element by element; shapes must be equal.
func Mul(a, b *G.Node) (*G.Node, error) {
	return binary("Mul", a, b, mul[float32], mul[float64],
		func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			da, err := Mul(grad, in[1])
			if err != nil {
				return nil, err
			}
			db, err := Mul(grad, in[0])
			return G.Nodes{da, db}, err
		})
}

func mul[T Float](dst []T, in [][]T) {
	b := in[1]
	for i, v := range in[0] {
		dst[i] = v * b[i]
	}
}

func binary(name string, a, b *G.Node, f32 kernel[float32], f64 kernel[float64],
	pullback func(in G.Nodes, out, grad *G.Node) (G.Nodes, error),
) (*G.Node, error) {
	if err := sameShape(name, a, b); err != nil {
		return nil, err
	}
	return apply(primitive{
		name: name, out: a.Shape(), wrt: []bool{true, true},
		f32: f32, f64: f64, pullback: pullback,
	}, a, b)
}

// Scale returns c·a for a constant c.
func Scale(a *G.Node, c float64) (*G.Node, error) {
	return apply(primitive{
		name: fmt.Sprintf("Scale(%g)", c),
		out:  a.Shape(),
		wrt:  []bool{true},
		f32:  scale(float32(c)),
		f64:  scale(c),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := Scale(grad, c)
			return G.Nodes{d}, err
		},
	}, a)
}

func scale[T Float](c T) kernel[T] {
	return func(dst []T, in [][]T) {
		for i, v := range in[0] {
			dst[i] = c * v
		}
	}
}
