package op

import "github.com/hessoscope/hessoscope/models/symbolic/vec"

// unfolding copies what a window covers on images to columns, its patches: one
// row for each element of the kernel, one column for each place. Images are
// first copied with their padding and, for strides, taken apart into images of
// every s-th row and column, the phases. Then an element of the kernel sees a
// rectangle of one phase, at all places of the window.
type unfolding struct {
	sliding
	plain   bool  // images are their own only phase
	h, w    int   // of a phase
	offsets []int // of the rectangles of the kernel's elements, in the phases of a channel
	phases  []phase
}

// phase tells where the elements of an image come from that have others beside
// them from a stride further on.
type phase struct{ rows, columns span }

// span is the part of an axis of a phase that lies on the image: elements from
// to to−1 come from start, start + stride, ….
type span struct{ from, to, start int }

func newUnfolding(s sliding) *unfolding {
	u := &unfolding{
		sliding: s,
		plain:   s.Stride == [2]int{1, 1} && s.Padding == [4]int{},
		h:       (s.Kernel[0]-1)*s.Dilation[0]/s.Stride[0] + s.oh,
		w:       (s.Kernel[1]-1)*s.Dilation[1]/s.Stride[1] + s.ow,
	}
	known := make(map[[2]int]int)
	for i := range s.Kernel[0] {
		for j := range s.Kernel[1] {
			y, x := i*s.Dilation[0], j*s.Dilation[1]
			first := [2]int{y % s.Stride[0], x % s.Stride[1]}
			p, ok := known[first]
			if !ok {
				p = len(u.phases)
				known[first] = p
				u.phases = append(u.phases, phase{u.span(0, first[0], u.h), u.span(1, first[1], u.w)})
			}
			u.offsets = append(u.offsets, (p*u.h+y/s.Stride[0])*u.w+x/s.Stride[1])
		}
	}
	return u
}

// span returns the span of length elements of a padded axis, from first on.
func (u *unfolding) span(axis, first, length int) span {
	size, stride, before := u.from.h, u.Stride[axis], u.Padding[2*axis]
	if axis == 1 {
		size = u.from.w
	}
	s := span{from: max(0, (before-first+stride-1)/stride)}
	s.to = max(s.from, min(length, (size+before-first+stride-1)/stride))
	s.start = s.from*stride + first - before
	return s
}

// channel is the number of elements of all phases of a channel.
func (u *unfolding) channel() int { return len(u.phases) * u.h * u.w }

// pad copies channels to their phases. Padding is left as it is.
func pad[T Float](u *unfolding, v vec.Kernels[T], phases, x []T) {
	u.each(len(phases), func(at, from int, ph phase) {
		rows, columns := ph.rows.to-ph.rows.from, ph.columns.to-ph.columns.from
		if u.Stride[1] == 1 {
			v.CopyRows(phases[at:], u.w, x[from:], u.Stride[0]*u.from.w, rows, columns)
			return
		}
		for range rows {
			for i := range phases[at:][:columns] {
				phases[at+i] = x[from+i*u.Stride[1]]
			}
			at += u.w
			from += u.Stride[0] * u.from.w
		}
	})
}

// unpad copies the phases of channels back.
func unpad[T Float](u *unfolding, v vec.Kernels[T], x, phases []T) {
	clear(x) // of what no place of the window covers
	u.each(len(phases), func(at, from int, ph phase) {
		rows, columns := ph.rows.to-ph.rows.from, ph.columns.to-ph.columns.from
		if u.Stride[1] == 1 {
			v.CopyRows(x[from:], u.Stride[0]*u.from.w, phases[at:], u.w, rows, columns)
			return
		}
		for range rows {
			for i, v := range phases[at:][:columns] {
				x[from+i*u.Stride[1]] = v
			}
			at += u.w
			from += u.Stride[0] * u.from.w
		}
	})
}

// each calls f for every phase that the image has a part in, of channels whose
// phases have size elements together, with its first element there and where that
// is on the images.
func (u *unfolding) each(size int, f func(at, from int, ph phase)) {
	for c := range size / u.channel() {
		for p, ph := range u.phases {
			if ph.rows.to > ph.rows.from && ph.columns.to > ph.columns.from {
				f(c*u.channel()+(p*u.h+ph.rows.from)*u.w+ph.columns.from, c*u.from.plane()+ph.rows.start*u.from.w+ph.columns.start, ph)
			}
		}
	}
}

// unfold copies the phases of channels to the patches of rows of places, in a
// matrix with the columns of p.
func unfold[T Float](u *unfolding, v vec.Kernels[T], patches []T, p part, phases []T) {
	for ; len(phases) > 0; phases = phases[u.channel():] {
		for _, k := range u.offsets {
			v.CopyRows(patches, u.ow, phases[k+p.row*u.w:], u.w, p.rows, u.ow)
			patches = patches[min(p.columns, len(patches)):]
		}
	}
}

// fold adds patches to the phases of channels. It is the adjoint of unfold.
func fold[T Float](u *unfolding, v vec.Kernels[T], phases, patches []T, p part) {
	for ; len(phases) > 0; phases = phases[u.channel():] {
		for _, k := range u.offsets {
			v.AddRows(phases[k+p.row*u.w:], u.w, patches, u.ow, p.rows, u.ow)
			patches = patches[min(p.columns, len(patches)):]
		}
	}
}
