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
	compare                               func(...Op)
	blend                                 func(mask, a, b, dst Op)
	andNot                                func(...Op)
}

var precisions = []precision{
	{
		prefix: "d", goType: "float64", size: 8,
		add: VADDPD, sub: VSUBPD, mul: VMULPD, mov: VMOVUPD, movOne: VMOVSD, broadcast: VBROADCASTSD,
		compare: VCMPPD, blend: VBLENDVPD, andNot: VANDNPD,
	},
	{
		prefix: "s", goType: "float32", size: 4,
		add: VADDPS, sub: VSUBPS, mul: VMULPS, mov: VMOVUPS, movOne: VMOVSS, broadcast: VBROADCASTSS,
		compare: VCMPPS, blend: VBLENDVPS, andNot: VANDNPS,
	},
}
