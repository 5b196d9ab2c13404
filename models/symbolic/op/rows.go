package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// AddRow adds the vector b (c) to every row of x (r, c).
func AddRow(x, b *G.Node) (*G.Node, error) {
	_, c, err := matrixShape("AddRow", x)
	if err != nil {
		return nil, err
	}
	if s := b.Shape(); s.Dims() != 1 || s[0] != c {
		return nil, fmt.Errorf("op: AddRow: %q has shape %v; want (%d), the columns of %v", b.Name(), s, c, x.Shape())
	}
	return apply(primitive{
		name: "AddRow",
		form: sumWithRow,
		over: []int{0},
		out:  x.Shape(),
		wrt:  []bool{true, true},
		f32:  addRow(vec.Float32),
		f64:  addRow(vec.Float64),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			sum, err := ColSum(grad)
			return G.Nodes{grad, sum}, err
		},
	}, x, b)
}

func addRow[T Float](v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		x, b := in[0], in[1]
		for ; len(dst) > 0; x, dst = x[len(b):], dst[len(b):] {
			v.Add(dst[:len(b)], x, b)
		}
	}
}

// ColSum sums the rows of x: (r, c) → (c).
func ColSum(x *G.Node) (*G.Node, error) {
	r, c, err := matrixShape("ColSum", x)
	if err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "ColSum",
		form: summedRows,
		out:  tensor.Shape{c},
		wrt:  []bool{true},
		f32:  colSum(vec.Float32),
		f64:  colSum(vec.Float64),
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := RepeatRow(grad, r)
			return G.Nodes{d}, err
		},
	}, x)
}

func colSum[T Float](v vec.Kernels[T]) kernel[T] {
	return func(dst []T, in [][]T) {
		clear(dst)
		for x := in[0]; len(x) > 0; x = x[len(dst):] {
			v.Add(dst, dst, x)
		}
	}
}

// RepeatRow stacks r copies of the vector b: (c) → (r, c).
func RepeatRow(b *G.Node, r int) (*G.Node, error) {
	s := b.Shape()
	if s.Dims() != 1 {
		return nil, fmt.Errorf("op: RepeatRow: %q has shape %v; want a vector", b.Name(), s)
	}
	return apply(primitive{
		name: "RepeatRow",
		form: repeatedRow,
		out:  tensor.Shape{r, s[0]},
		wrt:  []bool{true},
		f32:  repeatRow[float32],
		f64:  repeatRow[float64],
		pullback: func(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			d, err := ColSum(grad)
			return G.Nodes{d}, err
		},
	}, b)
}

func repeatRow[T Float](dst []T, in [][]T) {
	for ; len(dst) > 0; dst = dst[len(in[0]):] {
		copy(dst, in[0])
	}
}

// RowDot returns the inner products of the rows of a and b: (r, c), (r, c) → (r).
func RowDot(a, b *G.Node) (*G.Node, error) {
	r, _, err := matrixShape("RowDot", a)
	if err != nil {
		return nil, err
	}
	if err := sameShape("RowDot", a, b); err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "RowDot",
		out:  tensor.Shape{r},
		wrt:  []bool{true, true},
		f32:  rowDot[float32],
		f64:  rowDot[float64],
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			da, err := RowScale(grad, in[1])
			if err != nil {
				return nil, err
			}
			db, err := RowScale(grad, in[0])
			return G.Nodes{da, db}, err
		},
	}, a, b)
}

func rowDot[T Float](dst []T, in [][]T) {
	a, b := in[0], in[1]
	c := len(a) / len(dst)
	for i := range dst {
		var sum T
		for j := i * c; j < (i+1)*c; j++ {
			sum += a[j] * b[j]
		}
		dst[i] = sum
	}
}

// RowScale multiplies every row of a by a number of its own: (r), (r, c) → (r, c).
func RowScale(w, a *G.Node) (*G.Node, error) {
	r, _, err := matrixShape("RowScale", a)
	if err != nil {
		return nil, err
	}
	if s := w.Shape(); s.Dims() != 1 || s[0] != r {
		return nil, fmt.Errorf("op: RowScale: %q has shape %v; want (%d), the rows of %v", w.Name(), s, r, a.Shape())
	}
	return apply(primitive{
		name: "RowScale",
		out:  a.Shape(),
		wrt:  []bool{true, true},
		over: []int{1},
		f32:  rowScale[float32],
		f64:  rowScale[float64],
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			dw, err := RowDot(grad, in[1])
			if err != nil {
				return nil, err
			}
			da, err := RowScale(in[0], grad)
			return G.Nodes{dw, da}, err
		},
	}, w, a)
}

func rowScale[T Float](dst []T, in [][]T) {
	w, a := in[0], in[1]
	c := len(a) / len(w)
	for i, v := range w {
		for j := i * c; j < (i+1)*c; j++ {
			dst[j] = v * a[j]
		}
	}
}
