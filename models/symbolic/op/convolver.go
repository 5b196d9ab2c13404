package op

import (
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// convolver computes convolutions of one element type, each as products of the
// matrices of a group of channels,
//
//	results (out, places) = kernels (out, patch) · patches (patch, places)
//
// with the channels·kh·kw elements of a patch. The patches of a whole batch
// would be kh·kw times as large as the images. Only a block of them exists at a
// time, of as few places and channels as make a fast product, so that it stays in
// the cache from the copy to the product.
type convolver[T Float] struct {
	multiply   func(tA, tB blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)
	vec        vec.Kernels[T]
	workspaces sync.Pool
}

var (
	convolver32 = &convolver[float32]{multiply: gemm.Implementation{}.Sgemm, vec: vec.Float32}
	convolver64 = &convolver[float64]{multiply: gemm.Implementation{}.Dgemm, vec: vec.Float64}
)

const (
	// blockPlaces are enough columns for a fast product. Samples that have
	// fewer are computed together, and those that have more in bands of rows,
	// if their patches would not fit the cache.
	blockPlaces = 192

	// blockPatches elements of float64 take half of a second-level cache of
	// 1 MiB.
	blockPatches = 64 << 10
)

// workspace holds the buffers of one pass over a batch.
type workspace[T Float] struct{ patches, phases, results, kernels []T }

func (v *convolver[T]) workspace() *workspace[T] {
	if ws, ok := v.workspaces.Get().(*workspace[T]); ok {
		return ws
	}
	return new(workspace[T])
}

// grown returns a buffer with n elements, of any value.
func grown[T Float](buf *[]T, n int) []T {
	*buf = slices.Grow((*buf)[:0], n)[:n]
	return *buf
}

// blocks divides a convolution into products.
type blocks[T Float] struct {
	*convolver[T]
	conv
	images   *unfolding
	in, outs int // channels of a group
	taps     int // elements of a kernel in one channel
	patch    int // elements of a kernel

	// Of a block: as many samples as have blockPlaces, or some rows of places
	// of one, and some channels.
	samples, rows, channels int
}

func (v *convolver[T]) blocks(c conv) *blocks[T] {
	b := &blocks[T]{
		convolver: v, conv: c, images: newUnfolding(c.sliding),
		in: c.from.c / c.groups, outs: c.out / c.groups, taps: c.Kernel[0] * c.Kernel[1],
	}
	b.patch = b.in * b.taps
	b.samples = min(c.from.n, ceil(blockPlaces, c.places()))
	bands := max(1, min(ceil(b.patch*c.places(), blockPatches), c.places()/blockPlaces))
	b.rows = ceil(c.oh, bands)
	b.channels = ceil(b.in, ceil(b.patch*b.samples*b.rows*c.ow, blockPatches))
	return b
}

// ceil returns ⌈a/b⌉.
func ceil(a, b int) int { return (a + b - 1) / b }

func (v *convolver[T]) forward(c conv) kernel[T] {
	if d := v.channelwise(c); d != nil {
		return d.forward
	}
	b := v.blocks(c)
	return func(dst []T, in [][]T) {
		b.each(func(ws *workspace[T], p part) {
			y, ld := b.results(ws, dst, p)
			for ch := 0; ch < b.in; ch += b.channels {
				patches, k := b.unfold(ws, in[0], p, ch)
				b.multiply(blas.NoTrans, blas.NoTrans, b.outs, p.columns, k, 1, b.kernels(in[1], p, ch), b.patch,
					patches, p.columns, weight[T](ch > 0), y, ld)
			}
			b.store(dst, y, p)
		})
	}
}

func (v *convolver[T]) toImages(c conv) kernel[T] {
	if d := v.channelwise(c); d != nil {
		return d.toImages
	}
	b := v.blocks(c)
	return func(dst []T, in [][]T) {
		b.each(func(ws *workspace[T], p part) {
			y, ld := b.load(ws, in[0], p)
			for ch := 0; ch < b.in; ch += b.channels {
				patches, k := b.patches(ws, p, ch)
				b.multiply(blas.Trans, blas.NoTrans, k, p.columns, b.outs, 1, b.kernels(in[1], p, ch), b.patch,
					y, ld, 0, patches, p.columns)
				b.fold(ws, dst, p, ch)
			}
		})
	}
}

// toKernels sums results · patchesᵀ, or its transpose, over all samples: the
// product transposes its second factor, and should the smaller one.
func (v *convolver[T]) toKernels(c conv) kernel[T] {
	if d := v.channelwise(c); d != nil {
		return d.toKernels
	}
	b := v.blocks(c)
	if b.patch <= b.outs || b.outs >= 256 {
		return func(dst []T, in [][]T) {
			b.each(func(ws *workspace[T], p part) {
				y, ld := b.load(ws, in[0], p)
				for ch := 0; ch < b.in; ch += b.channels {
					patches, k := b.unfold(ws, in[1], p, ch)
					b.multiply(blas.NoTrans, blas.Trans, b.outs, k, p.columns, 1, y, ld,
						patches, p.columns, weight[T](!p.first()), b.kernels(dst, p, ch), b.patch)
				}
			})
		}
	}
	return func(dst []T, in [][]T) {
		b.each(func(ws *workspace[T], p part) {
			y, ld := b.load(ws, in[0], p)
			sums := grown(&ws.kernels, b.patch*b.outs)
			for ch := 0; ch < b.in; ch += b.channels {
				patches, k := b.unfold(ws, in[1], p, ch)
				b.multiply(blas.NoTrans, blas.Trans, k, b.outs, p.columns, 1, patches, p.columns,
					y, ld, weight[T](!p.first()), sums[ch*b.taps*b.outs:], b.outs)
			}
			if p.sample+p.samples < c.from.n || p.row+p.rows < c.oh {
				return
			}
			for o := range b.outs {
				for k, row := 0, b.kernels(dst, p, 0)[o*b.patch:]; k < b.patch; k++ {
					row[k] = sums[k*b.outs+o]
				}
			}
		})
	}
}

// weight is that of what a product is added to.
func weight[T Float](add bool) T {
	if add {
		return 1
	}
	return 0
}

// part is a block of places in a group of channels.
type part struct {
	group           int
	sample, samples int // the first, and how many
	row, rows       int // of places
	columns         int // places, of all samples
}

// first tells whether p is the first part of its group.
func (p part) first() bool { return p.sample == 0 && p.row == 0 }

// each calls f for every part, all of a group one after the other.
func (b *blocks[T]) each(f func(ws *workspace[T], p part)) {
	ws := b.workspace()
	if !b.images.plain {
		clear(grown(&ws.phases, b.in*b.images.channel())) // the padding stays zero
	}
	for g := range b.groups {
		for s := 0; s < b.from.n; s += b.samples {
			for row := 0; row < b.oh; row += b.rows {
				samples, rows := min(b.samples, b.from.n-s), min(b.rows, b.oh-row)
				f(ws, part{g, s, samples, row, rows, samples * rows * b.ow})
			}
		}
	}
	b.workspaces.Put(ws)
}

// kernels returns the kernels of p's group from channel ch on.
func (b *blocks[T]) kernels(w []T, p part, ch int) []T { return w[p.group*b.outs*b.patch+ch*b.taps:] }

// image returns the channels of a block, from ch on, of sample s of p.
func (b *blocks[T]) image(x []T, p part, ch, s int) []T {
	plane := b.from.plane()
	first := (p.sample+s)*b.from.c + p.group*b.in + ch
	return x[first*plane:][:min(b.channels, b.in-ch)*plane]
}

// phases returns the phases of the same channels, of one sample at a time; they
// are the image itself if it is plain.
func (b *blocks[T]) phases(ws *workspace[T], x []T, p part, ch, s int) []T {
	if b.images.plain {
		return b.image(x, p, ch, s)
	}
	size := b.images.channel()
	return ws.phases[ch*size:][:min(b.channels, b.in-ch)*size]
}

// patches returns room for the patches of p in the channels of a block, from ch
// on, and the number of their rows.
func (b *blocks[T]) patches(ws *workspace[T], p part, ch int) ([]T, int) {
	k := min(b.channels, b.in-ch) * b.taps
	return grown(&ws.patches, k*p.columns), k
}

// unfold returns the patches of p in the channels of a block, from ch on, and the
// number of their rows.
func (b *blocks[T]) unfold(ws *workspace[T], x []T, p part, ch int) ([]T, int) {
	patches, k := b.patches(ws, p, ch)
	for s := range p.samples {
		phases := b.phases(ws, x, p, ch, s)
		if p.row == 0 && !b.images.plain {
			pad(b.images, b.vec, phases, b.image(x, p, ch, s))
		}
		unfold(b.images, b.vec, patches[s*b.places():], p, phases)
	}
	return patches, k
}

// fold adds the patches in ws to the channels of a block, from ch on, which are
// set by the first part of a sample and complete after the last.
func (b *blocks[T]) fold(ws *workspace[T], x []T, p part, ch int) {
	for s := range p.samples {
		phases := b.phases(ws, x, p, ch, s)
		if p.row == 0 {
			clear(phases)
		}
		fold(b.images, b.vec, phases, ws.patches[s*b.places():], p)
		if p.row+p.rows == b.oh && !b.images.plain {
			unpad(b.images, b.vec, b.image(x, p, ch, s), phases)
		}
	}
}

// results returns a matrix for the results of p, and how far its rows are apart.
// It is a part of y itself if p is of one sample.
func (b *blocks[T]) results(ws *workspace[T], y []T, p part) (m []T, ld int) {
	if b.samples > 1 {
		return grown(&ws.results, b.outs*p.columns), p.columns
	}
	return b.result(y, p, 0)[p.row*b.ow:], b.places()
}

// result returns the results of sample s of p.
func (b *blocks[T]) result(y []T, p part, s int) []T {
	first := (p.sample+s)*b.out + p.group*b.outs
	return y[first*b.places():][:b.outs*b.places()]
}

// load returns the results of p as a matrix, and store puts them back.
func (b *blocks[T]) load(ws *workspace[T], y []T, p part) (m []T, ld int) {
	m, ld = b.results(ws, y, p)
	if b.samples > 1 {
		for s := range p.samples {
			b.vec.CopyRows(m[s*b.places():], p.columns, b.result(y, p, s), b.places(), b.outs, b.places())
		}
	}
	return m, ld
}

func (b *blocks[T]) store(y, m []T, p part) {
	if b.samples > 1 {
		for s := range p.samples {
			b.vec.CopyRows(b.result(y, p, s), b.places(), m[s*b.places():], p.columns, b.outs, b.places())
		}
	}
}
