package models

import (
	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// Values returns a copy of the elements of t as float64.
func Values(t *tensor.Dense) []float64 {
	if t.Dtype() == tensor.Float32 {
		wide := make([]float64, t.DataSize())
		vec.Widen(wide, t.Float32s())
		return wide
	}
	return append([]float64(nil), t.Float64s()...)
}

// SetValues sets the elements of t, rounded to its type. There must be as many
// values as t has elements.
func SetValues(t *tensor.Dense, values []float64) { setValuesAt(t, 0, values) }

// assign sets the elements of dst to those of src, rounded to its type. Both have
// as many.
func assign(dst, src *tensor.Dense) {
	switch double, single := dst.Dtype() == tensor.Float64, src.Dtype() == tensor.Float32; {
	case double && single:
		vec.Widen(dst.Float64s(), src.Float32s())
	case double:
		copy(dst.Float64s(), src.Float64s())
	case single:
		copy(dst.Float32s(), src.Float32s())
	default:
		vec.Narrow(dst.Float32s(), src.Float64s())
	}
}

func setValuesAt(t *tensor.Dense, at int, values []float64) {
	if t.Dtype() == tensor.Float32 {
		vec.Narrow(t.Float32s()[at:at+len(values)], values)
		return
	}
	copy(t.Float64s()[at:], values)
}

func copyValues(dst []float64, t *tensor.Dense) { copyValuesAt(dst, t, 0) }

// copyValuesAt sets dst to elements of t, from number at on.
func copyValuesAt(dst []float64, t *tensor.Dense, at int) {
	if t.Dtype() == tensor.Float32 {
		vec.Widen(dst, t.Float32s()[at:])
		return
	}
	copy(dst, t.Float64s()[at:])
}

// addValuesAt adds elements of t to dst, from number at on.
func addValuesAt(dst []float64, t *tensor.Dense, at int) {
	if t.Dtype() == tensor.Float32 {
		vec.AddWidened(dst, t.Float32s()[at:])
		return
	}
	vec.Float64.Add(dst, dst, t.Float64s()[at:at+len(dst)])
}

// addScaled adds h·v to the elements of t.
func addScaled(t *tensor.Dense, h float64, v []float64) {
	if t.Dtype() == tensor.Float32 {
		for i, x := range t.Float32s() {
			t.Float32s()[i] = float32(float64(x) + h*v[i])
		}
		return
	}
	floats.AddScaled(t.Float64s(), h, v)
}

func at(t *tensor.Dense, i int) float64 {
	if t.Dtype() == tensor.Float32 {
		return float64(t.Float32s()[i])
	}
	return t.Float64s()[i]
}

// rowMajor tells whether the elements of t are in the order of its shape.
func rowMajor(t *tensor.Dense) bool { return !t.RequiresIterator() && !t.DataOrder().IsColMajor() }
