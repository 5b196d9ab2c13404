package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// Add returns a + b, element by element; shapes must be equal.
func Add(a, b *G.Node) (*G.Node, error) {
	return binary("Add", sum, a, b, onPair(vec.Float32.Add), onPair(vec.Float64.Add),
		func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) { return G.Nodes{grad, grad}, nil })
}

// Sub returns a − b, element by element; shapes must be equal.
func Sub(a, b *G.Node) (*G.Node, error) {
	return binary("Sub", unknown, a, b, onPair(vec.Float32.Sub), onPair(vec.Float64.Sub),
		func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			minus, err := Scale(grad, -1)
			return G.Nodes{grad, minus}, err
		})
}

// Mul returns a ⊙ b, the product element by element; shapes must be equal.
func Mul(a, b *G.Node) (*G.Node, error) {
	return binary("Mul", unknown, a, b, onPair(vec.Float32.Mul), onPair(vec.Float64.Mul),
		func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			da, err := Mul(grad, in[1])
			if err != nil {
				return nil, err
			}
			db, err := Mul(grad, in[0])
			return G.Nodes{da, db}, err
		})
}

// onPair makes a kernel of a function of two vectors.
func onPair[T Float](f func(dst, a, b []T)) kernel[T] {
	return func(dst []T, in [][]T) { f(dst, in[0], in[1]) }
}

func binary(name string, form form, a, b *G.Node, f32 kernel[float32], f64 kernel[float64],
	pullback func(in G.Nodes, out, grad *G.Node) (G.Nodes, error),
) (*G.Node, error) {
	if err := sameShape(name, a, b); err != nil {
		return nil, err
	}
	return apply(primitive{
		name: name, form: form, out: a.Shape(), wrt: []bool{true, true}, over: []int{0, 1},
		f32: f32, f64: f64, pullback: pullback,
	}, a, b)
}

// Scale returns c·a for a constant c.
func Scale(a *G.Node, c float64) (*G.Node, error) {
	return apply(primitive{
		name: fmt.Sprintf("Scale(%g)", c),
		out:  a.Shape(),
		wrt:  []bool{true},
		over: []int{0},
		f32:  func(dst []float32, in [][]float32) { vec.Float32.Scale(dst, in[0], float32(c)) },
		f64:  func(dst []float64, in [][]float64) { vec.Float64.Scale(dst, in[0], c) },
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := Scale(grad, c)
			return G.Nodes{d}, err
		},
	}, a)
}
