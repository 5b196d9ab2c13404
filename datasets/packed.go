package datasets

import (
	"slices"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// Packed holds the values of a [Split] as they came, as bytes or float32, in an eighth or half of the memory that float64
// takes. They are widened when they are read. A Packed never changes, so that copies of a split may share it.
type Packed struct {
	bytes   []uint8
	floats  []float32
	scaling *Scaling // of the values that are read; nil for none
}

// PackBytes returns values v/255 for the bytes v, which it keeps.
func PackBytes(v []uint8) *Packed { return &Packed{bytes: v} }

// PackFloats returns the values v, which it keeps.
func PackFloats(v []float32) *Packed { return &Packed{floats: v} }

// Len returns the number of values.
func (p *Packed) Len() int { return max(len(p.bytes), len(p.floats)) }

// first returns the first n values.
func (p *Packed) first(n int) *Packed {
	return &Packed{bytes: p.bytes[:min(n, len(p.bytes))], floats: p.floats[:min(n, len(p.floats))], scaling: p.scaling}
}

// take returns a copy of the given rows of width values each.
func (p *Packed) take(rows []int, width int) *Packed {
	return &Packed{bytes: takeRows(p.bytes, rows, width), floats: takeRows(p.floats, rows, width), scaling: p.scaling}
}

func takeRows[T any](values []T, rows []int, width int) []T {
	if values == nil {
		return nil
	}
	taken := make([]T, 0, len(rows)*width)
	for _, r := range rows {
		taken = append(taken, values[r*width:(r+1)*width]...)
	}
	return taken
}

// scaled returns the same values under one more map.
func (p *Packed) scaled(s *Scaling) *Packed {
	return &Packed{bytes: p.bytes, floats: p.floats, scaling: s.after(p.scaling)}
}

// CopyRow sets dst to the values of one sample, rounded to the type of dst. There must be as many values as dst has room
// for.
func CopyRow[T float32 | float64](dst []T, s *Split, row int) {
	from, to := row*len(dst), (row+1)*len(dst)
	switch dst := any(dst).(type) {
	case []float64:
		if s.Packed == nil {
			copy(dst, s.X[from:to])
		} else {
			s.Packed.copy(dst, from)
		}
	case []float32:
		if s.Packed == nil {
			vec.Narrow(dst, s.X[from:to])
		} else {
			s.Packed.narrow(dst, from)
		}
	}
}

// copy sets dst to the values of a sample, which begin at from.
func (p *Packed) copy(dst []float64, from int) {
	p.unscaled(dst, from)
	if p.scaling == nil {
		return
	}
	run := len(dst) / len(p.scaling.Mean)
	for k, mean := range p.scaling.Mean {
		part := dst[k*run : (k+1)*run]
		vec.Float64.Standardize(part, part, mean, p.scaling.Scale[k])
	}
}

// narrow is copy for float32. Values are scaled in float64, some at a time.
func (p *Packed) narrow(dst []float32, from int) {
	switch {
	case p.scaling != nil:
		var wide [128]float64
		run := len(dst) / len(p.scaling.Mean)
		for k, mean := range p.scaling.Mean {
			for i := k * run; i < (k+1)*run; i += len(wide) {
				some := wide[:min(len(wide), (k+1)*run-i)]
				p.unscaled(some, from+i)
				vec.Float64.Standardize(some, some, mean, p.scaling.Scale[k])
				vec.Narrow(dst[i:i+len(some)], some)
			}
		}
	case p.bytes != nil:
		vec.NarrowFractions(dst, p.bytes[from:from+len(dst)])
	default:
		copy(dst, p.floats[from:from+len(dst)])
	}
}

// unscaled sets dst to the values from one on, before they are scaled.
func (p *Packed) unscaled(dst []float64, from int) {
	if p.bytes != nil {
		vec.Fractions(dst, p.bytes[from:from+len(dst)])
	} else {
		vec.Widen(dst, p.floats[from:from+len(dst)])
	}
}

// Values returns the values of all samples, row-major: X itself, or those of Packed in a new slice.
func (s *Split) Values() []float64 {
	if s.Packed == nil {
		return s.X
	}
	all := make([]float64, s.Packed.Len())
	if n := s.Len(); n > 0 {
		width := len(all) / n
		for row := range n {
			CopyRow(all[row*width:(row+1)*width], s, row)
		}
	}
	return all
}

// valueCount is the number of values of all samples.
func (s *Split) valueCount() int {
	if s.Packed != nil {
		return s.Packed.Len()
	}
	return len(s.X)
}

// clone returns a copy that shares nothing but what never changes.
func (s *Split) clone() Split {
	out := *s
	out.X, out.Labels, out.Index, out.Targets = slices.Clone(s.X), slices.Clone(s.Labels), slices.Clone(s.Index), slices.Clone(s.Targets)
	return out
}
