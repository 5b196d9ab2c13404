package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The distribution function of the standard normal is taken apart into
//
//	Φ(−a) = exp(−a²/2)·h(q)/(a + 4),   q = (a − 4)/(a + 4),   a ≥ 0
//
// (Shepherd and Laframboise 1981). h is the Chebyshev expansion of degree 22 for
// 0 ≤ a ≤ 39, as a polynomial in q, and within 2⁻⁵² of itself. The square of a is
// taken in two parts, which a fused multiply-add gives: rounded to one, it would
// cost the exponential the digits of a².
var tail = []float64{
	0x1.82b4bb8c94dcep-1, -0x1.373e3a893c287p-1, 0x1.8c6dbf2cfc2fap-2, -0x1.7dff2bff6886fp-3,
	0x1.eec4cc3e45a10p-5, -0x1.ee2761035495fp-8, -0x1.c81719cb05950p-9, 0x1.ab825f80112b8p-10,
	0x1.17a4a6e3ba156p-13, -0x1.e4a416416730ap-13, -0x1.00120539f52d7p-19, 0x1.26cf91931aadcp-15,
	0x1.7fe0a6f0664a6p-21, -0x1.8d3603d6a0fb2p-18, -0x1.4fa3e33833ca5p-21, 0x1.11c12c2679233p-20,
	0x1.1b30fd8395738p-22, -0x1.4b4640d20d112p-23, -0x1.483dfd2efa1dfp-24, 0x1.f49a93a29f29fp-27,
	0x1.deef0f2d5b2bdp-27, 0x1.540d685fc4ae6p-34, -0x1.09934b372180ap-30,
}

// normal are the constants of the normal distribution beside those of saturating
// functions.
type normal struct {
	saturation
	largest, minusHalf, four, peak Mem
	tail                           []Mem
}

func newNormal(s saturation) normal {
	c := constants{mem: GLOBL("normal", RODATA|NOPTR)}
	n := normal{saturation: s}
	n.largest = c.float(40) // beyond it both functions are less than smallest
	n.minusHalf, n.four = c.float(-0.5), c.float(4)
	n.peak = c.float(1 / math.Sqrt(2*math.Pi))
	for _, v := range tail {
		n.tail = append(n.tail, c.float(v))
	}
	return n
}

// bell replaces z by exp(−z²/2), and returns |z|, at most 40.
func (n normal) bell(z VecPhysical) (a VecPhysical) {
	a, low := Y6, Y7
	VMOVUPD(n.sign, a)
	VANDNPD(z, a, a)
	VMOVUPD(n.largest, z)
	VMINPD(a, z, a) // NaN if a is
	VMULPD(a, a, z)
	VMOVAPD(z, low)
	VFMSUB231PD(a, a, low)
	VMULPD(n.minusHalf, z, z)
	VMULPD(n.minusHalf, low, low)
	power := n.expm1(z, low)
	VFMADD213PD(power, power, z)
	return a
}

// pdf computes φ(z) = exp(−z²/2)/√(2π).
func (n normal) pdf(z, _ VecPhysical) {
	n.bell(z)
	VMULPD(n.peak, z, z)
}

// cdf computes Φ(z), as 1 − Φ(−z) for positive z.
func (n normal) cdf(z, sign VecPhysical) {
	VMOVAPD(z, sign)
	a := n.bell(z)
	VADDPD(n.four, a, Y7)
	VSUBPD(n.four, a, Y8)
	VDIVPD(Y7, Y8, Y8)
	h := Y9
	VMOVUPD(n.tail[len(n.tail)-1], h)
	for k := len(n.tail) - 2; k >= 0; k-- {
		VFMADD213PD(n.tail[k], Y8, h)
	}
	VDIVPD(Y7, h, h)
	VMULPD(h, z, z)
	VMOVUPD(n.one, Y8)
	VSUBPD(z, Y8, Y8)
	VBLENDVPD(sign, z, Y8, z)
}
