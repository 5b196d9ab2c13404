package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// precision holds the names and instructions of one element type.
type precision struct {
	prefix, goType string
	size           int // bytes

	add, sub, mul, mov, movOne, broadcast func(...Op)
	addOne, fma, fmaOne                   func(...Op) // fma adds the product of its first two to the third
	compare, div, sqrt                    func(...Op)
	blend                                 func(mask, a, b, dst Op)
	andNot                                func(...Op)

	pairs  func(a, b, even, odd Op) // the elements of a and b of even places, and of odd ones, lane by lane
	number func(int) Constant
}

var precisions = []precision{
	{
		prefix: "d", goType: "float64", size: 8,
		add: VADDPD, sub: VSUBPD, mul: VMULPD, mov: VMOVUPD, movOne: VMOVSD, broadcast: VBROADCASTSD,
		addOne: VADDSD, fma: VFMADD231PD, fmaOne: VFMADD231SD,
		compare: VCMPPD, div: VDIVPD, sqrt: VSQRTPD, blend: VBLENDVPD, andNot: VANDNPD,
		pairs:  func(a, b, even, odd Op) { VUNPCKLPD(b, a, even); VUNPCKHPD(b, a, odd) },
		number: func(v int) Constant { return F64(v) },
	},
	{
		prefix: "s", goType: "float32", size: 4,
		add: VADDPS, sub: VSUBPS, mul: VMULPS, mov: VMOVUPS, movOne: VMOVSS, broadcast: VBROADCASTSS,
		addOne: VADDSS, fma: VFMADD231PS, fmaOne: VFMADD231SS,
		compare: VCMPPS, div: VDIVPS, sqrt: VSQRTPS, blend: VBLENDVPS, andNot: VANDNPS,
		pairs:  func(a, b, even, odd Op) { VSHUFPS(Imm(0x88), b, a, even); VSHUFPS(Imm(0xdd), b, a, odd) },
		number: func(v int) Constant { return F32(v) },
	},
}
