package piecewise

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// view is a network around a sample x₀, as a function of t with
// x = x₀ + unit·Q·t. In all its affine forms the last coefficient is the constant.
type view struct {
	*Network
	class      int       // predicted for x₀
	centre     []float64 // W₁·x₀ + b₁
	magnitude  []float64 // |W₁|·|x₀| + |b₁|, for bounds of rounding errors
	unit       float64
	inputs     []float64 // out × (k + 1), forms of the first layer
	values     [][]float64
	evaluation float64 // multiplications of evaluate
}

func newView(n *Network) *view {
	v := &view{Network: n, inputs: make([]float64, n.widths[0]*(n.space+1))}
	v.centre, v.magnitude = make([]float64, n.widths[0]), make([]float64, n.widths[0])
	v.evaluation = n.Work() - float64(n.widths[0]*(n.width-n.space))
	for _, w := range n.widths {
		v.values = append(v.values, make([]float64, w))
	}
	return v
}

// move goes to the sample x₀ of a class.
func (v *view) move(x []float64, class int) {
	v.class = class
	for i, b := range v.layers[0].Bias {
		w := v.layers[0].Weight[i*v.width : (i+1)*v.width]
		v.centre[i] = floats.Dot(w, x) + b
		sum := math.Abs(b)
		for j, a := range w {
			sum += math.Abs(a * x[j])
		}
		v.magnitude[i] = sum
	}
}

// measure takes a unit of length.
func (v *view) measure(unit float64) {
	v.unit = unit
	k := v.space
	for i, c := range v.centre {
		row := v.inputs[i*(k+1) : (i+1)*(k+1)]
		floats.ScaleTo(row[:k], unit, v.reduced[i*k:(i+1)*k])
		row[k] = c
	}
}

// evaluate returns the arguments of the units of each hidden layer at t, and the
// logits. They are valid until the next call.
func (v *view) evaluate(t []float64, slope float64) [][]float64 {
	k := v.space
	for i := range v.centre {
		row := v.inputs[i*(k+1) : (i+1)*(k+1)]
		v.values[0][i] = floats.Dot(row[:k], t) + row[k]
	}
	for l := 1; l < len(v.values); l++ {
		z := v.values[l]
		copy(z, v.layers[l].Bias)
		for i, a := range v.values[l-1] {
			if a < 0 {
				a *= slope
			}
			if a != 0 {
				floats.AddScaled(z, a, v.transposed[l][i*len(z):(i+1)*len(z)])
			}
		}
	}
	return v.values
}

// gap returns f_a − max_{c≠a} f_c, with a the class of the sample, and the c.
func (v *view) gap(logits []float64) (gap float64, rival int) {
	rival = -1
	for c, z := range logits {
		if c != v.class && (rival < 0 || z > logits[rival]) {
			rival = c
		}
	}
	return logits[v.class] - logits[rival], rival
}
