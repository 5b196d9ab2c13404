package op

import (
	"slices"

	"gonum.org/v1/gonum/blas"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/gemm"
)

// Pack splits a call in which a matrix product multiplies by its operand k: into the operation that copies this matrix in the order in which the product reads it,
// and the same call with the copy, of the given length, as its operand. That pays where
// the matrix changes less often than the other operands. The result is the same, bit for
// bit. Pack returns false for other operands and calls.
func Pack(o G.Op, k int) (packing G.Op, length int, packed G.Op, ok bool) {
	if p, packs := o.(packer); packs {
		return p.pack(k)
	}
	return nil, 0, nil, false
}

// packer is an operation that Pack may split.
type packer interface {
	pack(k int) (packing G.Op, length int, packed G.Op, ok bool)
}

func (c *chain) pack(k int) (packing G.Op, length int, packed G.Op, ok bool) {
	again := *c
	if k < c.operands {
		first, packs := c.first.(packer)
		if !packs {
			return nil, 0, nil, false
		}
		if packing, length, packed, ok = first.pack(k); ok {
			again.first = packed.(Binder)
		}
		return packing, length, &again, ok
	}
	if k -= c.operands; k >= c.over {
		k++ // that of first
	}
	if packing, length, packed, ok = c.primitive.pack(k); ok {
		again.primitive = packed.(*primitive)
	}
	return packing, length, &again, ok
}

func (p *primitive) pack(k int) (packing G.Op, length int, packed G.Op, ok bool) {
	if p.plus == nil || k != 1 {
		return nil, 0, nil, false
	}
	m := *p.plus
	if length = gemm.PackedLen[float64](m.tB, m.m, m.n, m.k); p.dtype == tensor.Float32 {
		length = gemm.PackedLen[float32](m.tB, m.m, m.n, m.k)
	}
	if length == 0 {
		return nil, 0, nil, false
	}
	shape := tensor.Shape{length}
	again := *p
	again.in = slices.Clone(p.in)
	again.in[1] = shape
	again.f32, again.f64 = multiplyPacked[float32](m), multiplyPacked[float64](m)
	return &primitive{
		name: "Pack" + map[bool]string{true: "ᵀ"}[m.tB == blas.Trans], in: []tensor.Shape{p.in[1]}, out: shape, dtype: p.dtype,
		f32: func(dst []float32, in [][]float32) { gemm.Pack(dst, m.tB, m.n, m.k, in[0]) },
		f64: func(dst []float64, in [][]float64) { gemm.Pack(dst, m.tB, m.n, m.k, in[0]) },
	}, length, &again, true
}

func multiplyPacked[T Float](p productPlus) kernel[T] {
	lda, _ := p.strides()
	return func(dst []T, in [][]T) {
		var d []T
		if len(in) > 2 {
			d = in[2]
		}
		gemm.MultiplyPacked(p.tA, p.tB, p.m, p.n, p.k, in[0], lda, in[1], d, p.stride, dst, p.n)
	}
}
