package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// convert writes a loop that converts all elements of src, four at a time and the
// last three one by one.
func convert(name, dst, src string, four, one func(from, to Mem)) {
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst []%s, src []%s)", dst, src))
	Doc(fmt.Sprintf("%s needs src of the length of dst.", name))
	Pragma("noescape")
	size := map[string]int{"float64": 8, "float32": 4, "uint8": 1}
	to, n := Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	from := Load(Param("src").Base(), GP64())
	for _, elements := range []int{16, 4, 1} {
		here, next := fmt.Sprint("elements", elements), fmt.Sprint("below", elements)
		Label(here)
		SUBQ(Imm(uint64(elements)), n)
		JLT(LabelRef(next))
		for i := 0; i < elements; i += 4 {
			step := four
			if elements == 1 {
				step = one
			}
			step(Mem{Base: from, Disp: i * size[src]}, Mem{Base: to, Disp: i * size[dst]})
		}
		ADDQ(Imm(uint64(elements*size[src])), from)
		ADDQ(Imm(uint64(elements*size[dst])), to)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n)
	}
	VZEROUPPER()
	RET()
}

// fractions writes dst = src/255, correctly rounded: with r next to 1/255 the
// quotient q = b·r is corrected by (b − 255·q)·r, which a fused multiply-add takes
// from the exact remainder (Markstein 1990).
func fractions() {
	c := constants{mem: GLOBL("fractions", RODATA|NOPTR)}
	whole, part := c.float(255), c.float(1.0/255)
	convert("avx2Fractions", "float64", "uint8", func(from, to Mem) {
		VPMOVZXBD(from, X0)
		VCVTDQ2PD(X0, Y0)
		fraction(whole, part)
		VMOVUPD(Y0, to)
	}, func(from, to Mem) {
		b := GP32()
		MOVBLZX(from, b)
		VCVTSI2SDL(b, X0, X0)
		fraction(whole, part)
		VMOVSD(X0, to)
	})
	convert("avx2NarrowFractions", "float32", "uint8", func(from, to Mem) {
		VPMOVZXBD(from, X0)
		VCVTDQ2PD(X0, Y0)
		fraction(whole, part)
		VCVTPD2PSY(Y0, X0)
		VMOVUPS(X0, to)
	}, func(from, to Mem) {
		b := GP32()
		MOVBLZX(from, b)
		VCVTSI2SDL(b, X0, X0)
		fraction(whole, part)
		VCVTSD2SS(X0, X0, X0)
		VMOVSS(X0, to)
	})
}

// fraction divides Y0.
func fraction(whole, part Mem) {
	VMULPD(part, Y0, Y1)
	VFNMADD231PD(whole, Y1, Y0) // the remainder
	VFMADD132PD(part, Y1, Y0)
}

// squaresWidened writes Σ aᵢ² of float32, in float64.
func squaresWidened() {
	TEXT("avx2SquaresWidened", NOSPLIT, "func(a []float32) float64")
	Doc("avx2SquaresWidened returns Σ aᵢ².")
	Pragma("noescape")
	a, n := Load(Param("a").Base(), GP64()), Load(Param("a").Len(), GP64())
	sums := ymm[:unroll]
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	for _, elements := range []int{4 * unroll, 4, 1} {
		here, next := fmt.Sprint("elements", elements), fmt.Sprint("below", elements)
		if elements == 1 {
			precisions[0].reduce(sums)
		}
		Label(here)
		SUBQ(Imm(uint64(elements)), n)
		JLT(LabelRef(next))
		for i := range max(1, elements/4) {
			x := ymm[unroll+i]
			if elements == 1 {
				VMOVSS(Mem{Base: a}, x.AsX())
				VCVTPS2PD(x.AsX(), x)
				VFMADD231SD(x.AsX(), x.AsX(), sums[0].AsX())
				continue
			}
			VCVTPS2PD(Mem{Base: a, Disp: 16 * i}, x)
			VFMADD231PD(x, x, sums[i])
		}
		ADDQ(Imm(uint64(4*elements)), a)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n)
	}
	Store(sums[0].AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
