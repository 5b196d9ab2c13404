package piecewise

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// region is a linear region of a network with rectifiers: the points where the
// units are on and off as given. There the arguments of all units, and the logits,
// are affine forms of t.
type region struct {
	*view
	slope float64   // below zero
	on    []bool    // of all hidden units, layer by layer
	forms []float64 // (H + C) × (k + 1)
	norms []float64 // of the units' forms; 0 if not known
	first []int     // index of the first form of each layer
	layer []int     // of each hidden unit

	scaled  []float64   // the forms of a layer times the slopes of its units
	columns [][]float64 // of each layer: change of the forms by a flip
	cost    float64     // multiplications of build
	work    float64     // multiplications so far
}

func newRegion(v *view, slope float64) *region {
	r := &region{view: v, slope: slope}
	at := 0
	for l, w := range v.widths {
		r.first = append(r.first, at)
		r.columns = append(r.columns, make([]float64, w))
		if l > 0 {
			r.cost += float64(w * v.widths[l-1] * (v.space + 1))
		}
		if l < len(v.widths)-1 {
			for range w {
				r.layer = append(r.layer, l)
			}
		}
		at += w
	}
	r.on, r.norms = make([]bool, len(r.layer)), make([]float64, len(r.layer))
	r.forms = make([]float64, at*(v.space+1))
	r.scaled = make([]float64, at*(v.space+1))
	return r
}

// form returns that of a hidden unit, or after them of a logit.
func (r *region) form(i int) []float64 {
	n := r.space + 1
	return r.forms[i*n : (i+1)*n]
}

// norm returns that of the form of a hidden unit.
func (r *region) norm(i int) float64 {
	if r.norms[i] == 0 {
		r.norms[i] = length(r.form(i))
	}
	return r.norms[i]
}

// logit returns the form of the logit of a class.
func (r *region) logit(class int) []float64 { return r.form(len(r.on) + class) }

// at goes to the region of t.
func (r *region) at(t []float64) {
	values := r.evaluate(t, r.slope)
	for l, z := range values[:len(values)-1] {
		for i, a := range z {
			r.on[r.first[l]+i] = a > 0
		}
	}
	r.build()
}

// slopeOf is the slope of a unit in the region.
func (r *region) slopeOf(i int) float64 {
	if r.on[i] {
		return 1
	}
	return r.slope
}

// build computes the forms.
func (r *region) build() {
	r.work += r.cost
	clear(r.norms)
	n := r.space + 1
	copy(r.forms, r.inputs)
	for l := 1; l < len(r.widths); l++ {
		in, out := r.widths[l-1], r.widths[l]
		scaled := r.scaled[:in*n]
		for i := range in {
			floats.ScaleTo(scaled[i*n:(i+1)*n], r.slopeOf(r.first[l-1]+i), r.form(r.first[l-1]+i))
		}
		forms := r.forms[r.first[l]*n : (r.first[l]+out)*n]
		gemm.Implementation{}.Dgemm(blas.NoTrans, blas.NoTrans, out, n, in, 1, r.layers[l].Weight, in, scaled, n, 0, forms, n)
		for i, b := range r.layers[l].Bias {
			forms[i*n+n-1] += b
		}
	}
}

// flip goes to the neighbouring region where unit i is the other way. All forms of
// later layers change by a multiple of its form.
func (r *region) flip(i int) {
	l, n := r.layer[i], r.space+1
	r.work += float64((len(r.on) - r.first[l]) * n)
	if r.first[l+1] < len(r.norms) {
		clear(r.norms[r.first[l+1]:])
	}
	change := 1 - r.slope
	if r.on[i] {
		change = -change
	}
	r.on[i] = !r.on[i]
	form := r.form(i)
	out := r.columns[l+1]
	floats.ScaleTo(out, change, r.transposed[l+1][(i-r.first[l])*len(out):(i-r.first[l]+1)*len(out)])
	for l++; ; l++ {
		forms := blas64.General{Rows: len(out), Cols: n, Stride: n, Data: r.forms[r.first[l]*n:]}
		blas64.Ger(1, blas64.Vector{N: len(out), Data: out, Inc: 1}, blas64.Vector{N: n, Data: form, Inc: 1}, forms)
		if l == len(r.widths)-1 {
			return
		}
		in := out
		out = r.columns[l+1]
		clear(out)
		for k, a := range in {
			if a *= r.slopeOf(r.first[l] + k); a != 0 {
				floats.AddScaled(out, a, r.transposed[l+1][k*len(out):(k+1)*len(out)])
			}
		}
	}
}
