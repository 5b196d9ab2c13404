package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Tanh and the sigmoid are made of expm1 for arguments x ≤ 0. With n the
// integer next to x/ln 2 and r = x − n·ln 2, so that |r| ≤ ½·ln 2,
//
//	expm1 r = r + r²/2! + … + r¹³/13!    to 2⁻⁵⁶ of itself,
//	expm1 x = 2ⁿ·expm1 r + (2ⁿ − 1)
//
// where neither sum cancels to less than half. ln 2 is taken in two parts, the
// first of which is exact when multiplied by n (Cody and Waite 1980).
const terms = 13

// constants are in memory, one vector each.
type constants struct {
	mem  Mem
	next int
}

func (c *constants) add(bits uint64) Mem {
	at := c.mem.Offset(c.next)
	for range 4 {
		DATA(c.next, U64(bits))
		c.next += 8
	}
	return at
}

func (c *constants) float(v float64) Mem { return c.add(math.Float64bits(v)) }

// saturation are the constants of saturating functions.
type saturation struct {
	sign, smallest, perLn2, ln2High, ln2Low, half, one, two, minusTwo, bias Mem

	factorials [terms + 1]Mem // 1/k!
	odd        []Mem          // 2/3, 2/5, 2/7, …
}

func newSaturation() (s saturation) {
	c := constants{mem: GLOBL("saturation", RODATA|NOPTR)}
	s.sign = c.add(1 << 63)
	s.smallest = c.float(-708) // below it 2ⁿ would not be a normal number
	s.perLn2 = c.float(1 / math.Ln2)
	s.ln2High = c.float(0x1.62e42feep-1)
	s.ln2Low = c.float(0x1.a39ef35793c76p-33)
	s.one, s.two, s.minusTwo = c.float(1), c.float(2), c.float(-2)
	s.bias = c.add(1023)
	factorial := 1.0
	for k := 2; k <= terms; k++ {
		factorial *= float64(k)
		s.factorials[k] = c.float(1 / factorial)
	}
	s.half = c.float(0.5)
	for k := 3; k <= 21; k += 2 {
		s.odd = append(s.odd, c.float(2/float64(k)))
	}
	return s
}

// expm1 replaces x ≤ 0, or the sum of x and a few parts that are as small as its
// rounding, by expm1 r, and returns 2ⁿ. NaN stays.
func (s saturation) expm1(x VecPhysical, parts ...VecPhysical) (power VecPhysical) {
	n, q := Y1, Y2
	power = Y3
	VMOVUPD(s.smallest, n)
	VMAXPD(x, n, x) // NaN if x is
	VMULPD(s.perLn2, x, n)
	VROUNDPD(Imm(0), n, n)
	VFNMADD231PD(s.ln2High, n, x)
	for _, part := range parts {
		VADDPD(part, x, x)
	}
	VFNMADD231PD(s.ln2Low, n, x)
	VMOVUPD(s.factorials[terms], q)
	for k := terms - 1; k >= 2; k-- {
		VFMADD213PD(s.factorials[k], x, q)
	}
	VMULPD(x, x, Y4)
	VFMADD231PD(Y4, q, x)
	VCVTPD2DQY(n, power.AsX())
	VPMOVSXDQ(power.AsX(), power)
	VPADDQ(s.bias, power, power)
	VPSLLQ(Imm(52), power, power)
	return power
}

// exp computes e to the power of z ≤ 0, or 0 below smallest.
func (s saturation) exp(z, inside VecPhysical) {
	VCMPPD(notLess, s.smallest, z, inside)
	power := s.expm1(z)
	VFMADD213PD(power, power, z)
	VANDPD(inside, z, z)
}

// tanh computes tanh|z| = −t/(2 + t) with t = expm1(−2|z|), and gives it the
// sign of z. Nothing cancels, however small z is.
func (s saturation) tanh(z, sign VecPhysical) {
	VANDPD(s.sign, z, sign)
	VXORPD(sign, z, z)
	VMULPD(s.minusTwo, z, z)
	power := s.expm1(z)
	VSUBPD(s.one, power, Y4)
	VFMADD213PD(Y4, power, z)
	VADDPD(s.two, z, Y4)
	VDIVPD(Y4, z, z)
	VMOVUPD(s.sign, Y4)
	VANDNPD(z, Y4, z)
	VORPD(sign, z, z)
}

// sigmoid computes e/(1 + e) for negative z and 1/(1 + e) for others, with
// e = exp(−|z|).
func (s saturation) sigmoid(z, sign VecPhysical) {
	VANDPD(s.sign, z, sign)
	VORPD(s.sign, z, z)
	power := s.expm1(z)
	VFMADD213PD(power, power, z)
	VADDPD(s.one, z, Y4)
	VMOVUPD(s.one, Y1)
	VBLENDVPD(sign, z, Y1, z)
	VDIVPD(Y4, z, z)
}

// softplus computes max(z, 0) + log1p(e), with e = exp(−|z|). With f = e, or
// (e − 1)/2 where e is more than a half, s = f/(2 + f) and w = s²,
//
//	log(1 + f) = f − (f²/2 − s·(f²/2 + R)),   R = w·(2/3 + 2w/5 + 2w²/7 + …)
//
// as in FreeBSD's s_log1p.c, of which the series has terms enough for |s| ≤ 1/5,
// and the logarithm of 2 is added in two parts.
func (s saturation) softplus(z, positive VecPhysical) {
	VXORPD(positive, positive, positive)
	VMAXPD(z, positive, positive) // NaN if z is
	VORPD(s.sign, z, z)
	power := s.expm1(z)
	VFMADD213PD(power, power, z)
	above, f, half, sum := Y1, Y2, Y3, Y4
	VCMPPD(greater, s.half, z, above)
	VSUBPD(s.one, z, f)
	VMULPD(s.half, f, f)
	VBLENDVPD(above, f, z, f)
	VADDPD(s.two, f, sum)
	VDIVPD(sum, f, z) // s
	VMULPD(f, f, half)
	VMULPD(s.half, half, half)
	w, r := Y6, Y7
	VMULPD(z, z, w)
	VMOVUPD(s.odd[len(s.odd)-1], r)
	for k := len(s.odd) - 2; k >= 0; k-- {
		VFMADD213PD(s.odd[k], w, r)
	}
	VFMADD213PD(half, w, r)
	VANDPD(s.ln2Low, above, sum)
	VFMADD213PD(sum, z, r)
	VSUBPD(r, half, half)
	VSUBPD(f, half, half)
	VANDPD(s.ln2High, above, sum)
	VSUBPD(half, sum, z)
	VADDPD(positive, z, z)
}

// saturating writes a loop over all elements, four at a time, in float64.
func saturating(p precision, name string, step func(z, sign VecPhysical)) {
	TEXT(p.prefix+"AVX2"+name, NOSPLIT, fmt.Sprintf("func(dst, z []%s)", p.goType))
	Doc(fmt.Sprintf("%sAVX2%s needs z of the length of dst (see Kernels).", p.prefix, name))
	Pragma("noescape")

	dst, z := Load(Param("dst").Base(), GP64()), Load(Param("z").Base(), GP64())
	n := Load(Param("dst").Len(), GP64())
	for _, elements := range []int{4, 1} {
		here, next := fmt.Sprintf("by%d", elements), fmt.Sprintf("below%d", elements)
		Label(here)
		SUBQ(Imm(uint64(elements)), n.(GPVirtual))
		JLT(LabelRef(next))
		p.widen(Mem{Base: z}, elements)
		step(Y0, Y5)
		p.narrow(Mem{Base: dst}, elements)
		ADDQ(Imm(uint64(elements*p.size)), z)
		ADDQ(Imm(uint64(elements*p.size)), dst)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n.(GPVirtual))
	}
	VZEROUPPER()
	RET()
}

// widen loads 4 elements, or 1, into Y0.
func (p precision) widen(from Mem, elements int) {
	switch {
	case p.size == 8 && elements == 4:
		VMOVUPD(from, Y0)
	case p.size == 8:
		VMOVSD(from, X0)
	case elements == 4:
		VCVTPS2PD(from, Y0)
	default:
		VMOVSS(from, X0)
		VCVTPS2PD(X0, Y0)
	}
}

// narrow stores them, rounded.
func (p precision) narrow(to Mem, elements int) {
	if p.size == 4 {
		VCVTPD2PSY(Y0, X0)
	}
	switch {
	case p.size == 8 && elements == 4:
		VMOVUPD(Y0, to)
	case p.size == 8:
		VMOVSD(X0, to)
	case elements == 4:
		VMOVUPS(X0, to)
	default:
		VMOVSS(X0, to)
	}
}
