package op

// channelwise computes convolutions with groups of one channel, depthwise ones,
// without patches. As a matrix product such a convolution would have one row of
// kernels, or a few, and cost less than the copy to its patches.
//
// The rows of an image, with their padding, lie one after the other in the phases
// of an unfolding. If results have rows as long, with a gap of zeros behind each,
// an element of a kernel sees what all of them need as one run of its phase, from
// its offset on.
type channelwise[T Float] struct {
	*convolver[T]
	conv
	images *unfolding
	outs   int    // kernels of a channel
	run    int    // results from the first to the last, with gaps
	margin int    // zeros before the results, where no kernel reaches
	seen   []taps // of each phase
}

// taps are elements of the kernels of one channel: which of them, and where the
// run of results begins that an image's first element has a part in.
type taps struct{ kernels, at []int }

// few are the kernels of a channel up to which this way is faster.
const few = 3

// channelwise returns nil for a convolution that is faster in blocks.
func (v *convolver[T]) channelwise(c conv) *channelwise[T] {
	d := &channelwise[T]{convolver: v, conv: c, images: newUnfolding(c.sliding), outs: c.out / c.groups}
	h, w := d.images.h, d.images.w
	if c.groups < c.from.c || d.outs > few || 2*c.places() < h*w {
		return nil
	}
	d.run = (c.oh-1)*w + c.ow
	d.margin = (h-c.oh)*w + w - c.ow
	d.seen = make([]taps, len(d.images.phases))
	for o := range d.outs {
		for k, offset := range d.images.offsets {
			t := &d.seen[offset/(h*w)]
			t.kernels = append(t.kernels, o*len(d.images.offsets)+k)
			t.at = append(t.at, o*d.padded()+d.margin-offset%(h*w))
		}
	}
	return d
}

// padded is the number of elements of the results of one kernel, with gaps and
// margins.
func (d *channelwise[T]) padded() int { return d.margin + d.images.h*d.images.w }

func (d *channelwise[T]) forward(dst []T, in [][]T) {
	d.each(func(ws *workspace[T], plane, group int) {
		image := d.image(ws, in[0], plane)
		kernels, size := d.kernels(in[1], group), len(d.images.offsets)
		for o := range d.outs {
			y := d.result(dst, plane, o)
			if d.images.w == d.ow {
				d.vec.Correlate(y, image, d.images.offsets, kernels[o*size:])
				continue
			}
			row := grown(&ws.patches, d.run)
			d.vec.Correlate(row, image, d.images.offsets, kernels[o*size:])
			d.vec.CopyRows(y, d.ow, row, d.images.w, d.oh, d.ow)
		}
	})
}

func (d *channelwise[T]) toImages(dst []T, in [][]T) {
	h, w := d.images.h, d.images.w
	d.each(func(ws *workspace[T], plane, group int) {
		results := d.results(ws, in[0], plane)
		kernels := d.kernels(in[1], group)
		x := dst[plane*d.from.plane():][:d.from.plane()]
		phases := x
		if !d.images.plain {
			phases = ws.phases
		}
		for p, t := range d.seen {
			weights := grown(&ws.kernels, len(t.kernels))
			for i, k := range t.kernels {
				weights[i] = kernels[k]
			}
			d.vec.Correlate(phases[p*h*w:][:h*w], results, t.at, weights)
		}
		if !d.images.plain {
			unpad(d.images, d.vec, x, phases)
		}
	})
}

func (d *channelwise[T]) toKernels(dst []T, in [][]T) {
	clear(dst)
	d.each(func(ws *workspace[T], plane, group int) {
		results := d.results(ws, in[0], plane)
		image := d.image(ws, in[1], plane)
		kernels, size := d.kernels(dst, group), len(d.images.offsets)
		for o := range d.outs {
			d.vec.Correlations(kernels[o*size:], results[o*d.padded()+d.margin:][:d.run], image, d.images.offsets)
		}
	})
}

// each calls f for every channel of every sample, all samples in turn.
func (d *channelwise[T]) each(f func(ws *workspace[T], plane, group int)) {
	ws := d.workspace()
	clear(grown(&ws.phases, d.images.channel())) // the padding stays zero
	clear(grown(&ws.results, d.outs*d.padded())) // and so do gaps and margins
	for plane := range d.from.n * d.from.c {
		f(ws, plane, plane%d.from.c)
	}
	d.workspaces.Put(ws)
}

// image returns the phases of a channel.
func (d *channelwise[T]) image(ws *workspace[T], x []T, plane int) []T {
	x = x[plane*d.from.plane():][:d.from.plane()]
	if d.images.plain {
		return x
	}
	pad(d.images, d.vec, ws.phases, x)
	return ws.phases
}

// results returns the results of a channel's kernels with gaps and margins.
func (d *channelwise[T]) results(ws *workspace[T], y []T, plane int) []T {
	for o := range d.outs {
		d.vec.CopyRows(ws.results[o*d.padded()+d.margin:], d.images.w, d.result(y, plane, o), d.ow, d.oh, d.ow)
	}
	return ws.results
}

// result returns those of one kernel alone, without.
func (d *channelwise[T]) result(y []T, plane, o int) []T {
	return y[(plane*d.outs+o)*d.places():][:d.places()]
}

// kernels returns those of one channel.
func (d *channelwise[T]) kernels(w []T, group int) []T {
	size := d.outs * len(d.images.offsets)
	return w[group*size:][:size]
}
