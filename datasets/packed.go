package datasets

import "slices"

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

// ofByte are the values of bytes.
var ofByte = func() (values [256]float64) {
	for b := range values {
		values[b] = float64(b) / 255
	}
	return values
}()

// CopyRow sets dst to the values of one sample, rounded to the type of dst. There must be as many values as dst has room
// for.
func CopyRow[T ~float32 | ~float64](dst []T, s *Split, row int) {
	from, to := row*len(dst), (row+1)*len(dst)
	switch p := s.Packed; {
	case p == nil:
		for i, v := range s.X[from:to] {
			dst[i] = T(v)
		}
	case p.scaling != nil:
		copyScaled(dst, p, from)
	case p.bytes != nil:
		for i, b := range p.bytes[from:to] {
			dst[i] = T(ofByte[b])
		}
	default:
		for i, v := range p.floats[from:to] {
			dst[i] = T(v)
		}
	}
}

func copyScaled[T ~float32 | ~float64](dst []T, p *Packed, from int) {
	run := len(dst) / len(p.scaling.Mean)
	for k, mean := range p.scaling.Mean {
		scale := p.scaling.Scale[k]
		for i := k * run; i < (k+1)*run; i++ {
			dst[i] = T((p.at(from+i) - mean) / scale)
		}
	}
}

// at returns a value before it is scaled.
func (p *Packed) at(i int) float64 {
	if p.bytes != nil {
		return ofByte[p.bytes[i]]
	}
	return float64(p.floats[i])
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
