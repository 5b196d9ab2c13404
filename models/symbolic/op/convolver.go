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
// time, of as few samples and channels as make a fast product, so that it stays
// in the cache from the copy to the product.
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
	// fewer are computed together.
	blockPlaces = 96

	// blockPatches elements of float64 take half of a second-level cache of
	// 1 MiB.
	blockPatches = 64 << 10
)

// workspace holds the buffers of one pass over a batch.
type workspace[T Float] struct{ patches, phases, results, kernels []T }

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
	samples  int // of a block
	channels int // of a block
}

func (v *convolver[T]) blocks(c conv) *blocks[T] {
	b := &blocks[T]{
		convolver: v, conv: c, images: newUnfolding(c.sliding),
		in: c.from.c / c.groups, outs: c.out / c.groups, taps: c.Kernel[0] * c.Kernel[1],
	}
	b.patch = b.in * b.taps
	b.samples = min(c.from.n, (blockPlaces+c.places()-1)/c.places())
	parts := (b.patch*b.samples*c.places() + blockPatches - 1) / blockPatches
	b.channels = max(1, (b.in+parts-1)/parts)
	return b
}

func (v *convolver[T]) forward(c conv) kernel[T] {
	b := v.blocks(c)
	return func(dst []T, in [][]T) {
		b.each(func(ws *workspace[T], p part) {
			y := b.results(ws, dst, p)
			for ch := 0; ch < b.in; ch += b.channels {
				patches, k := b.unfold(ws, in[0], p, ch)
				b.multiply(blas.NoTrans, blas.NoTrans, b.outs, p.columns, k, 1, b.kernels(in[1], p, ch), b.patch,
					patches, p.columns, weight[T](ch > 0), y, p.columns)
			}
			b.store(dst, y, p)
		})
	}
}

func (v *convolver[T]) toImages(c conv) kernel[T] {
	b := v.blocks(c)
	return func(dst []T, in [][]T) {
		b.each(func(ws *workspace[T], p part) {
			y := b.load(ws, in[0], p)
			for ch := 0; ch < b.in; ch += b.channels {
				patches, k := b.patches(ws, p, ch)
				b.multiply(blas.Trans, blas.NoTrans, k, p.columns, b.outs, 1, b.kernels(in[1], p, ch), b.patch,
					y, p.columns, 0, patches, p.columns)
				b.fold(ws, dst, p, ch)
			}
		})
	}
}

// toKernels sums results · patchesᵀ, or its transpose, over all samples: the
// product transposes its second factor, and should the smaller one.
func (v *convolver[T]) toKernels(c conv) kernel[T] {
	b := v.blocks(c)
	if b.patch <= b.outs {
		return func(dst []T, in [][]T) {
			b.each(func(ws *workspace[T], p part) {
				y := b.load(ws, in[0], p)
				for ch := 0; ch < b.in; ch += b.channels {
					patches, k := b.unfold(ws, in[1], p, ch)
					b.multiply(blas.NoTrans, blas.Trans, b.outs, k, p.columns, 1, y, p.columns,
						patches, p.columns, weight[T](p.sample > 0), b.kernels(dst, p, ch), b.patch)
				}
			})
		}
	}
	return func(dst []T, in [][]T) {
		b.each(func(ws *workspace[T], p part) {
			y := b.load(ws, in[0], p)
			sums := grown(&ws.kernels, b.patch*b.outs)
			for ch := 0; ch < b.in; ch += b.channels {
				patches, k := b.unfold(ws, in[1], p, ch)
				b.multiply(blas.NoTrans, blas.Trans, k, b.outs, p.columns, 1, patches, p.columns,
					y, p.columns, weight[T](p.sample > 0), sums[ch*b.taps*b.outs:], b.outs)
			}
			if p.sample+p.samples < c.from.n {
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

// part is a block of samples in a group of channels.
type part struct {
	group           int
	sample, samples int // the first, and how many
	columns         int // places of the window on all
}

// each calls f for every part, all of a group one after the other.
func (b *blocks[T]) each(f func(ws *workspace[T], p part)) {
	ws, _ := b.workspaces.Get().(*workspace[T])
	if ws == nil {
		ws = new(workspace[T])
	}
	if !b.images.plain {
		clear(grown(&ws.phases, b.channels*b.images.channel())) // the padding stays zero
	}
	for g := range b.groups {
		for s := 0; s < b.from.n; s += b.samples {
			samples := min(b.samples, b.from.n-s)
			f(ws, part{g, s, samples, samples * b.places()})
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
		phases := b.image(x, p, ch, s)
		if !b.images.plain {
			phases = b.phases(ws, ch)
			pad(b.images, phases, b.image(x, p, ch, s))
		}
		unfold(b.images, b.vec, patches[s*b.places():], p.columns, phases)
	}
	return patches, k
}

// fold sets the channels of a block, from ch on, to the sums of the patches in ws.
func (b *blocks[T]) fold(ws *workspace[T], x []T, p part, ch int) {
	for s := range p.samples {
		phases := b.image(x, p, ch, s)
		if !b.images.plain {
			phases = b.phases(ws, ch)
		}
		clear(phases)
		fold(b.images, b.vec, phases, ws.patches[s*b.places():], p.columns)
		if !b.images.plain {
			unpad(b.images, b.image(x, p, ch, s), phases)
		}
	}
}

func (b *blocks[T]) phases(ws *workspace[T], ch int) []T {
	return ws.phases[:min(b.channels, b.in-ch)*b.images.channel()]
}

// results returns a matrix for the results of p: y itself if p is one sample.
func (b *blocks[T]) results(ws *workspace[T], y []T, p part) []T {
	if b.samples > 1 {
		return grown(&ws.results, b.outs*p.columns)
	}
	return b.result(y, p, 0)
}

// result returns the results of sample s of p.
func (b *blocks[T]) result(y []T, p part, s int) []T {
	first := (p.sample+s)*b.out + p.group*b.outs
	return y[first*b.places():][:b.outs*b.places()]
}

// load returns the results of p as a matrix, and store puts them back.
func (b *blocks[T]) load(ws *workspace[T], y []T, p part) []T {
	m := b.results(ws, y, p)
	if b.samples > 1 {
		for s := range p.samples {
			b.vec.CopyRows(m[s*b.places():], p.columns, b.result(y, p, s), b.places(), b.outs, b.places())
		}
	}
	return m
}

func (b *blocks[T]) store(y, m []T, p part) {
	if b.samples > 1 {
		for s := range p.samples {
			b.vec.CopyRows(b.result(y, p, s), b.places(), m[s*b.places():], p.columns, b.outs, b.places())
		}
	}
}
