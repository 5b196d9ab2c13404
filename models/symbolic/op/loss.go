package op

import (
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// SoftmaxCrossEntropy returns the cross-entropy of every row of logits z
// against the distribution in the same row of y:
//
//	ℓ = log Σ_c exp z_c − Σ_c y_c z_c,   (n, C), (n, C) → (n)
//
// Rows of y sum to 1; y has no gradient. The loss and all its derivatives keep
// their relative accuracy for confident samples, where the probability of the
// target rounds to 1 and a plain p − y would be 0.
func SoftmaxCrossEntropy(z, y *G.Node) (*G.Node, error) {
	n, _, err := matrixShape("SoftmaxCrossEntropy", z)
	if err != nil {
		return nil, err
	}
	if err := sameShape("SoftmaxCrossEntropy", z, y); err != nil {
		return nil, err
	}
	e, err := exponentials(z)
	if err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "SoftmaxCrossEntropy",
		out:  tensor.Shape{n},
		wrt:  []bool{true, false, false},
		f32:  crossEntropy[float32],
		f64:  crossEntropy[float64],
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			residual, err := softmaxResidual(in[0], in[1])
			if err != nil {
				return nil, err
			}
			d, err := RowScale(grad, residual)
			return G.Nodes{d, nil, nil}, err
		},
	}, z, y, e)
}

// crossEntropy sums y_c·(log Σ exp z − z_c), the logarithm taken apart into
// the largest logit and log1p of what the others add.
func crossEntropy[T Float](dst []T, in [][]T) {
	z, y, e := in[0], in[1], in[2]
	c := len(z) / len(dst)
	for i := range dst {
		row, target := z[i*c:(i+1)*c], y[i*c:(i+1)*c]
		best := argmax(row)
		excess, loss := math.Log1p(sumOfOthers(e[i*c:(i+1)*c], best)), 0.0
		for j, v := range row {
			loss += float64(target[j]) * (excess + float64(row[best]-v))
		}
		dst[i] = T(loss)
	}
}

// exponentials returns exp(z − max z) for every row of z: (n, C) → (n, C). The
// softmax and the losses made of it share them, and have derivatives of their own.
func exponentials(z *G.Node) (*G.Node, error) {
	_, c, err := matrixShape("Exponentials", z)
	if err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "Exponentials",
		out:  z.Shape(),
		wrt:  []bool{false},
		f32:  exponentialsKernel(c, vec.Float32.Exp),
		f64:  exponentialsKernel(c, vec.Float64.Exp),
	}, z)
}

// exponentialsKernel gives NaN for a largest element that is not finite.
func exponentialsKernel[T Float](c int, exp func(dst, z []T)) kernel[T] {
	return func(dst []T, in [][]T) {
		for e, z := dst, in[0]; len(z) > 0; z, e = z[c:], e[c:] {
			largest := z[argmax(z[:c])]
			for j, v := range z[:c] {
				e[j] = v - largest
			}
		}
		exp(dst, dst)
	}
}

// sumOfOthers returns Σ e without e_best, which is 1, or NaN if that is NaN.
func sumOfOthers[T Float](e []T, best int) (others float64) {
	for j, v := range e {
		if j != best {
			others += float64(v)
		}
	}
	return others + float64(e[best]-e[best])
}

// argmax returns the index of the first maximum. NaN counts as the largest, so
// that it is not hidden.
func argmax[T Float](row []T) int {
	best := 0
	for j, v := range row {
		if !(v <= row[best]) {
			best = j
		}
	}
	return best
}

// Softmax returns exp z_c / Σ exp z for every row of z: (n, C) → (n, C).
func Softmax(z *G.Node) (*G.Node, error) {
	n, _, err := matrixShape("Softmax", z)
	if err != nil {
		return nil, err
	}
	e, err := exponentials(z)
	if err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "Softmax",
		out:  z.Shape(),
		wrt:  []bool{true, false},
		f32:  softmaxKernel[float32](n),
		f64:  softmaxKernel[float64](n),
		pullback: func(_ G.Nodes, out, grad *G.Node) (G.Nodes, error) {
			d, err := softmaxJacobian(out, grad)
			return G.Nodes{d, nil}, err
		},
	}, z, e)
}

func softmaxKernel[T Float](n int) kernel[T] {
	return func(dst []T, in [][]T) {
		z, e := in[0], in[1]
		c := len(z) / n
		for i := 0; i < n; i++ {
			row, p := e[i*c:(i+1)*c], dst[i*c:(i+1)*c]
			best := argmax(z[i*c : (i+1)*c])
			sum := T(sumOfOthers(row, best) + float64(row[best]))
			for j, v := range row {
				p[j] = v / sum
			}
		}
	}
}

// LogSoftmax returns z_c − log Σ exp z for every row of z: (n, C) → (n, C).
func LogSoftmax(z *G.Node) (*G.Node, error) {
	n, c, err := matrixShape("LogSoftmax", z)
	if err != nil {
		return nil, err
	}
	e, err := exponentials(z)
	if err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "LogSoftmax",
		out:  z.Shape(),
		wrt:  []bool{true, false},
		f32:  logSoftmaxKernel[float32](c),
		f64:  logSoftmaxKernel[float64](c),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			p, err := Softmax(in[0])
			if err != nil {
				return nil, err
			}
			sum, err := Scatter(grad, rowIndex(n, c), tensor.Shape{n})
			if err != nil {
				return nil, err
			}
			if p, err = RowScale(sum, p); err != nil {
				return nil, err
			}
			d, err := Sub(grad, p)
			return G.Nodes{d, nil}, err
		},
	}, z, e)
}

func logSoftmaxKernel[T Float](c int) kernel[T] {
	return func(dst []T, in [][]T) {
		for z, e := in[0], in[1]; len(z) > 0; z, e, dst = z[c:], e[c:], dst[c:] {
			row := z[:c]
			best := argmax(row)
			excess := math.Log1p(sumOfOthers(e[:c], best))
			for j, v := range row {
				dst[j] = T(float64(v-row[best]) - excess)
			}
		}
	}
}

// rowIndex is the row of every element of an n × c matrix.
func rowIndex(n, c int) Index {
	index := make(Index, n*c)
	for i := range index {
		index[i] = int32(i / c)
	}
	return index
}

// softmaxResidual returns p − y, p the softmax of the rows of z. With e_c =
// exp(z_c − max z) and Σy = 1 it is (1 − y_c)·e_c − y_c·Σ_{j≠c} e_j over Σ e,
// where nothing cancels for a one-hot y. Rows of y that are all zero give zero.
func softmaxResidual(z, y *G.Node) (*G.Node, error) {
	n := z.Shape()[0]
	e, err := exponentials(z)
	if err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "SoftmaxResidual",
		out:  z.Shape(),
		wrt:  []bool{true, false, false},
		f32:  softmaxResidualKernel[float32](n),
		f64:  softmaxResidualKernel[float64](n),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			p, err := Softmax(in[0])
			if err != nil {
				return nil, err
			}
			d, err := softmaxJacobian(p, grad)
			return G.Nodes{d, nil, nil}, err
		},
	}, z, y, e)
}

func softmaxResidualKernel[T Float](n int) kernel[T] {
	return func(dst []T, in [][]T) {
		z, y := in[0], in[1]
		c := len(z) / n
		for i := 0; i < n; i++ {
			row, target, r := in[2][i*c:(i+1)*c], y[i*c:(i+1)*c], dst[i*c:(i+1)*c]
			best := argmax(z[i*c : (i+1)*c])
			others := T(sumOfOthers(row, best))
			mass := T(0) // Σ y
			for _, v := range target {
				mass += v
			}
			for j, e := range row {
				rest := others
				if j != best {
					rest = 1 + (others - e)
				}
				r[j] = ((mass-target[j])*e - target[j]*rest) / (1 + others)
			}
		}
	}
}

// softmaxJacobian multiplies every row of u by the Jacobian of the softmax at
// its output p: (diag p − ppᵀ)·u = p ⊙ (u − ⟨p, u⟩). The product does not
// change when a constant is added to u; measured from the entry of u at the
// largest p nothing cancels, however confident p is.
func softmaxJacobian(p, u *G.Node) (*G.Node, error) {
	n := p.Shape()[0]
	if err := sameShape("SoftmaxJacobian", p, u); err != nil {
		return nil, err
	}
	return apply(primitive{
		name: "SoftmaxJacobian",
		out:  p.Shape(),
		wrt:  []bool{true, true},
		f32:  softmaxJacobianKernel[float32](n),
		f64:  softmaxJacobianKernel[float64](n),
		pullback: func(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			return softmaxJacobianPullback(in[0], in[1], grad)
		},
	}, p, u)
}

func softmaxJacobianKernel[T Float](n int) kernel[T] {
	return func(dst []T, in [][]T) {
		p, u := in[0], in[1]
		c := len(p) / n
		for i := 0; i < n; i++ {
			p, u, d := p[i*c:(i+1)*c], u[i*c:(i+1)*c], dst[i*c:(i+1)*c]
			best := argmax(p)
			mean := T(0) // ⟨p, u − u_best⟩
			for j := range p {
				mean += p[j] * (u[j] - u[best])
			}
			for j := range p {
				d[j] = p[j] * ((u[j] - u[best]) - mean)
			}
		}
	}
}

// softmaxJacobianPullback: with s = ⟨p, u⟩ the output is p ⊙ (u − s), so
// ∂u = p ⊙ (g − ⟨p, g⟩) and ∂p = g ⊙ u − s·g − ⟨p, g⟩·u.
func softmaxJacobianPullback(p, u, grad *G.Node) (G.Nodes, error) {
	du, err := softmaxJacobian(p, grad)
	if err != nil {
		return nil, err
	}
	dp, err := Mul(grad, u)
	if err != nil {
		return nil, err
	}
	for _, t := range []struct{ inner, scaled *G.Node }{{u, grad}, {grad, u}} {
		mean, err := RowDot(p, t.inner)
		if err != nil {
			return nil, err
		}
		term, err := RowScale(mean, t.scaled)
		if err != nil {
			return nil, err
		}
		if dp, err = Sub(dp, term); err != nil {
			return nil, err
		}
	}
	return G.Nodes{dp, du}, nil
}

// SquaredError returns the mean squared difference of every row of z from the
// same row of y: ℓ = (1/C)·‖z − y‖², (n, C), (n, C) → (n). Its mean over the
// rows is PyTorch's MSELoss.
func SquaredError(z, y *G.Node) (*G.Node, error) {
	_, c, err := matrixShape("SquaredError", z)
	if err != nil {
		return nil, err
	}
	d, err := Sub(z, y)
	if err != nil {
		return nil, err
	}
	square, err := RowDot(d, d)
	if err != nil {
		return nil, err
	}
	return Scale(square, 1/float64(c))
}
