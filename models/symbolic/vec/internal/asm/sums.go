package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// sum writes a loop that adds up what step makes of a vector of each operand: it
// adds it to its first register. There are as many sums as hide the time of an
// addition.
func sum(p precision, name string, operands, constants []string, step func(sum, x, y Op)) {
	name = p.prefix + "AVX2" + name
	signature := strings.Join(operands, ", ") + " []" + p.goType
	if len(constants) > 0 {
		signature += ", " + strings.Join(constants, ", ") + " " + p.goType
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(%s) %s", signature, p.goType))
	Doc(fmt.Sprintf("%s needs operands of one length (see Kernels).", name))
	Pragma("noescape")

	n := Load(Param(operands[0]).Len(), GP64())
	var in []Register
	for _, o := range operands {
		in = append(in, Load(Param(o).Base(), GP64()))
	}
	for i, name := range constants {
		p.broadcast(argument(name), c[i])
	}
	sums := ymm[:unroll]
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	x, y := Y8, Y9
	at := GP64() // bytes
	XORQ(at, at)
	for _, vectors := range []int{unroll, 1, 0} {
		elements := max(1, vectors*32/p.size)
		here, next := fmt.Sprintf("vectors%d", vectors), fmt.Sprintf("below%d", vectors)
		if vectors == 0 {
			p.reduce(sums)
		}
		Label(here)
		SUBQ(Imm(uint64(elements)), n.(GPVirtual))
		JLT(LabelRef(next))
		for i := range max(1, vectors) {
			for j, r := range []VecPhysical{x, y}[:len(in)] {
				from := Mem{Base: in[j], Index: at, Scale: 1, Disp: 32 * i}
				if vectors == 0 {
					p.movOne(from, r.AsX())
				} else {
					p.mov(from, r)
				}
			}
			step(sums[i], x, y)
		}
		ADDQ(Imm(uint64(elements*p.size)), at)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n.(GPVirtual))
	}
	Store(sums[0].AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// reduce adds all elements of the sums to the first one of sums[0].
func (p precision) reduce(sums []VecPhysical) {
	first := sums[0]
	for _, s := range sums[1:] {
		p.add(s, first, first)
	}
	p.reduceOne(first, Y9)
}

// reduceOne adds all elements of s to its first one.
func (p precision) reduceOne(s, work VecPhysical) {
	VEXTRACTF128(Imm(1), s, work.AsX())
	p.add(work.AsX(), s.AsX(), s.AsX())
	VMOVHLPS(s.AsX(), s.AsX(), work.AsX())
	p.add(work.AsX(), s.AsX(), s.AsX())
	if p.size == 4 {
		VMOVSHDUP(s.AsX(), work.AsX())
		p.add(work.AsX(), s.AsX(), s.AsX())
	}
}

// correlate writes dstᵢ = Σₖ wₖ·src[atₖ + i], for eight vectors at a time so that
// each of the weights is read once for all of them.
func correlate(p precision) {
	name := p.prefix + "AVX2Correlate"
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst, src []%[1]s, at []int, w []%[1]s)", p.goType))
	Doc(fmt.Sprintf("%s needs weights of the length of at, and src to reach (see Kernels).", name))
	Pragma("noescape")

	dst, n := Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	src := Load(Param("src").Base(), GP64())
	at, taps := Load(Param("at").Base(), GP64()), Load(Param("at").Len(), GP64())
	w := Load(Param("w").Base(), GP64())
	k, from := GP64(), GP64()
	for _, vectors := range []int{8, 4, 1, 0} {
		elements := max(1, vectors*32/p.size)
		here, next, loop, end := fmt.Sprint("vectors", vectors), fmt.Sprint("below", vectors), fmt.Sprint("taps", vectors), fmt.Sprint("end", vectors)
		sums := []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7}[:max(1, vectors)]
		Label(here)
		SUBQ(Imm(uint64(elements)), n.(GPVirtual))
		JLT(LabelRef(next))
		for _, s := range sums {
			VXORPS(s, s, s)
		}
		XORQ(k, k)
		Label(loop)
		CMPQ(k, taps)
		JGE(LabelRef(end))
		MOVQ(Mem{Base: at, Index: k, Scale: 8}, from)
		p.broadcast(Mem{Base: w, Index: k, Scale: uint8(p.size)}, Y15)
		for i, s := range sums {
			x := Mem{Base: src, Index: from, Scale: uint8(p.size), Disp: 32 * i}
			if vectors == 0 {
				p.fmaOne(x, Y15.AsX(), s.AsX())
			} else {
				p.fma(x, Y15, s)
			}
		}
		INCQ(k)
		JMP(LabelRef(loop))
		Label(end)
		for i, s := range sums {
			to := Mem{Base: dst, Disp: 32 * i}
			if vectors == 0 {
				p.movOne(s.AsX(), to)
			} else {
				p.mov(s, to)
			}
		}
		ADDQ(U32(elements*p.size), dst)
		ADDQ(U32(elements*p.size), src)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n.(GPVirtual))
	}
	VZEROUPPER()
	RET()
}

// correlations writes dstₖ += Σᵢ aᵢ·src[atₖ + i], for the nine elements of a
// kernel of 3×3 at a time so that a is read once for all of them; then for fewer.
func correlations(p precision) {
	name := p.prefix + "AVX2Correlations"
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst, a, src []%s, at []int)", p.goType))
	Doc(fmt.Sprintf("%s needs dst of the length of at, and src to reach (see Kernels).", name))
	Pragma("noescape")

	dst, left := Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	a, at := Load(Param("a").Base(), GP64()), Load(Param("at").Base(), GP64())
	bytes := Load(Param("a").Len(), GP64())
	IMUL3Q(Imm(uint64(p.size)), bytes, bytes)
	i, from := GP64(), make([]GPVirtual, 9)
	for j := range from {
		from[j] = GP64()
	}
	for _, taps := range []int{9, 3, 1} {
		here, next := fmt.Sprint("taps", taps), fmt.Sprint("below", taps)
		sums := []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8}[:taps]
		Label(here)
		SUBQ(Imm(uint64(taps)), left.(GPVirtual))
		JLT(LabelRef(next))
		Load(Param("src").Base(), i)
		for j, s := range sums {
			MOVQ(Mem{Base: at, Disp: 8 * j}, from[j])
			LEAQ(Mem{Base: i, Index: from[j], Scale: uint8(p.size)}, from[j])
			VXORPS(s, s, s)
		}
		XORQ(i, i) // bytes
		for _, vectors := range []int{1, 0} {
			loop, end := fmt.Sprint(here, "vectors", vectors), fmt.Sprint(here, "end", vectors)
			elements := max(1, vectors*32/p.size)
			if vectors == 0 {
				for _, s := range sums {
					p.reduceOne(s, Y9)
				}
			}
			Label(loop)
			ADDQ(Imm(uint64(elements*p.size)), i)
			CMPQ(i, bytes)
			JGT(LabelRef(end))
			disp := -elements * p.size
			x := Mem{Base: a, Index: i, Scale: 1, Disp: disp}
			if vectors == 0 {
				p.movOne(x, X10)
			} else {
				p.mov(x, Y10)
			}
			for j, s := range sums {
				x := Mem{Base: from[j], Index: i, Scale: 1, Disp: disp}
				if vectors == 0 {
					p.fmaOne(x, X10, s.AsX())
				} else {
					p.fma(x, Y10, s)
				}
			}
			JMP(LabelRef(loop))
			Label(end)
			SUBQ(Imm(uint64(elements*p.size)), i)
		}
		for j, s := range sums {
			to := Mem{Base: dst, Disp: j * p.size}
			p.addOne(to, s.AsX(), s.AsX())
			p.movOne(s.AsX(), to)
		}
		ADDQ(Imm(uint64(8*taps)), at)
		ADDQ(Imm(uint64(p.size*taps)), dst)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(taps)), left.(GPVirtual))
	}
	VZEROUPPER()
	RET()
}
