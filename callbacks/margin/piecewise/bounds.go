package piecewise

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

const (
	// Certainty is the distance of the two bounds of a distance, as a share of it,
	// within which it is certified.
	Certainty = 1e-6

	nearlyOne = 1 - 0.9*Certainty // share of a distance that certifies it, after some rounding too
	rounding  = 1e-12             // of norms and bounds
)

// bounds encloses all units of a network in affine forms over the ball ‖t‖ ≤
// radius: layer by layer the activations are replaced by lines on the intervals of
// their arguments, and the lines are pulled back to t (CROWN, Zhang et al. 2018).
// The least value of a form over the ball is its constant minus the radius times
// its norm. Bounds allow for rounding.
type bounds struct {
	*view
	radius float64
	fixed  []int8 // of each hidden unit: 1 if z ≥ 0 is assumed, −1 if z ≤ 0, 0 if nothing is

	lower, upper [][]float64    // of each hidden layer, of the units' arguments
	relaxed      [][]relaxation // of the units
	lines        [][]lines      // the same
	forms        [][]float64    // of each hidden layer: lower forms of z, then of −z
	gaps         []float64      // C × (k + 1), lower forms of f_a − f_c; of no use for c = a
	weights      [][]float64    // of each hidden layer: C × width, of the units' values in gaps

	signed    [][]float64 // of each layer: W and −W; of the last f_a − f_c
	offsets   [][]float64
	precision float64   // bound of a sum's relative error
	norms     []float64 // of the first layer's forms
	magnitude []float64 // of the terms summed in each row
	buffers   [2][]float64
	cost      float64 // multiplications of enclose
	work      float64 // multiplications so far
}

// lines holds the mean of the lower and the upper line of a unit, and half their
// differences.
type lines struct{ slope, slopes, offset, offsets float64 }

func newBounds(v *view) *bounds {
	b := &bounds{view: v, norms: make([]float64, v.widths[0])}
	terms, widest, last := v.width+8, 0, len(v.widths)-1
	for l, w := range v.widths {
		terms += w
		widest = max(widest, w)
		rows := 2 * w
		if l == last {
			rows = w
		} else {
			b.lower, b.upper = append(b.lower, make([]float64, w)), append(b.upper, make([]float64, w))
			b.relaxed, b.lines = append(b.relaxed, make([]relaxation, w)), append(b.lines, make([]lines, w))
			b.forms = append(b.forms, make([]float64, rows*(v.space+1)))
			b.weights = append(b.weights, make([]float64, v.classes()*w))
			b.fixed = append(b.fixed, make([]int8, w)...)
		}
		in := len(v.layers[l].Weight) / w
		b.signed, b.offsets = append(b.signed, make([]float64, rows*in)), append(b.offsets, make([]float64, rows))
		if l < last {
			copy(b.signed[l], v.layers[l].Weight)
			floats.ScaleTo(b.signed[l][w*in:], -1, v.layers[l].Weight)
			copy(b.offsets[l], v.layers[l].Bias)
			floats.ScaleTo(b.offsets[l][w:], -1, v.layers[l].Bias)
		}
	}
	b.cost = encloseCost(v.widths, v.space)
	b.precision = float64(terms) * 0x1p-52
	b.gaps = make([]float64, v.classes()*(v.space+1))
	b.magnitude = make([]float64, 2*widest)
	for i := range b.buffers {
		b.buffers[i] = make([]float64, 2*widest*widest)
	}
	return b
}

// encloseCost is the number of multiplications of enclose.
func encloseCost(widths []int, space int) float64 {
	cost := 0
	for l, w := range widths {
		for j := l - 1; j >= 0; j-- {
			before := space
			if j > 0 {
				before = widths[j-1]
			}
			cost += 2 * w * widths[j] * before
		}
	}
	return float64(cost)
}

// begin takes over the view's sample and unit.
func (b *bounds) begin() {
	last, k := len(b.widths)-1, b.space
	w, layer := b.signed[last], b.layers[last]
	in := len(layer.Weight) / b.classes()
	own := layer.Weight[b.class*in : (b.class+1)*in]
	for c, bias := range layer.Bias {
		floats.SubTo(w[c*in:(c+1)*in], own, layer.Weight[c*in:(c+1)*in])
		b.offsets[last][c] = layer.Bias[b.class] - bias
	}
	for i := range b.norms {
		b.norms[i] = length(b.inputs[i*(k+1) : i*(k+1)+k])
	}
	clear(b.fixed)
}

// enclose computes all forms and bounds over the ball of a radius, where the fixed
// units are as assumed. It reports false if they cannot be.
func (b *bounds) enclose(radius float64) bool {
	b.radius = radius
	b.work += b.cost
	at := 0
	for l := range b.lower {
		b.pull(l, b.forms[l])
		for i := range b.lower[l] {
			low, high := b.lowest(b.forms[l], i), -b.lowest(b.forms[l], len(b.lower[l])+i)
			switch b.fixed[at+i] {
			case 1:
				low = max(low, 0)
			case -1:
				high = min(high, 0)
			}
			if low > high {
				return false
			}
			b.lower[l][i], b.upper[l][i] = low, high
			r, _ := relax(b.activation, low, high)
			b.relaxed[l][i] = r
			b.lines[l][i] = lines{
				(r.lower.slope + r.upper.slope) / 2, (r.lower.slope - r.upper.slope) / 2,
				(r.lower.offset + r.upper.offset) / 2, (r.lower.offset - r.upper.offset) / 2,
			}
		}
		at += len(b.lower[l])
	}
	b.pull(len(b.lower), b.gaps)
	return true
}

// lowest is the least value over the ball of row i of forms.
func (b *bounds) lowest(forms []float64, i int) float64 {
	n := b.space + 1
	row := forms[i*n : (i+1)*n]
	return row[n-1] - b.radius*length(row[:n-1])*(1+rounding)
}

// pull sets forms to lower forms of the rows of signed[l]·h + offsets[l], with h the
// values of the layer before. It lowers them by a bound of their rounding errors in
// the ball.
func (b *bounds) pull(l int, forms []float64) {
	n := b.space + 1
	b.pullRounded(l, forms)
	for i, m := range b.magnitude[:len(b.offsets[l])] {
		forms[i*n+n-1] -= b.precision * m
	}
}

// pullRounded is pull without an allowance for rounding. It sets the sizes of the
// terms of each row.
func (b *bounds) pullRounded(l int, forms []float64) {
	n := b.space + 1
	rows := len(b.offsets[l])
	magnitude := b.magnitude[:rows]
	clear(magnitude)
	if l == 0 {
		w := b.widths[0]
		if l == len(b.lower) { // a network without hidden layers
			b.multiply(rows, n, w, b.differences(), b.inputs, forms)
			for i := range magnitude {
				magnitude[i] = 2 * (floats.Max(b.view.magnitude) + b.radius*floats.Max(b.norms))
			}
			return
		}
		copy(forms, b.inputs)
		floats.ScaleTo(forms[w*n:], -1, b.inputs)
		for i := range magnitude {
			magnitude[i] = b.view.magnitude[i%w] + b.radius*b.norms[i%w]
		}
		return
	}
	total := length(b.view.magnitude) + b.radius*length(b.norms)
	constant := grown[float64](nil, rows)
	copy(constant, b.offsets[l])
	for i, c := range constant {
		magnitude[i] = math.Abs(c)
	}
	m := b.signed[l]
	for j := l - 1; ; j-- {
		in := b.widths[j]
		if l == len(b.lower) {
			copy(b.weights[j], m[:rows*in])
		}
		a := b.buffers[0][:rows*in]
		b.linear(j, m, a, constant)
		if j == 0 {
			b.multiply(rows, n, in, a, b.inputs, forms)
			for i := range rows {
				forms[i*n+n-1] += constant[i]
				magnitude[i] += length(a[i*in:(i+1)*in]) * total
			}
			return
		}
		for i := range rows {
			row := a[i*in : (i+1)*in]
			constant[i] += floats.Dot(row, b.layers[j].Bias)
			magnitude[i] += length(row) * length(b.layers[j].Bias)
		}
		before := b.widths[j-1]
		m = b.buffers[1][:rows*before]
		b.multiply(rows, before, in, a, b.layers[j].Weight, m)
	}
}

// linear sets a to the weights m of the values of layer j times the slopes of the
// lines that bound them, from below where a weight is positive, and adds the lines'
// offsets to constant. With the means p and half the differences q of the two lines,
// a line for v is p·v + q·|v|.
func (b *bounds) linear(j int, m, a, constant []float64) {
	in := b.widths[j]
	lines := b.lines[j]
	for i := range constant {
		sum, terms := 0.0, 0.0
		row := m[i*in : (i+1)*in]
		out := a[i*in : (i+1)*in][:len(row)]
		for k, v := range row {
			l := &lines[k]
			abs := math.Abs(v)
			out[k] = l.slope*v + l.slopes*abs
			offset := l.offset*v + l.offsets*abs
			sum += offset
			terms += math.Abs(offset)
		}
		constant[i] += sum
		b.magnitude[i] += terms
	}
}

// differences is the matrix that takes logits to f_a − f_c.
func (b *bounds) differences() []float64 {
	c := b.classes()
	m := make([]float64, c*c)
	for i := range c {
		m[i*c+b.class]++
		m[i*c+i]--
	}
	return m
}

// multiply sets dst = a·x, with a rows × in and x in × columns.
func (b *bounds) multiply(rows, columns, in int, a, x, dst []float64) {
	gemm.Implementation{}.Dgemm(blas.NoTrans, blas.NoTrans, rows, columns, in, 1, a, in, x, columns, 0, dst, columns)
}

// boundable reports whether there are bounds for an activation.
func boundable(a models.Activation) bool {
	_, ok := relax(a, -1, 1)
	return ok
}

// clear reports whether no point of the ball ‖t‖ ≤ radius is on the boundary, as far
// as the relaxations tell.
func (b *bounds) clear(radius float64) bool {
	if !b.enclose(radius) {
		return false
	}
	for c := range b.classes() {
		if c != b.class && !(b.lowest(b.gaps, c) > 0) {
			return false
		}
	}
	return true
}

// free returns the radius, below limit, of a ball that clear holds for, or 0. It is
// within a thousandth of the largest one if there are rounds enough.
func (b *bounds) free(limit float64, rounds int) float64 {
	low, high := 0.0, limit
	for range rounds {
		middle := (low + high) / 2
		if b.clear(middle) {
			low = middle
		} else {
			high = middle
		}
		if high-low <= 1e-3*low {
			break
		}
	}
	return low
}
